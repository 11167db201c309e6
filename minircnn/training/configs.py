"""Every setting of training, one frozen record per stage, each default with its source beside it.

The records are saved with every checkpoint and give the command line its options.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from minircnn.detectors import ImageScale


def _require(settings: Any, what: str, **ranges: tuple[float, float]) -> None:
    """Raise ValueError naming the first setting outside its closed range."""
    for name, (low, high) in ranges.items():
        value = getattr(settings, name)
        if value is not None and not low <= value <= high:
            bound = f"at least {low}" if high == float("inf") else f"between {low} and {high}"
            raise ValueError(f"{what}.{name} must be {bound}, got {value}")


_ANY = float("inf")


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
        _require(self, "proposals", min_size=(0, _ANY), limit=(1, _ANY))


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
        _require(self, "solver", iterations=(1, _ANY), learning_rate=(0, _ANY), step=(1, _ANY))
        _require(self, "solver", gamma=(0, 1), momentum=(0, 1), weight_decay=(0, _ANY), clip_norm=(0, _ANY))


@dataclass(frozen=True)
class RoISampling:
    """Which regions a Fast R-CNN step sees (section 2.3, mini-batch sampling).

    Parameters
    ----------
    images : int
        Photos per step (2).
    rois_per_image : int
        Regions per photo (64, so that a batch has 128).
    fg_fraction : float
        Largest share of foreground (0.25).
    fg_iou : float
        Least IoU of foreground with an object (0.5).
    bg_iou_low : float
        Least IoU of background (0.1); lower ones are rarely worth a look.
    bg_iou_high : float
        Background has a smaller IoU than this (0.5).
    """

    images: int = 2
    rois_per_image: int = 64
    fg_fraction: float = 0.25
    fg_iou: float = 0.5
    bg_iou_low: float = 0.1
    bg_iou_high: float = 0.5

    def __post_init__(self) -> None:
        _require(self, "sampling", images=(1, _ANY), rois_per_image=(1, _ANY), fg_fraction=(0, 1))
        _require(self, "sampling", fg_iou=(0, 1), bg_iou_low=(0, 1), bg_iou_high=(self.bg_iou_low, 1))


@dataclass(frozen=True)
class FastRCNNSettings:
    """Everything that decides a Fast R-CNN training run.

    Parameters
    ----------
    backbone : BackboneSettings
    proposals : ProposalSettings
    scale : ImageScale
        600 for the shorter side, at most 1000 for the longer one (section 3).
    training_scales : tuple of int
        Shorter sides, one drawn for each photo of a batch (480, 576, 688, 864 and 1200 in section 5.2);
        empty: always `scale`.
    sampling : RoISampling
    solver : SolverSettings
    bbox_loss_weight : float
        λ of equation 1; 1 in the paper.
    flip : bool
        Mirror photos with probability one half, where the data set allows it (section 2.3).
    nms_iou : float
        The finished detector drops a box that overlaps a better one by more (0.3).
    min_score : float
        The finished detector reports no smaller probability.
    region_batch : int
        The finished detector pools and scores so many regions at once: fewer need less memory.
    seed : int
        Of all random numbers of the run.
    """

    backbone: BackboneSettings = field(default_factory=BackboneSettings)
    proposals: ProposalSettings = field(default_factory=ProposalSettings)
    scale: ImageScale = field(default_factory=ImageScale)
    training_scales: tuple[int, ...] = ()
    sampling: RoISampling = field(default_factory=RoISampling)
    solver: SolverSettings = field(default_factory=SolverSettings)
    bbox_loss_weight: float = 1.0
    flip: bool = True
    nms_iou: float = 0.3
    min_score: float = 0.01
    region_batch: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self, "settings", region_batch=(1, _ANY))


@dataclass(frozen=True)
class FineTuneSettings:
    """R-CNN's CNN trained as a (K+1)-way classifier of warped regions (section 2.3, appendix B).

    Parameters
    ----------
    foreground, background : int
        Crops of each kind per step (32 and 96), drawn uniformly over all photos and classes.
    fg_iou : float
        Least IoU of a foreground crop with an object (0.5); all others are background.
    solver : SolverSettings
        0.001, a tenth of the rate of pre-training, times 0.1 every 20,000 steps.
    """

    foreground: int = 32
    background: int = 96
    fg_iou: float = 0.5
    solver: SolverSettings = field(default_factory=lambda: SolverSettings(iterations=70_000, step=20_000))

    def __post_init__(self) -> None:
        _require(self, "fine_tune", foreground=(1, _ANY), background=(0, _ANY), fg_iou=(0, 1))


@dataclass(frozen=True)
class SVMSettings:
    """R-CNN's linear SVMs with hard negative mining (section 2.3, appendix B; released rcnn_train.m).

    Parameters
    ----------
    C : float
        0.001.
    positive_weight : float
        2.
    bias_feature : float
        10.
    negative_iou : float
        Regions whose IoU with every object of a class is below are its negatives (0.3).
    feature_norm : float
        Features are scaled so that their mean L2 norm is this (20).
    retrain_after : int
        New hard negatives of a class that trigger its retraining (2000).
    """

    C: float = 0.001
    positive_weight: float = 2.0
    bias_feature: float = 10.0
    negative_iou: float = 0.3
    feature_norm: float = 20.0
    retrain_after: int = 2000


@dataclass(frozen=True)
class BoxRegressionSettings:
    """R-CNN's ridge regression from pool5 features to box offsets (appendix C).

    Parameters
    ----------
    alpha : float
        λ of equation 5 (1000).
    min_iou : float
        Only regions that overlap their object by more are learned from (0.6).
    """

    alpha: float = 1000.0
    min_iou: float = 0.6


@dataclass(frozen=True)
class RCNNSettings:
    """Everything that decides an R-CNN training run.

    Parameters
    ----------
    backbone : BackboneSettings
    proposals : ProposalSettings
    crop_size : int or None
        Side of the warped crop; None takes the backbone's own (227 for AlexNet, 224 for VGG16).
    context : int or None
        Pixels of surroundings in the crop; None takes 16 of 227, in proportion to the crop.
    fine_tune : FineTuneSettings
    svm : SVMSettings
    box_regression : BoxRegressionSettings
    crop_batch : int
        Crops sent through the network at once to get their features, in the second stage and by the finished
        detector: fewer need less memory.
    cache_dtype : str
        Number format of the feature cache on disk: ``float16`` halves it.
    flip : bool
        Mirror crops with probability one half while fine-tuning, where the data set allows it.
    nms_iou : float
        The finished detector drops a box that overlaps a better one by more (0.3).
    seed : int
        Of all random numbers of the run.
    """

    backbone: BackboneSettings = field(default_factory=BackboneSettings)
    proposals: ProposalSettings = field(default_factory=ProposalSettings)
    crop_size: int | None = None
    context: int | None = None
    fine_tune: FineTuneSettings = field(default_factory=FineTuneSettings)
    svm: SVMSettings = field(default_factory=SVMSettings)
    box_regression: BoxRegressionSettings = field(default_factory=BoxRegressionSettings)
    crop_batch: int = 128
    cache_dtype: Literal["float16", "float32"] = "float32"
    flip: bool = True
    nms_iou: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self, "settings", crop_batch=(1, _ANY))


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
