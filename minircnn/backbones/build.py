"""Backbones by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.backbones.alexnet import alexnet
from minircnn.backbones.base import Backbone
from minircnn.backbones.squeezenet import squeezenet1_0, squeezenet1_1
from minircnn.backbones.tiny import tiny
from minircnn.backbones.vgg16 import vgg16
from minircnn.backbones.weights import load_weights, read_weights, uses_torchvision_names

BACKBONES: dict[str, Callable[..., Backbone]] = {
    builder.__name__: builder for builder in (tiny, alexnet, vgg16, squeezenet1_0, squeezenet1_1)
}


def build_backbone(
    name: str,
    *,
    rng: np.random.Generator | None = None,
    weights: str | Path | None = None,
    **options: Any,
) -> Backbone:
    """Build a backbone by name.

    Parameters
    ----------
    name : {"tiny", "alexnet", "vgg16", "squeezenet1_0", "squeezenet1_1"}
    rng : numpy.random.Generator, optional
        Draws He-normal weights. Without it, and without `weights`, all weights are zero.
    weights : str or Path, optional
        File to take the weights from, see :func:`load_weights`. Torchvision's (known by their names) also
        set ``normalization="torchvision"`` where that is an option not given.
    **options
        Passed on to the function of that name, e.g. :func:`tiny`.

    Raises
    ------
    ValueError
        If there is no such backbone.
    TypeError
        If it has no such option.
    WeightsError
        If the weights do not fit.
    """
    if name not in BACKBONES:
        raise ValueError(f"unknown backbone {name!r}; there are {', '.join(BACKBONES)}")
    if weights is None:
        return BACKBONES[name](rng=rng, **options)
    if name in ("vgg16", "squeezenet1_0") and "normalization" not in options:
        options["normalization"] = "torchvision" if uses_torchvision_names(read_weights(weights)) else "caffe"
    backbone = BACKBONES[name](**options)
    load_weights(backbone, weights)
    return backbone
