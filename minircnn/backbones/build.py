"""Backbones by name."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.backbones.base import BACKBONES, Backbone
from minircnn.backbones.inputs import as_normalization, input_of, unknown_input
from minircnn.backbones.loading import fill, place_all
from minircnn.backbones.normalization import Normalization
from minircnn.backbones.origins import origins_of
from minircnn.weights import WeightsFile, open_weights

logger = logging.getLogger("minircnn")


def build_backbone(
    name: str,
    *,
    rng: np.random.Generator | None = None,
    weights: str | Path | None = None,
    normalization: str | Mapping[str, Any] | Normalization | None = None,
    **options: Any,
) -> Backbone:
    """Build a backbone by name.

    Parameters
    ----------
    name : str
        One of ``BACKBONES``: "tiny", "alexnet", "alexnet_torchvision", "vgg16", "squeezenet1_0",
        "squeezenet1_1".
    rng : numpy.random.Generator, optional
        Draws He-normal weights. Without it, and without `weights`, all weights are zero.
    weights : str or Path, optional
        File to take the weights from, see :func:`load_weights`; it also says or shows which input they want.
    normalization : str, mapping or Normalization, optional
        The input of the network: "caffe" or "torchvision" where that is an option, or its fields. Default:
        that of the weights, else the backbone's own.
    **options
        Passed on to the function of that name, e.g. :func:`tiny`.

    Raises
    ------
    ValueError
        If there is no such backbone.
    TypeError
        If it has no such option.
    WeightsError
        If the weights do not fit, want another input than was given, or nothing tells which one they want.

    Examples
    --------
    >>> from minircnn import build_backbone
    >>> net = build_backbone("tiny", rng=np.random.default_rng(0), widths=(64,))
    >>> net.features(np.zeros((1, 3, 64, 48), np.float32)).shape, net.stride, net.feature_dim
    ((1, 64, 16, 12), 4, 64)
    """
    build = BACKBONES[name]
    # files hold JSON, which knows no tuples
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    if isinstance(normalization, str):
        options["normalization"] = normalization
    wanted = None if isinstance(normalization, str | None) else as_normalization(normalization)
    if weights is None:
        backbone = build(rng=rng, **options)
        _set_input(backbone, wanted)
        return backbone
    file = open_weights(weights)
    backbone = build(**options)
    placement = place_all(backbone, file)
    _set_input(backbone, _input_of_weights(name, file) if normalization is None else wanted)
    fill(backbone, file, placement, rng)
    return backbone


def _input_of_weights(name: str, file: WeightsFile) -> Normalization:
    """Return the input that the weights in `file` want, and say how that is known where there are several."""
    known = input_of(name, file)
    if known is None:
        raise unknown_input(name, file)
    if not file.record and len(origins_of(name).inputs) > 1:
        logger.info("%s: the photos become %s, %s", file.path, known.normalization.words(), known.why)
    return known.normalization


def _set_input(backbone: Backbone, wanted: Normalization | None) -> None:
    """Give `backbone` another input than its own, also in its options."""
    if wanted is None or wanted == backbone.normalization:
        return
    inputs = origins_of(backbone.name).inputs if "normalization" in backbone.options else {}
    fields = dataclasses.asdict(wanted)
    word = next((origin for origin, known in inputs.items() if known == wanted), fields)
    backbone.normalization = wanted
    backbone.options = {**backbone.options, "normalization": word}
