"""The settings both detectors share, one frozen record per part, each default with its source beside it.

Those of each detector are in `fast_rcnn_settings` and `rcnn_settings`. All are saved with every checkpoint
and give the command line its options.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal


def require(settings: Any, what: str, **ranges: tuple[float, float]) -> None:
    """Raise ValueError naming the first setting outside its closed range."""
    for name, (low, high) in ranges.items():
        value = getattr(settings, name)
        if value is not None and not low <= value <= high:
            bound = f"at least {low}" if high == float("inf") else f"between {low} and {high}"
            raise ValueError(f"{what}.{name} must be {bound}, got {value}")


ANY = float("inf")
"""The upper end of a range without one."""


@dataclass(frozen=True)
class BackboneSettings:
    """Which network computes the features.

    Parameters
    ----------
    name : str
        ``tiny``, ``alexnet``, ``vgg16``, ``squeezenet1_0`` or ``squeezenet1_1``.
    weights : str or None
        File of pre-trained weights (``.safetensors``, ``.npz`` or ``.pth``); None starts from random ones.
    frozen : tuple of str or None
        Names of layers that are not trained; None takes the backbone's own default where pre-trained
        weights are given (conv1_1 to conv2_2 of VGG16, conv1 of AlexNet: Fast R-CNN, section 4.5) and freezes
        nothing otherwise.
    """

    name: Literal["tiny", "alexnet", "vgg16", "squeezenet1_0", "squeezenet1_1"] = "tiny"
    weights: str | None = None
    frozen: tuple[str, ...] | None = None


@dataclass(frozen=True)
class ProposalSettings:
    """Where the candidate boxes come from.

    Parameters
    ----------
    method : str
        ``selective-search``, ``sliding-window`` or ``file``.
    mode : str
        Selective search: ``single``, ``fast`` (both papers) or ``quality``.
    min_size : float
        Boxes with a side below are dropped (20 px in R-CNN's released code).
    limit : int
        At most this many boxes a photo, best rank first (about 2,000 in both papers).
    path : str or None
        The file of boxes, where `method` is ``file``.
    """

    method: Literal["selective-search", "sliding-window", "file"] = "selective-search"
    mode: Literal["single", "fast", "quality"] = "fast"
    min_size: float = 20.0
    limit: int = 2000
    path: str | None = None

    def __post_init__(self) -> None:
        require(self, "proposals", min_size=(0, ANY), limit=(1, ANY))


@dataclass(frozen=True)
class SolverSettings:
    """Stochastic gradient descent with momentum and a step schedule.

    Parameters
    ----------
    iterations : int
        Updates (Fast R-CNN: 30,000 at the first rate and 10,000 at the second, section 2.3).
    learning_rate : float
        0.001 for pre-trained networks in both papers.
    step : int
        The rate is multiplied by `gamma` every `step` updates.
    gamma : float
        0.1 in both papers.
    momentum : float
        0.9 in both papers.
    weight_decay : float
        0.0005 in both papers.
    clip_norm : float or None
        Gradients with a larger norm are scaled down to it. Not in the papers, where training starts from
        pre-trained weights; training from random weights is steadier with it. ``none``: never.
    """

    iterations: int = 40_000
    learning_rate: float = 0.001
    step: int = 30_000
    gamma: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 0.0005
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        require(self, "solver", iterations=(1, ANY), learning_rate=(0, ANY), step=(1, ANY))
        require(self, "solver", gamma=(0, 1), momentum=(0, 1), weight_decay=(0, ANY), clip_norm=(0, ANY))


def as_json(settings: Any) -> dict[str, Any]:
    """Return a settings record as a flat dictionary with dotted names, JSON-able."""
    flat: dict[str, Any] = {}
    for f in dataclasses.fields(settings):
        value = getattr(settings, f.name)
        if dataclasses.is_dataclass(value):
            flat |= {f"{f.name}.{name}": inner for name, inner in as_json(value).items()}
        else:
            flat[f.name] = list(value) if isinstance(value, tuple) else value
    return flat
