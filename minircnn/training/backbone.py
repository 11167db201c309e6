"""The backbone of a training run: built, loaded and partly frozen as its settings say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minircnn.backbones import Backbone, build_backbone
from minircnn.training.settings import BackboneSettings, DetectorSettings


def check_backbone(settings: DetectorSettings) -> Backbone:
    """Raise where the backbone cannot be built, loaded or frozen as `settings` say; else return it."""
    return make_backbone(settings.backbone, np.random.default_rng(0))


def make_backbone(settings: BackboneSettings, rng: np.random.Generator) -> Backbone:
    """Build the backbone of `settings`, load its weights and freeze what is not trained.

    Raises
    ------
    ValueError
        If a layer to freeze does not exist.
    """
    weights = Path(settings.weights) if settings.weights else None
    backbone = build_backbone(settings.name, rng=rng, weights=weights)
    frozen = settings.frozen
    if frozen is None:
        # random weights frozen would stay random
        frozen = backbone.frozen if settings.weights else ()
    parts = dict(backbone.features.children()) | dict(backbone.head.children())
    for name in frozen:
        if name not in parts:
            raise ValueError(
                f"backbone {settings.name} has no layer {name!r} to freeze; it has {list(parts)}"
            )
        parts[name].freeze()
    return backbone
