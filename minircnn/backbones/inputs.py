"""Which pixels weights want: what their file says, or what can be told of it for sure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minircnn.backbones.base import BACKBONES
from minircnn.backbones.normalization import Normalization, Preset
from minircnn.backbones.origins import fingerprint, origins_of
from minircnn.checks import record
from minircnn.weights import WeightsError, WeightsFile


@dataclass(frozen=True)
class KnownInput:
    """The input that the weights of a file want.

    Parameters
    ----------
    normalization : Normalization
    why : str
        How it is known.
    certain : bool
        No other input is right; else it follows from the form of the file, and who knows better may say so.
    """

    normalization: Normalization
    why: str
    certain: bool = False


def input_of(backbone: str, file: WeightsFile) -> KnownInput | None:
    """Return the input that the weights in `file` want in the network `backbone`; None if nothing tells.

    The sizes of the numbers do not tell: the first filters of Caffe's SqueezeNet 1.0, for values up to 255,
    have a median norm of 1.33, those of torchvision's 1.1, for values of unit variance, 1.37.

    Raises
    ------
    WeightsError
        If the file says that it is for another backbone, or what it says is damaged.
    """
    origins = origins_of(backbone)
    if file.record:
        return KnownInput(_noted(backbone, file), "as the file says", certain=True)
    seeing = (w for w in file.arrays.values() if w.ndim == 4 and w.shape[1] == 3 and w.dtype.kind == "f")
    for origin in (origins.known.get(fingerprint(weight)) for weight in seeing):
        if origin is not None:
            why = f"as the first layer is that of {_OWNERS[origin]} published weights"
            return KnownInput(origins.inputs[origin], why, certain=True)
    origin, why = _form(file)
    if not origins.inputs:
        return KnownInput(BACKBONES[backbone]().normalization, f"the input of {backbone}")
    if origin is not None:
        return KnownInput(origins.inputs[origin], why) if origin in origins.inputs else None
    if len(origins.inputs) > 1:
        return None
    return KnownInput(next(iter(origins.inputs.values())), f"the only input of {backbone}")


_OWNERS: Mapping[Preset, str] = {"caffe": "Caffe's", "torchvision": "torchvision's"}


def _noted(backbone: str, file: WeightsFile) -> Normalization:
    """Return the input that is noted in `file`."""
    own = file.record.get("backbone")
    if own != backbone:
        raise WeightsError(f"{file.path}: holds weights for the backbone {own!r}, not for {backbone}")
    try:
        return as_normalization(file.record.get("normalization"))
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{file.path}: what it says of its input is damaged ({error})") from error


def _form(file: WeightsFile) -> tuple[Preset | None, str]:
    """Return whose weights they are by the form of the file, and how that is seen."""
    if file.form == ".caffemodel":
        return "caffe", "as the file is one of Caffe"
    if "features.0.weight" in file.arrays:
        return "torchvision", "as the layers have torchvision's names"
    return None, ""


def as_normalization(fields: Any) -> Normalization:
    """Return the normalization with these `fields`, a mapping as JSON holds it.

    Raises
    ------
    ValueError, TypeError
        If they are none.
    """
    if isinstance(fields, Normalization):
        return fields
    made = record(Normalization, fields, "normalization")
    if not len(made.mean) == len(made.std) == 3:
        raise ValueError("normalization needs a mean and a deviation for each of three channels")
    return made


def unknown_input(backbone: str, file: WeightsFile) -> WeightsError:
    """Return the error that says what to do where nothing tells which input the weights want."""
    inputs = origins_of(backbone).inputs
    ways = ", or ".join(f"{_OWNERS[origin]} ({wanted.words()})" for origin, wanted in inputs.items())
    call = f"minircnn weights import {shlex.quote(str(file.path))} --backbone {backbone} --input "
    return WeightsError(
        f"{file.path}: nothing in it tells which input its weights want for {backbone}: {ways}. Write a file "
        f"that tells, with {' or '.join(repr(call + origin) for origin in inputs)}; in Python, give "
        "normalization"
    )
