"""Cascades in OpenCV's XML files, with Haar features or local binary patterns.

Read with `defusedxml`: a file from a stranger can expand no entities. What is wrong with a file is said with
its name, where OpenCV answers with an empty classifier.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from minircnn.features import HaarFeatures, LBPFeatures
from minircnn.files import read_bytes
from minircnn.heads.cascade.record import Cascade, WeakTree, build_cascade
from minircnn.structures import BoolArray


class CascadeFileError(ValueError):
    """A file that holds no cascade that can be read; the message names it and the mend."""


def read_cascade(path: Path | str) -> Cascade:
    """Read a cascade in the format of OpenCV 2.4 and later (``opencv-cascade-classifier``).

    Parameters
    ----------
    path : path
        An XML file, as OpenCV and scikit-image ship them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CascadeFileError
        If it is damaged, of the format before OpenCV 2.4, or something else.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no file {path}")
    try:
        root = fromstring(read_bytes(path))
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise CascadeFileError(
            f"{path} is damaged or no XML file ({error or type(error).__name__}); take a fresh copy"
        ) from error
    try:
        with np.errstate(over="ignore"):  # what single precision cannot hold is refused as not finite
            return _cascade(root)
    except CascadeFileError as error:
        raise CascadeFileError(f"{path} {error}") from None
    except (ValueError, IndexError, OverflowError) as error:
        raise CascadeFileError(f"{path} is damaged: {error}; take a fresh copy of the file") from error


def _cascade(root: Element) -> Cascade:
    """Return what the root of a file holds."""
    node = root.find("cascade")
    if node is None:
        if any(child.get("type_id") == "opencv-haar-classifier" for child in root):
            raise CascadeFileError(
                "is a cascade in the format before OpenCV 2.4, which is not read; "
                "take one whose type_id is opencv-cascade-classifier"
            )
        raise CascadeFileError(
            f"holds no cascade: its root is <{root.tag}> without <cascade>; name a cascade's XML file"
        )
    kind = _text(node, "featureType").upper()
    if kind not in ("HAAR", "LBP"):
        raise CascadeFileError(f"has {kind} features; HAAR and LBP can be read")
    if (stage_type := _text(node, "stageType").upper()) != "BOOST":
        raise CascadeFileError(f"has stages of type {stage_type}; BOOST can be read")
    categories = int(_text(_feature_params(node), "maxCatCount"))
    if categories != (256 if kind == "LBP" else 0):
        raise CascadeFileError(f"has maxCatCount {categories}, which does not go with {kind} features")
    stages = [_stage(stage, kind) for stage in _child(node, "stages").findall("_")]
    if not stages:
        raise CascadeFileError("is damaged: it has no stages; take a fresh copy of the file")
    _require_count(node, "stageNum", len(stages), "stages")
    features = _features(_child(node, "features"), kind)
    return build_cascade(int(_text(node, "height")), int(_text(node, "width")), features, stages)


def _feature_params(node: Element) -> Element:
    """Return the parameters of the features; scikit-image's file spells the tag ``featuhreParams``."""
    return _child(node, "featureParams" if node.find("featuhreParams") is None else "featuhreParams")


def _stage(stage: Element, kind: str) -> tuple[list[WeakTree], float]:
    """Return the weak classifiers of a stage, and its threshold."""
    trees = [_tree(weak, kind) for weak in _child(stage, "weakClassifiers").findall("_")]
    _require_count(stage, "maxWeakCount", len(trees), "weak classifiers in a stage")
    return trees, float(_text(stage, "stageThreshold"))


def _require_count(node: Element, tag: str, count: int, what: str) -> None:
    """Raise ValueError where a file announces another number of parts than it has: some were lost."""
    announced = node.findtext(tag)
    if announced is not None and int(announced) != count:
        raise ValueError(f"its {tag} is {int(announced)}, but there are {count} {what}")


def _tree(weak: Element, kind: str) -> WeakTree:
    """Return a weak classifier: ``left right feature threshold`` a node, or 8 words of a subset."""
    words = _text(weak, "internalNodes").split()
    width = 4 if kind == "HAAR" else 11
    if not words or len(words) % width:
        raise ValueError(f"internalNodes holds {len(words)} numbers, no multiple of {width}")
    nodes: list[tuple[int, int, int, Any]] = []
    for row in range(0, len(words), width):
        left, right, feature = (int(word) for word in words[row : row + 3])
        rest = words[row + 3 : row + width]
        nodes.append((left, right, feature, float(rest[0]) if kind == "HAAR" else _subset(rest)))
    leaves = [float(word) for word in _text(weak, "leafValues").split()]
    if len(leaves) != len(nodes) + 1:
        raise ValueError(f"a tree of {len(nodes)} nodes has {len(leaves)} leafValues")
    return WeakTree(nodes, leaves)


def _subset(words: list[str]) -> BoolArray:
    """Return which of 256 patterns go left, from eight signed words of 32 bits."""
    bits = np.array([int(word) for word in words], np.int32).astype("<i4")
    return np.unpackbits(bits.view(np.uint8), bitorder="little").astype(bool)


def _features(node: Element, kind: str) -> HaarFeatures | LBPFeatures:
    """Return all features."""
    entries = node.findall("_")
    if kind == "LBP":
        cells = [[int(word) for word in _text(entry, "rect").split()] for entry in entries]
        return LBPFeatures(np.array(cells, np.int64).reshape(len(entries), 4))
    rectangles = np.zeros((len(entries), 3, 4), np.int64)
    weights = np.zeros((len(entries), 3), np.float32)
    for number, entry in enumerate(entries):
        parts = _child(entry, "rects").findall("_")
        if not 1 <= len(parts) <= 3:
            raise ValueError(f"a feature has {len(parts)} rectangles, and one to three are possible")
        for part, rectangle in enumerate(parts):
            words = (rectangle.text or "").split()
            if len(words) != 5:
                raise ValueError(f"a rectangle has {len(words)} numbers, and x y width height weight are 5")
            *sides, weight = words
            rectangles[number, part] = [int(word) for word in sides]
            weights[number, part] = float(weight)
    tilted = [bool(int(entry.findtext("tilted", "0"))) for entry in entries]
    return HaarFeatures(rectangles, weights, np.array(tilted, bool))


def _child(node: Element, tag: str) -> Element:
    child = node.find(tag)
    if child is None:
        raise ValueError(f"<{node.tag}> lacks <{tag}>")
    return child


def _text(node: Element, tag: str) -> str:
    return (_child(node, tag).text or "").strip()
