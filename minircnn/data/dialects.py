"""What other annotation tools write, recognised by name, with the export that can be read here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minircnn import files
from minircnn.data.photo_files import files_below

_TELLING = (".yaml", ".yml", ".json", ".csv", ".tfrecord", ".record", ".ndjson", ".zip", ".txt")
_LOOKED_AT = 20  # files of each ending
_EXPORT = "PASCAL VOC (XML) or COCO (JSON)"

MENDS = {
    "CVAT's own XML": "in CVAT choose Export dataset, 'PASCAL VOC 1.1' or 'COCO 1.0', with 'Save images'",
    "Datumaro's JSON": "export as 'coco' or 'voc' (datum convert -f coco; in CVAT 'COCO 1.0')",
    "LabelMe's JSON, one file a photo": "convert it with labelme2coco, or labelme's labelme2voc.py",
    "LabelMe's XML": f"its outlines are polygons; export boxes as {_EXPORT}",
    "the VIA annotator's own JSON": "in VIA choose Annotation, Export Annotations (as COCO format)",
    "the VIA annotator's CSV": "in VIA choose Annotation, Export Annotations (as COCO format)",
    "Labelbox's JSON": "convert it to COCO with Labelbox's Python package",
    "Label Studio's JSON": "in Label Studio choose Export, 'COCO' or 'Pascal VOC XML'",
    "LabelU's XML": "in LabelU choose Export, 'COCO'",
    "Supervisely's JSON": "in Supervisely run the app 'Export to COCO' or 'Export to Pascal VOC'",
    "CreateML's JSON": f"export again as {_EXPORT}; Roboflow and others offer both",
    "VoTT's JSON": "in VoTT choose Pascal VOC in the export settings",
    "BDD100K's JSON": "convert it with bdd100k.label.to_coco",
    "a VGG or GeoJSON feature collection": f"export boxes as {_EXPORT}",
    "COCO results, which are detections": "minircnn evaluate takes them with --detections",
    "COCO panoptic annotations": "take the file of instances (instances_*.json) of the same photos",
    "COCO captions": "take the file of instances (instances_*.json) of the same photos",
    "Open Images' CSV": "convert it to COCO, for example with FiftyOne (dataset_type COCODetectionDataset)",
    "TensorFlow's CSV": f"export again as {_EXPORT}; Roboflow and others offer both",
    "a CSV of boxes": f"export again as {_EXPORT}",
    "YOLO's text files": f"export again as {_EXPORT}; Roboflow, CVAT and Label Studio offer both",
    "TensorFlow's records": f"export again as {_EXPORT}",
    "dlib's XML": f"convert its boxes to {_EXPORT}",
    "Colabeler's XML": "in Colabeler export as Pascal VOC",
    "an archive": "unpack it and name the folder or the .json file in it",
    "KITTI's text files": f"convert it to {_EXPORT}, for example with FiftyOne or Datumaro",
}
"""Each dialect by the words it is called in messages, with what to do."""


def refusal(dialect: str) -> str:
    """Return the words that name a dialect and the way out."""
    return f"this is {dialect}; {MENDS[dialect]}"


def _keys(*needed: str) -> Callable[[dict[str, Any]], bool]:
    return lambda content: all(key in content for key in needed)


def _is_via(content: dict[str, Any]) -> bool:
    first = next(iter(content.values()), None)
    return isinstance(first, dict) and {"filename", "regions"} <= first.keys()


_OBJECTS: tuple[tuple[Callable[[dict[str, Any]], bool], str], ...] = (
    (_keys("shapes", "imagePath"), "LabelMe's JSON, one file a photo"),
    (_keys("shapes", "version"), "LabelMe's JSON, one file a photo"),
    (_keys("_via_img_metadata"), "the VIA annotator's own JSON"),
    (_keys("_via_settings"), "the VIA annotator's own JSON"),
    (_keys("project", "config", "metadata", "file"), "the VIA annotator's own JSON"),
    (_is_via, "the VIA annotator's own JSON"),
    (_keys("objects", "size"), "Supervisely's JSON"),
    (_keys("classes", "projectType"), "Supervisely's JSON"),
    (_keys("info", "categories", "items"), "Datumaro's JSON"),
    (_keys("dm_format_version"), "Datumaro's JSON"),
    (_keys("asset", "regions"), "VoTT's JSON"),
    (_keys("assets", "tags"), "VoTT's JSON"),
    (_keys("data_row", "projects"), "Labelbox's JSON"),
    (_keys("Labeled Data"), "Labelbox's JSON"),
    (_keys("data", "annotations", "project"), "Label Studio's JSON"),
    (_keys("type", "features"), "a VGG or GeoJSON feature collection"),
    (_keys("frames", "config"), "BDD100K's JSON"),
)
_ENTRIES: tuple[tuple[Callable[[dict[str, Any]], bool], str], ...] = (
    (_keys("image_id", "score"), "COCO results, which are detections"),
    (_keys("image_id", "category_id", "bbox"), "COCO results, which are detections"),
    (_keys("image", "annotations"), "CreateML's JSON"),
    (_keys("imagefilename", "annotation"), "CreateML's JSON"),
    (_keys("data_row", "projects"), "Labelbox's JSON"),
    (_keys("Labeled Data"), "Labelbox's JSON"),
    (_keys("External ID"), "Labelbox's JSON"),
    (_keys("data", "annotations"), "Label Studio's JSON"),
    (_keys("data", "completions"), "Label Studio's JSON"),
    (_keys("annotation_id", "lead_time"), "Label Studio's JSON"),
    (_keys("name", "labels"), "BDD100K's JSON"),
)


def of_json(content: Any) -> str | None:
    """Return the dialect of parsed JSON that is no COCO instances file, None if it is not known."""
    if isinstance(content, dict):
        if isinstance(content.get("annotations"), list) and isinstance(content.get("images"), list):
            return _of_coco(content["annotations"])
        return next((name for fits, name in _OBJECTS if fits(content)), None)
    if isinstance(content, list):
        first = next((entry for entry in content if isinstance(entry, dict)), {})
        return next((name for fits, name in _ENTRIES if fits(first)), None)
    return None


def _of_coco(annotations: list[Any]) -> str | None:
    """Return which other kind of COCO annotations these are, None for boxes."""
    first = next((entry for entry in annotations if isinstance(entry, dict)), {})
    if "segments_info" in first:
        return "COCO panoptic annotations"
    return "COCO captions" if "caption" in first and "bbox" not in first else None


def of_lines(text: str) -> str | None:
    """Return the dialect of text with one JSON object a line, None if it is not known."""
    try:
        return of_json(json.loads(text.split("\n", 1)[0]))
    except (ValueError, RecursionError):
        return None


def of_xml(root: str, children: set[str]) -> str | None:
    """Return the dialect of an XML file by the names of its root and what lies in it, None if not known."""
    if root == "annotations" and children & {"image", "track", "version", "meta"}:
        return "CVAT's own XML"
    if root == "annotation" and "imagesize" in children:
        return "LabelMe's XML"
    if root == "dataset" and "images" in children:
        return "dlib's XML"
    if root == "doc" and "outputs" in children:
        return "Colabeler's XML"
    return "LabelU's XML" if root == "root" and "sample" in children else None


def of_file(path: Path) -> str | None:
    """Return the dialect of a file by its ending and how it begins, None if it is not known."""
    ending = path.suffix.lower()
    if ending in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"):
        return "an archive"
    if ending in (".tfrecord", ".record", ".tfrecords"):
        return "TensorFlow's records"
    if ending in (".ndjson", ".jsonl"):
        return of_lines(_text(path)) or ("Labelbox's JSON" if ending == ".ndjson" else None)
    if ending in (".yaml", ".yml"):
        return "YOLO's text files" if path.stem == "data" or "\nnames:" in f"\n{_text(path)}" else None
    if ending == ".json":
        return of_json(_content(path))
    return _of_table(path) if ending in (".csv", ".tsv") else None


def _content(path: Path) -> Any:
    """Return what a JSON file holds, None if it is none."""
    try:
        return files.read_json(path)
    except (OSError, ValueError):
        return None


def _text(path: Path) -> str:
    """Return what a text file holds, nothing where it cannot be read."""
    try:
        return files.read_text(path)
    except (OSError, files.TextError):
        return ""


def _of_table(path: Path) -> str | None:
    lines = _text(path).split("\n", 2)
    header = lines[0]
    if "ImageID" in header and "LabelName" in header:
        return "Open Images' CSV"
    if "region_shape_attributes" in header:
        return "the VIA annotator's CSV"
    if "filename" in header and "xmin" in header:
        return "TensorFlow's CSV"
    rows = [re.split(r"[,;\t]", line) for line in lines[:2]]
    return "a CSV of boxes" if any(sum(map(_is_number, row)) >= 4 for row in rows) else None


def of_folder(folder: Path) -> tuple[str, Path] | None:
    """Return the dialect of a folder without VOC's XML and the file that tells, None if it is not known."""
    found = files_below(folder, _TELLING)
    for ending in _TELLING:
        for name in [name for name in found if name.lower().endswith(ending)][:_LOOKED_AT]:
            path = folder / name
            dialect = _of_boxes(path) if ending == ".txt" else of_file(path)
            if dialect is not None:
                return dialect, path
    return None


def coco_file(folder: Path) -> Path | None:
    """Return a COCO instances file in a folder, None if there is none among the first files."""
    paths = [folder / name for name in files_below(folder, (".json",))[:_LOOKED_AT]]
    return next((path for path in paths if _is_coco(_content(path))), None)


def _is_coco(content: Any) -> bool:
    return isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in ("images", "annotations", "categories")
    )


def _of_boxes(path: Path) -> str | None:
    """Return the dialect of a text file with a box a line."""
    words = _text(path).split("\n", 1)[0].split()
    numbers = [_is_number(word) for word in words]
    if len(words) >= 5 and words[0].isdigit() and all(numbers):
        return "YOLO's text files"
    return "KITTI's text files" if len(words) in (15, 16) and all(numbers[1:]) else None


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
