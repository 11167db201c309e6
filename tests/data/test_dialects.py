"""Other tools' files are read, or refused by the tool's name and with what to do instead."""

import json

import numpy as np
import pytest
from coco_file import coco_content, read_coco_file, save_coco
from voc_folder import annotation_xml, make_voc, object_xml

from minircnn.data import DatasetError, VOCDataset, check_dataset
from minircnn.data.opening import open_dataset
from minircnn.imaging import write_image

RESULT = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}
SHAPE = {"label": "cat", "points": [[1, 2], [3, 4]], "shape_type": "rectangle"}
VIA = {"filename": "a.jpg", "size": 9, "regions": [], "file_attributes": {}}
JSONS = {
    "LabelMe": {"version": "5.0", "flags": {}, "shapes": [SHAPE], "imagePath": "a.jpg"},
    "VIA annotator": {"a.jpg9": VIA},
    "the VIA annotator's own JSON": {"_via_settings": {}, "_via_img_metadata": {"a.jpg9": VIA}},
    "in VIA choose": {"project": {}, "config": {}, "attribute": {}, "file": {}, "metadata": {}, "view": {}},
    "Supervisely": {"description": "", "tags": [], "size": {"height": 6, "width": 8}, "objects": []},
    "Export to Pascal VOC": {"classes": [], "tags": [], "projectType": "images"},
    "Datumaro": {"info": {}, "categories": {"label": {}}, "items": []},
    "VoTT": {"asset": {"name": "a.jpg"}, "regions": [], "version": "2.1.0"},
    "CreateML": [{"image": "a.jpg", "annotations": [{"label": "cat", "coordinates": {"x": 1}}]}],
    "Labelbox": [{"ID": "ck", "Labeled Data": "https://x/a.jpg", "Label": {"objects": []}}],
    "Labelbox's JSON": [{"data_row": {"id": "ck"}, "projects": {}}],
    "Label Studio": [{"id": 1, "annotations": [{"result": []}], "data": {"image": "/data/upload/a.jpg"}}],
    "Label Studio's JSON": [{"image": "a.jpg", "label": [], "annotation_id": 1, "lead_time": 2.5}],
    "BDD100K": [{"name": "a.jpg", "labels": [{"category": "car", "box2d": {}}]}],
    "--detections": [RESULT],
    "COCO results": [{**RESULT, "segmentation": {"counts": "x", "size": [6, 8]}}],
    "panoptic": {"images": [], "annotations": [{"image_id": 1, "segments_info": []}], "categories": []},
    "captions": {"images": [], "annotations": [{"image_id": 1, "id": 1, "caption": "a cat"}]},
    "it holds 5": 5,
    r"it holds \[\]": [],
}


@pytest.mark.parametrize("words", JSONS)
def test_json_of_another_tool_is_refused_by_its_name(tmp_path, words):
    file = save_coco(tmp_path, JSONS[words])
    with pytest.raises(DatasetError, match=rf"some\.json.*{words}"):
        read_coco_file(file)
    with pytest.raises(DatasetError, match=rf"some\.json.*{words}"):
        check_dataset(file)


def test_one_json_object_a_line(tmp_path):
    text = "\n".join([json.dumps({"data_row": {"id": "ck"}, "projects": {}})] * 2)
    with pytest.raises(DatasetError, match="Labelbox"):
        read_coco_file(save_coco(tmp_path, text))


def test_keypoints_have_boxes_and_are_read(tmp_path):
    content = coco_content()
    content["categories"][0].update(keypoints=["nose"], skeleton=[[1, 1]])
    content["annotations"][0].update(keypoints=[1, 2, 2], num_keypoints=1)
    assert len(read_coco_file(save_coco(tmp_path, content)).annotations(0)) == 2


XMLS = {
    "CVAT's own XML": "<annotations><image name='x.png'><box label='cat' xtl='1'/></image></annotations>",
    "choose Export dataset": "<annotations><meta/><track id='0' label='cat'><box/></track></annotations>",
    "dlib": "<dataset><images><image file='x.png'><box top='1'/></image></images></dataset>",
    "Colabeler": "<doc><path>x.png</path><outputs><object><item/></object></outputs></doc>",
    "LabelMe": "<annotation><filename>x.png</filename><imagesize/><object><polygon/></object></annotation>",
    "LabelU": "<root><sample><fileName>x.png</fileName></sample></root>",
    "the root of the XML is <html>": "<html><body>not found</body></html>",
}


