"""Any file of weights as this package writes it: names as here, with the input that they want."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from minircnn.arrays import HostArray
from minircnn.backbones.base import BACKBONES
from minircnn.backbones.inputs import input_of, unknown_input
from minircnn.backbones.loading import place_all
from minircnn.backbones.normalization import Normalization, Preset
from minircnn.backbones.origins import origins_of
from minircnn.backbones.placing import backbones_for, named_arrays
from minircnn.nn.checks import require_weights
from minircnn.weights import WeightsError, WeightsFile, write_weights


def the_backbone_for(file: WeightsFile) -> str:
    """Return the name of the backbone that `file` fits.

    Raises
    ------
    WeightsError
        If there is none, saying what each lacks, or if there are several.
    """
    fitting, reasons = backbones_for(file)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise WeightsError(
            f"{file.path}: fits the backbones {', '.join(fitting)}: name one of them (--backbone)"
        )
    why = "".join(f"\n  {name}: {reason}" for name, reason in reasons.items())
    raise WeightsError(f"{file.path}: fits no backbone as it is built by default:{why}")


def convert_weights(
    file: WeightsFile, backbone: str, path: Path, *, origin: Preset | None = None, half: bool = False
) -> Normalization:
    """Write all weights of `file` to `path` for the network `backbone`, and return the input that is noted.

    Parameters
    ----------
    file : WeightsFile
    backbone : str
    path : Path
        ``.npz``; else a safetensors file is written.
    origin : {"caffe", "torchvision"}, optional
        Whose weights they are, where the file does not tell for certain.
    half : bool
        Keep weights in half precision; biases, which are few, stay in single.

    Raises
    ------
    WeightsError
        If the weights do not fit, are not all finite in that precision, want another input, or nothing
        tells which one.
    """
    place_all(BACKBONES[backbone](), file)
    normalization = _settled_input(file, backbone, origin)
    arrays: dict[str, HostArray] = {}
    for name, (in_file, values) in named_arrays(file, backbone).items():
        dtype = np.float16 if half and name.endswith(".weight") else np.float32
        try:
            require_weights(values, dtype, f"array {in_file!r}")
        except ValueError as error:
            raise WeightsError(f"{file.path}: {error}") from error
        arrays[name] = values.astype(dtype)
    write_weights(path, arrays, {"backbone": backbone, "normalization": dataclasses.asdict(normalization)})
    return normalization


def _settled_input(file: WeightsFile, backbone: str, origin: Preset | None) -> Normalization:
    """Return the input that the file tells, or the one of `origin`."""
    known = input_of(backbone, file)
    if origin is None:
        if known is None:
            raise unknown_input(backbone, file)
        return known.normalization
    inputs = origins_of(backbone).inputs
    if origin not in inputs:
        there = ", ".join(inputs) or "none but its own"
        raise WeightsError(f"{backbone} has no input of {origin}; there is {there}")
    if known is not None and known.certain and known.normalization != inputs[origin]:
        raise WeightsError(
            f"{file.path}: its weights want {known.normalization.words()}, {known.why}, not {origin}'s input"
        )
    return inputs[origin]
