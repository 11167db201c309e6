"""Weights put into a backbone; fully connected layers that the file lacks are drawn."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from minircnn.arrays import like, to_host
from minircnn.backbones.base import Backbone
from minircnn.backbones.inputs import input_of
from minircnn.backbones.placing import Placement, backbones_for, place
from minircnn.nn.init import he_normal
from minircnn.weights import WeightsError, WeightsFile, open_weights

logger = logging.getLogger("minircnn")


def load_weights(backbone: Backbone, path: str | Path, *, rng: np.random.Generator | None = None) -> None:
    """Put the weights in the file at `path` into `backbone`, converted to its dtype and device.

    Names and shapes are all checked first. Convolutions alone are enough: where the file has no fully
    connected layers, or has them in other sizes, those of the backbone (fc6, fc7) are drawn.

    Parameters
    ----------
    path : str or Path
        See :func:`~minircnn.weights.open_weights`.
    rng : numpy.random.Generator, optional
        Draws what the file does not have.

    Raises
    ------
    WeightsError
        If the file is unreadable, wants another input than the backbone has, lacks an array, holds one the
        network does not know or one twice, or one of another shape or with values that are not finite; or
        if something must be drawn and there is no `rng`.
    """
    file = open_weights(path)
    fill(backbone, file, place_all(backbone, file), rng)


def place_all(backbone: Backbone, file: WeightsFile) -> Placement:
    """Return where the arrays go; an error also names the backbone that they fit, if there is one."""
    try:
        return place(backbone, file)
    except WeightsError as error:
        others = [name for name in backbones_for(file)[0] if name != backbone.name]
        if not others:
            raise
        raise WeightsError(f"{error}; it is for the backbone {' or '.join(others)}") from error


def fill(
    backbone: Backbone, file: WeightsFile, placement: Placement, rng: np.random.Generator | None
) -> None:
    """Put the arrays of `file` where `placement` says, and draw the rest."""
    _require_same_input(backbone, file)
    if placement.fresh and rng is None:
        raise WeightsError(
            f"{file.path}: {placement.left_out}, so {', '.join(placement.fresh)} must be drawn: give rng"
        )
    if placement.left_out:
        verb = "starts" if len(placement.fresh) == 1 else "start"
        start = f"; {', '.join(placement.fresh)} {verb} from random weights" if placement.fresh else ""
        logger.info("%s: %s%s", file.path, placement.left_out, start)
    for name, parameter in backbone.named_parameters():
        shape = tuple(parameter.data.shape)
        if name in placement.arrays:
            values = placement.arrays[name]
        elif rng is None or name.endswith(".bias"):
            values = np.zeros(shape, np.float32)
        else:
            values = he_normal(rng, shape)
        parameter.data = like(values.astype(to_host(parameter.data[:0]).dtype), parameter.data)


def _require_same_input(backbone: Backbone, file: WeightsFile) -> None:
    """Raise WeightsError if the weights certainly want other pixels than `backbone` gives them."""
    known = input_of(backbone.name, file)
    if known is not None and known.certain and known.normalization != backbone.normalization:
        raise WeightsError(
            f"{file.path}: its weights want {known.normalization.words()}, {known.why}, but the backbone "
            f"gives them {backbone.normalization.words()}: leave the normalization to the file"
        )
