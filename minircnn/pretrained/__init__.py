"""Detectors that come with the package, trained by it: they find people, dogs and cars when it is installed.

    from minircnn import pretrained, read_image

    found = pretrained.load().detect(read_image("photo.jpg"))

Each is a file of this folder, NAME.safetensors, with NAME.json beside it: how it was made, what it reaches
and what it does not (:class:`ModelCard`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from minircnn.detectors import RegionDetector, load_detector
from minircnn.files import read_bytes
from minircnn.pretrained.card import ModelCard, read_card

__all__ = ["DEFAULT", "FOLDER", "ModelCard", "card", "load", "names", "path", "read_card"]

DEFAULT = "fast-rcnn-voc"
"""The one that is meant where none is named."""

FOLDER = Path(__file__).parent
"""Where they lie."""


def names() -> tuple[str, ...]:
    """Return the names of the pretrained detectors, in the order of the alphabet.

    Examples
    --------
    >>> from minircnn import pretrained
    >>> "fast-rcnn-voc" in pretrained.names()
    True
    """
    return tuple(sorted(file.stem for file in FOLDER.glob("*.safetensors")))


def path(name: str = DEFAULT) -> Path:
    """Return the file of a pretrained detector.

    Raises
    ------
    FileNotFoundError
        If there is none of this name.
    """
    there = names()
    if name in there:
        return FOLDER / f"{name}.safetensors"
    if not there:
        raise FileNotFoundError(
            "this copy of minircnn comes without a pretrained detector; "
            "'minircnn train' makes one, to be named where 'pretrained' would stand"
        )
    raise FileNotFoundError(f"there is no pretrained detector {name!r}; there are {', '.join(there)}")


def load(name: str = DEFAULT) -> RegionDetector[Any]:
    """Return a pretrained detector, a new one at every call; what is changed in it changes no other.

    Raises
    ------
    FileNotFoundError
        If there is none of this name.

    Examples
    --------
    >>> from minircnn import pretrained
    >>> len(pretrained.load().class_names)
    20
    """
    return load_detector(path(name))


def card(name: str = DEFAULT) -> ModelCard:
    """Return how a pretrained detector was made and what it reaches; ``print`` shows it.

    Raises
    ------
    FileNotFoundError
        If there is none of this name, or it has no card.
    ValueError
        If the card lacks something, or is of another file.
    """
    file = path(name)
    found = read_card(file.with_suffix(".json"))
    if found.sha256 != hashlib.sha256(read_bytes(file)).hexdigest():
        raise ValueError(f"{file.with_suffix('.json')}: is the card of another file than {file.name}")
    return found
