"""One XML file in PASCAL VOC's form, as VOC, ILSVRC, LabelImg, CVAT, Roboflow and others write it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml import ElementTree as SafeElementTree

from minircnn import files
from minircnn.data import dialects, fields
from minircnn.data.fields import MISSING, FieldError, shown
from minircnn.data.problems import Box, Problem

_KNOWN = {"object", "size", "filename"}
_OF_OBJECT = {"name", "difficult", "bndbox"}
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class VOCObject:
    """One object as the file says it: `corners` are 1-based inclusive pixels."""

    index: int
    class_name: str
    corners: Box
    difficult: bool


@dataclass(frozen=True)
class VOCFile:
    """What one file says; sides that it does not say are None.

    `class_names` are those of all objects, also of the ones that `problems` are about.
    """

    filename: str
    height: int | None
    width: int | None
    objects: tuple[VOCObject, ...]
    class_names: frozenset[str]
    problems: tuple[Problem, ...]
    readable: bool = True


def parse_voc(file: Path) -> VOCFile:
    """Return what a VOC file says; whatever cannot be read becomes one of its problems."""
    try:
        root = _root(file)
    except FieldError as error:
        return _unreadable(file, "field", str(error))
    # expat hands encodings that it does not know to Python's codecs, which raise nearly anything
    except Exception as error:
        mend = "" if isinstance(error, SyntaxError) else "; save it as UTF-8"
        reason = str(error) or type(error).__name__
        return _unreadable(file, "unreadable", f"cannot be read as VOC XML ({reason}){mend}")
    problems: list[Problem] = []
    height = width = None
    try:
        size = _one(root, "size")
        if size is not None:
            height, width = (fields.pixels(_field(size, side), side) for side in ("height", "width"))
    except FieldError as error:
        problems.append(Problem(str(file), "field", str(error), is_photo=True))
    objects, names = [], set()
    nodes = root.findall("object")
    for index, node in enumerate(nodes):
        name = (node.findtext("name") or "").strip()
        names.add(name)
        try:
            objects.append(_object(node, index))
        except FieldError as error:
            problems.append(Problem(str(file), "field", str(error), index, name or None, is_photo=True))
    if len(nodes) < sum(1 for _ in root.iter("object")):
        message = "there are objects inside other elements, where VOC has none"
        problems.append(Problem(str(file), "field", message, is_photo=True))
    if {*root.iter("bndbox")} - {box for node in root.iter("object") for box in node.iter("bndbox")}:
        message = "there is a <bndbox> that belongs to no <object>"
        problems.append(Problem(str(file), "field", message, is_photo=True))
    filename = (root.findtext("filename") or "").strip()
    return VOCFile(filename, height, width, tuple(objects), frozenset(names - {""}), tuple(problems))


def _unreadable(file: Path, kind: str, message: str) -> VOCFile:
    problem = Problem(str(file), kind, message, is_photo=True)
    return VOCFile("", None, None, (), frozenset(), (problem,), readable=False)


def _root(file: Path) -> Element:
    """Return the tree of a file, with its names freed of namespaces.

    Raises
    ------
    FieldError
        If it is no VOC file but another tool's.
    """
    root: Element = SafeElementTree.fromstring(files.read_bytes(file))
    for node in root.iter():
        node.tag = str(node.tag).rpartition("}")[2]
    inside = {str(node.tag) for node in root}
    dialect = dialects.of_xml(root.tag, inside)
    if dialect is not None:
        raise FieldError(dialects.refusal(dialect))
    if root.tag.lower() != "annotation":
        raise FieldError(f"the root of the XML is <{root.tag}>, not VOC's <annotation>")
    if not inside & _KNOWN:
        raise FieldError("there is nothing of VOC in it: no object, size or filename")
    strange = next((tag for tag in inside - _KNOWN if tag.lower() in ("object", "objects")), None)
    if strange is not None:
        raise FieldError(f"the element <{strange}> is unknown; VOC's are <object>, one beside the other")
    return root


def _one(node: Element, tag: str) -> Element | None:
    """Return the only element `tag` in `node`, None if there is none.

    Raises
    ------
    FieldError
        If there are several that do not say the same.
    """
    found = node.findall(tag)
    if len({_said(one) for one in found}) > 1:
        raise FieldError(f"there are {len(found)} elements <{tag}> that differ")
    return found[0] if found else None


def _said(node: Element) -> tuple[Any, ...]:
    return node.tag, (node.text or "").strip(), tuple(_said(child) for child in node)


def _field(node: Element, tag: str) -> Any:
    """Return the text of the only element `tag` in `node`."""
    found = _one(node, tag)
    return MISSING if found is None else (found.text or "").strip()


def _object(node: Element, index: int) -> VOCObject:
    """Return one object.

    Raises
    ------
    FieldError
        If a field is missing, said twice or cannot be read.
    """
    for tag in {child.tag for child in node} - _OF_OBJECT:
        if tag.lower() in _OF_OBJECT:
            raise FieldError(f"the element <{tag}> is unknown; VOC's is <{tag.lower()}>")
    name = _field(node, "name")
    if name is MISSING or not name:
        raise FieldError("the object has no name")
    box = _one(node, "bndbox")
    if box is None:
        outline = next(
            (tag for tag in ("polygon", "robndbox", "line", "point") if node.find(tag) is not None), None
        )
        other = "" if outline is None else f", only a <{outline}>; export boxes as well"
        raise FieldError(f"no valid xmin, ymin, xmax, ymax: there is no bndbox{other}")
    corners = []
    for tag in _CORNERS:
        value = _field(box, tag)
        try:
            corners.append(fields.number(value, tag))
        except FieldError as error:
            raise FieldError(f"no valid xmin, ymin, xmax, ymax: {error}") from error
    difficult = _field(node, "difficult")
    try:
        hard = fields.flag(difficult, "difficult")
    except FieldError as error:
        raise FieldError(f"no valid difficult flag: {shown(difficult)} is neither 0 nor 1") from error
    xmin, ymin, xmax, ymax = corners
    return VOCObject(index, fields.text(name, "name"), (xmin, ymin, xmax, ymax), hard)
