"""The backbone of a training run: built, loaded and partly frozen as its settings say."""

from __future__ import annotations

from inspect import signature
from pathlib import Path

import numpy as np

from minircnn.backbones import BACKBONES, Backbone, build_backbone
from minircnn.training.photo_inputs import require_frozen
from minircnn.training.settings import BackboneSettings, NetworkSettings

ALL_CONVOLUTIONS = "convolutions"
"""Among the names of layers to freeze: all that see the whole photo."""


def check_backbone(settings: NetworkSettings) -> Backbone:
    """Raise where the backbone cannot be built, loaded, frozen or kept maps of; else return it."""
    chosen = settings.backbone
    starts = chosen.weights is not None or getattr(settings, "start", None) is not None
    if not starts and ALL_CONVOLUTIONS in (chosen.frozen or ()):
        raise ValueError(
            f"backbone.frozen {ALL_CONVOLUTIONS}: random weights would stay random; name pre-trained "
            f"ones with --backbone.weights {chosen.name} (minircnn weights fetch {chosen.name})"
        )
    backbone = make_backbone(settings.backbone, np.random.default_rng(0))
    if getattr(settings, "keep_maps", False):
        require_frozen(backbone.features)
    return backbone


def make_backbone(settings: BackboneSettings, rng: np.random.Generator) -> Backbone:
    """Build the backbone of `settings`, load its weights and freeze what is not trained.

    Raises
    ------
    ValueError
        If the network has no such option, or a layer to freeze does not exist.
    """
    weights = Path(settings.weights) if settings.weights else None
    for option in settings.options:
        if option not in signature(BACKBONES[settings.name]).parameters:
            raise ValueError(f"backbone.{option} is nothing that {settings.name} can be given: leave it away")
    backbone = build_backbone(settings.name, rng=rng, weights=weights, **settings.options)
    frozen = settings.frozen
    if frozen is None:
        # random weights frozen would stay random
        frozen = backbone.frozen if settings.weights else ()
    parts = dict(backbone.features.children()) | dict(backbone.head.children())
    parts[ALL_CONVOLUTIONS] = backbone.features
    for name in frozen:
        if name not in parts:
            raise ValueError(
                f"backbone {settings.name} has no layer {name!r} to freeze; it has {list(parts)}"
            )
        parts[name].freeze()
    return backbone