@pytest.mark.parametrize("words", XMLS)
def test_xml_of_another_tool_is_refused_by_its_name(tmp_path, words):
    make_voc(tmp_path, {"x": XMLS[words], "y": annotation_xml(object_xml())})
    with pytest.raises(DatasetError, match=rf"x\.xml: .*{words}"):
        VOCDataset(tmp_path)
    report = check_dataset(tmp_path)
    assert not report.ok
    assert (report.images, report.objects) == (1, 1)


def test_a_single_file_of_cvat_beside_its_photos(tmp_path):
    write_image(tmp_path / "a.png", np.zeros((6, 8, 3), np.uint8))
    (tmp_path / "annotations.xml").write_text(XMLS["CVAT's own XML"])
    with pytest.raises(DatasetError, match=r"'PASCAL VOC 1\.1' or 'COCO 1\.0'") as caught:
        VOCDataset(tmp_path, None)
    assert len(caught.value.problems) == 1


FOLDERS = {
    "YOLO": {"labels/a.txt": "0 0.5 0.5 0.2 0.2\n", "data.yaml": "names: [cat]\n"},
    "YOLO's text files": {"a.txt": "12 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.2 0.2\n", "classes.txt": "cat\n"},
    "KITTI": {"label_2/a.txt": "Car 0.00 0 -1.5 1 2 30 40 1.5 1.6 3.6 1.0 1.6 46.7 -1.5\n"},
    "LabelMe": {"a.json": json.dumps(JSONS["LabelMe"])},
    "Supervisely": {"ann/a.png.json": json.dumps(JSONS["Supervisely"]), "meta.json": "{}"},
    "CreateML": {"_annotations.createml.json": json.dumps(JSONS["CreateML"])},
    "TensorFlow's CSV": {"_annotations.csv": "filename,width,height,class,xmin,ymin,xmax,ymax\n"},
    "Open Images": {"boxes.csv": "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n"},
    "VIA annotator's CSV": {"via.csv": "filename,file_size,region_shape_attributes\n"},
    "TensorFlow's records": {"train.tfrecord": "x"},
    "an archive": {"set.zip": "PK"},
    r"is named itself: .*_annotations\.coco\.json": {"_annotations.coco.json": json.dumps(coco_content())},
    r"is named itself: .*instances\.json": {"annotations/instances.json": json.dumps(coco_content())},
}


@pytest.mark.parametrize("words", FOLDERS)
def test_a_folder_of_another_tool_is_refused_by_its_name(tmp_path, words):
    write_image(tmp_path / "a.png", np.zeros((6, 8, 3), np.uint8))
    for name, text in FOLDERS[words].items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for attempt in (lambda: open_dataset(tmp_path, None), lambda: check_dataset(tmp_path)):
        with pytest.raises(DatasetError, match=words):
            attempt()


def test_json_that_is_no_coco_file_is_not_advised(tmp_path):
    (tmp_path / "expected.json").write_text('{"mAP": 0.3}')
    with pytest.raises(DatasetError, match=r"nor XML files beside photos$"):
        open_dataset(tmp_path, None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.jsonl", '{"file_name": "a.png", "objects": {"bbox": [[1, 2, 3, 4]]}}'),
        ("config.yaml", "training:\n  names_of: x\n"),
        ("people.csv", "name,age,born,town,size\nAnn,31,1990,Bonn,1.7\n"),
    ],
)
def test_files_that_are_not_annotations_are_not_taken_for_another_tool_s(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    for place in (tmp_path, tmp_path / name):
        with pytest.raises(DatasetError) as refusal:
            open_dataset(place, None)
        assert "this is" not in str(refusal.value)


@pytest.mark.parametrize("part", ["Annotations", "JPEGImages"])
def test_a_part_of_a_data_set_names_the_whole(tmp_path, part):
    make_voc(tmp_path / "set", {"x": annotation_xml(object_xml())})
    whole = str(tmp_path / "set" / part / "..")
    for attempt in (VOCDataset, check_dataset):
        with pytest.raises(DatasetError, match="only a part of a data set") as refusal:
            attempt(tmp_path / "set" / part)
        assert str(refusal.value).endswith(whole)
    assert len(VOCDataset(whole)) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("data.yaml", "YOLO"),
        ("set.zip", "unpack"),
        ("x.ndjson", "Labelbox"),
        ("a.tfrecord", "TensorFlow"),
        ("a.txt", "is no data set"),
    ],
)
def test_a_file_that_is_no_data_set_is_refused_by_its_name(tmp_path, name, words):
    (tmp_path / name).write_text("x")
    with pytest.raises(DatasetError, match=rf"{name}: .*{words}"):
        open_dataset(tmp_path / name, "train")
