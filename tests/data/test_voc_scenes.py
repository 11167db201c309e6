"""Masks of a PASCAL VOC folder."""

import numpy as np
import pytest
from PIL import Image

from minircnn.boxes import box_iou
from minircnn.data import VOC_CLASSES, DatasetError, VOCDataset, VOCScenes
from minircnn.imaging import ImageError, read_index_map, voc_palette, write_index_map

CLASSES = np.array([[0, 255, 12, 12], [8, 255, 12, 12], [8, 8, 255, 0]], dtype=np.uint8)
OBJECTS = np.array([[0, 255, 1, 1], [2, 255, 1, 1], [2, 2, 255, 0]], dtype=np.uint8)
XML = (
    "<annotation><filename>a.jpg</filename><size><width>4</width><height>3</height></size>"
    "<object><name>dog</name><difficult>1</difficult><bndbox><xmin>3</xmin><ymin>1</ymin><xmax>4</xmax>"
    "<ymax>2</ymax></bndbox></object></annotation>"
)


def save(folder, classes=CLASSES, objects=OBJECTS, xml=XML):
    write_index_map(folder / "SegmentationClass" / "a.png", classes)
    write_index_map(folder / "SegmentationObject" / "a.png", objects)
    if xml is not None:
        (folder / "Annotations").mkdir(exist_ok=True)
        (folder / "Annotations" / "a.xml").write_text(xml, encoding="utf-8")
    return folder


def test_a_folder_as_scenes(tmp_path):
    scenes = VOCScenes(save(tmp_path))
    assert (len(scenes), scenes.image_ids) == (1, ("a",))
    scene = scenes.scene(0)
    np.testing.assert_array_equal(scene.class_map(), CLASSES)
    np.testing.assert_array_equal(scene.instance_map(), np.where(OBJECTS == 255, 0, OBJECTS))
    assert scene.objects().boxes.tolist() == [[2, 0, 4, 2], [0, 1, 2, 3]]
    assert scene.difficult.tolist() == [True, False]
    assert scenes.objects_in_xml(0).tolist() == [0, -1]  # the XML knows no second object


def test_an_object_of_another_class_is_not_that_of_the_xml(tmp_path):
    scenes = VOCScenes(save(tmp_path, xml=XML.replace("dog", "cow")))
    assert scenes.objects_in_xml(0).tolist() == [-1, -1]
    assert not scenes.scene(0).difficult.any()


def test_without_xml_nothing_is_difficult(tmp_path):
    assert not VOCScenes(save(tmp_path, xml=None)).scene(0).difficult.any()


def test_without_objects_all_is_background(tmp_path):
    nothing = np.zeros((2, 3), dtype=np.uint8)
    assert len(VOCScenes(save(tmp_path, nothing, nothing, xml=None)).scene(0)) == 0


def changed(array, value):
    array = array.copy()
    array[0, 3] = value
    return array


@pytest.mark.parametrize(
    ("classes", "objects", "message"),
    [
        (CLASSES, OBJECTS[:2], r"SegmentationObject/a\.png: is of shape \(2, 4\)"),
        (CLASSES, changed(OBJECTS, 0), r"x 3, y 0 is of object 0, and of class 12.*1 such"),
        (changed(CLASSES, 8), OBJECTS, r"a\.png: object 1 has the classes \[8, 12\]"),
        (
            np.where(CLASSES == 12, 21, CLASSES).astype(np.uint8),
            OBJECTS,
            "class 21 has no name; there are 20",
        ),
    ],
)
def test_pictures_that_disagree_are_refused(tmp_path, classes, objects, message):
    with pytest.raises(DatasetError, match=message):
        VOCScenes(save(tmp_path, classes, objects)).scene(0)


def test_what_is_no_such_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="SegmentationClass: no such folder"):
        VOCScenes(tmp_path)
    for name in ("SegmentationClass", "SegmentationObject"):
        (tmp_path / name).mkdir()
    with pytest.raises(DatasetError, match=r"holds no \.png"):
        VOCScenes(tmp_path)
    with pytest.raises(ValueError, match="class_names must be"):
        VOCScenes(tmp_path, class_names=("a", "a"))


def test_a_damaged_xml_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"a\.xml"):
        VOCScenes(save(tmp_path, xml="<annotation>")).scene(0)


def test_colours_are_no_numbers(tmp_path):
    folder = save(tmp_path)
    file = folder / "SegmentationClass" / "a.png"
    Image.open(file).convert("RGB").save(file)
    with pytest.raises(ImageError, match="holds colours"):
        VOCScenes(folder).scene(0)


def test_maps_are_written_in_vocs_colours(tmp_path):
    file = write_index_map(tmp_path / "a.png", CLASSES)
    np.testing.assert_array_equal(read_index_map(file), CLASSES)
    np.testing.assert_array_equal(np.array(Image.open(file).convert("RGB")), voc_palette()[CLASSES])
    with pytest.raises(ImageError, match=r"\(H, W\) of uint8 and a \.png"):
        write_index_map(tmp_path / "a.jpg", CLASSES)


def test_the_sixty_photos(shared_data):
    folder = shared_data / "voc2007_400"
    if not (folder / "SegmentationClass").is_dir():
        pytest.skip(f"no masks in {folder}")
    scenes = VOCScenes(folder)
    boxes = VOCDataset(folder, None, class_names=VOC_CLASSES, need_photos=False)
    of = {image_id: number for number, image_id in enumerate(boxes.image_ids)}
    assert len(scenes) == 60
    with Image.open(folder / "SegmentationClass" / f"{scenes.image_ids[0]}.png") as picture:
        colours = np.array(picture.getpalette()).reshape(-1, 3)
    np.testing.assert_array_equal(voc_palette()[: len(colours)], colours)
    for index in range(0, len(scenes), 3):
        scene, truth = scenes.scene(index), boxes.annotations(of[scenes.image_ids[index]])
        assert scenes.objects_in_xml(index).tolist() == list(range(len(truth)))
        np.testing.assert_array_equal(scene.difficult, truth.difficult)
        # the boundary of an object is void, so that masks are a little smaller than boxes
        assert np.diag(box_iou(scene.objects().boxes, truth.boxes)).min() > 0.7
