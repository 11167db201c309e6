"""Backbones by name."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.backbones.base import BACKBONES, Backbone
from minircnn.backbones.weights import load_weights, read_weights, uses_torchvision_names


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
    name : str
        One of ``BACKBONES``: "tiny", "alexnet", "vgg16", "squeezenet1_0", "squeezenet1_1".
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
    build = BACKBONES[name]
    # files hold JSON, which knows no tuples
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    if weights is None:
        return build(rng=rng, **options)
    default = signature(build).parameters.get("normalization")
    if default is not None and default.default == "caffe" and "normalization" not in options:
        options["normalization"] = "torchvision" if uses_torchvision_names(read_weights(weights)) else "caffe"
    backbone = build(**options)
    load_weights(backbone, weights)
    return backbone
