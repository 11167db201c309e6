"""Every setting of Fast R-CNN's training, each default with its source beside it."""

from __future__ import annotations

from dataclasses import dataclass, field

from minircnn.detectors import ImageScale
from minircnn.training.configs import ANY, BackboneSettings, ProposalSettings, SolverSettings, require


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
        require(self, "sampling", images=(1, ANY), rois_per_image=(1, ANY), fg_fraction=(0, 1))
        require(self, "sampling", fg_iou=(0, 1), bg_iou_low=(0, 1), bg_iou_high=(self.bg_iou_low, 1))


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
        require(self, "settings", region_batch=(1, ANY))
