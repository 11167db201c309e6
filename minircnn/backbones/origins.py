"""Where the weights of a backbone come from: how others name its layers, and which pixels theirs want."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from minircnn.arrays import HostArray
from minircnn.backbones.normalization import Normalization, Preset


@dataclass(frozen=True)
class Origins:
    """What is known of the weights that others have published for a backbone.

    Parameters
    ----------
    names : mapping
        Layers as others call them (``features.0``, with dots for slashes) -> as they are called here.
    inputs : mapping
        What the networks of each origin want as input.
    known : mapping
        :func:`fingerprint` of the layer that sees the photo -> origin.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[Preset, Normalization] = field(default_factory=dict)
    known: Mapping[str, Preset] = field(default_factory=dict)


ORIGINS: dict[str, Origins] = {}
"""By the name of the backbone, whose file enters them; a backbone may have none."""


def origins_of(backbone: str) -> Origins:
    """Return what is known of the weights of `backbone`, nothing if it entered nothing."""
    return ORIGINS.get(backbone, Origins())


def fingerprint(weight: HostArray) -> str:
    """Return the first 16 digits of the SHA-256 of `weight` in half precision.

    So weights are known again whether or not they were rounded to half precision, and under any name.
    """
    with np.errstate(over="ignore"):
        half = np.ascontiguousarray(weight, "<f2")
    return hashlib.sha256(half.tobytes()).hexdigest()[:16]
