"""What decides the training of a Faster R-CNN."""

# No deferred annotations here: the command line reads inherited fields in the modules of the heirs.
from dataclasses import dataclass, field
from typing import Literal

from minircnn.boxes import AnchorSettings
from minircnn.checks import instance, one_of, real, require, require_order, whole
from minircnn.heads import ProposalLayerSettings
from minircnn.training.photo_batches import RoISampling
from minircnn.training.settings import SolverSettings
from minircnn.training.shared_map import SharedMapSettings


@dataclass(frozen=True)
class RPNSettings:
    """The region proposal network and what it learns from (Faster R-CNN, sections 3.1.2 and 3.1.3)."""

    width: int = 512
    """Channels of its 3×3 convolution (512 for VGG16, 256 for ZF)."""
    positive_iou: float = 0.7
    """Anchors with this IoU with an object are objects (0.7); so is the best of every object."""
    negative_iou: float = 0.3
    """Anchors below this IoU with all objects are background (0.3); the others are left out."""
    anchors_per_image: int = 256
    """Anchors drawn of each photo of a step (256)."""
    object_fraction: float = 0.5
    """Largest share of objects among them (0.5)."""
    loss_weight: float = 1.0
    """λ of the box loss (equation 1), which is divided by the anchors drawn. The paper's λ = 10 goes with a
    division by the 2,400 cells of the map: nearly the same."""
    sigma: float = 3.0
    """Of the smooth L1 loss: it is quadratic below 1/σ² (3 in the released code, not in the paper)."""

    def __post_init__(self) -> None:
        require(self, "rpn", width=whole(1), anchors_per_image=whole(1), loss_weight=real(0))
        require(self, "rpn", positive_iou=real(0, 1, above=True), negative_iou=real(0, 1, above=True))
        require(self, "rpn", object_fraction=real(0, 1, above=True), sigma=real(0, above=True))
        require_order("rpn.negative_iou", self.negative_iou, "rpn.positive_iou", self.positive_iou)


@dataclass(frozen=True)
class FasterRCNNSettings(SharedMapSettings):
    """Everything that decides a Faster R-CNN training run."""

    detector = "faster-rcnn"

    schedule: Literal["joint", "alternating"] = "joint"
    """``joint``: both losses in one step (approximate joint training). ``alternating``: four stages, as in
    section 3.2 of the paper; `solver` then is that of each stage."""
    anchors: AnchorSettings = field(default_factory=AnchorSettings)
    rpn: RPNSettings = field(default_factory=RPNSettings)
    proposing: ProposalLayerSettings = field(default_factory=ProposalLayerSettings)
    """How the finished detector proposes."""
    training_proposals: ProposalLayerSettings = field(
        default_factory=lambda: ProposalLayerSettings(top_before=12_000, top_after=2000)
    )
    """How the network proposes while it is trained."""
    sampling: RoISampling = field(
        default_factory=lambda: RoISampling(images=1, rois_per_image=128, bg_iou_low=0.0)
    )
    solver: SolverSettings = field(default_factory=lambda: SolverSettings(iterations=70_000, step=50_000))
    """70,000 updates, the rate divided by ten after 50,000 (the released code's joint training)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", schedule=one_of("joint", "alternating"), anchors=instance(AnchorSettings))
        require(self, "", rpn=instance(RPNSettings), proposing=instance(ProposalLayerSettings))
        require(self, "", training_proposals=instance(ProposalLayerSettings))
