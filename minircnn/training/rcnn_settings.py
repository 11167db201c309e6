"""Every setting of R-CNN's training, a record per stage, each default with its source beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from minircnn.training.configs import ANY, BackboneSettings, ProposalSettings, SolverSettings, require


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
        require(self, "fine_tune", foreground=(1, ANY), background=(0, ANY), fg_iou=(0, 1))


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
        require(self, "settings", crop_batch=(1, ANY))
