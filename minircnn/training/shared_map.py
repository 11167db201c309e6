"""What the trainings of Fast R-CNN and Faster R-CNN share: settings, and a detector to begin with."""

# No deferred annotations here: the command line reads inherited fields in the modules of the heirs.
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from minircnn.arrays import Array, Device
from minircnn.checks import (
    each,
    file_name,
    flag,
    instance,
    one_of,
    optional,
    real,
    require,
    require_order,
    whole,
)
from minircnn.detectors import FastRCNN, FastRCNNNetwork, ImageScale, PostprocessSettings, load_detector
from minircnn.detectors.storage import MODEL_FILE
from minircnn.nn import MultiTaskLoss, l2_loss, multi_task_loss, smooth_l1
from minircnn.profiling import stage
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.training.photo_batches import PhotoSampler, RoISampling
from minircnn.training.settings import NetworkSettings, SolverSettings
from minircnn.training.trainer import Batch, Trainer

BOX_LOSSES: dict[str, Callable[[Array, Array], tuple[float, Array]]] = {"smooth-l1": smooth_l1, "l2": l2_loss}


@dataclass(frozen=True)
class SharedMapSettings(NetworkSettings):
    """What decides the training of a detector that pools its regions from one map of the photo."""

    postprocess: PostprocessSettings = field(default_factory=lambda: PostprocessSettings(min_score=0.01))
    """How the finished detector turns scores into detections."""
    batch: int = 512
    """The finished detector pools and scores so many regions at once: fewer need less memory."""
    scale: ImageScale = field(default_factory=ImageScale)
    """600 for the shorter side, at most 1000 for the longer one (section 5.2)."""
    training_scales: tuple[int, ...] = ()
    """Shorter sides, one drawn for each photo of a batch (480, 576, 688, 864 and 1200 in section 5.2); empty:
    always `scale`."""
    sampling: RoISampling = field(default_factory=RoISampling)
    solver: SolverSettings = field(default_factory=SolverSettings)
    bbox_loss_weight: float = 1.0
    """λ of equation 1; 1 in the paper."""
    bbox_loss: Literal["smooth-l1", "l2"] = "smooth-l1"
    """Of the box offsets. ``l2``, half the square as in R-CNN and SPP-net, follows outliers, whose gradients
    are as large as they are (section 2.3)."""
    class_agnostic: bool = False
    """One box regression for all classes, which few photos teach better than one for each (the paper's)."""
    roi_pooling: Literal["max", "align"] = "max"
    """``max``: RoI pooling, as in the paper. ``align``: RoI align (Mask R-CNN, section 3), which rounds no
    region to cells and averages interpolated values."""
    frozen_outputs: tuple[Literal["cls_score", "bbox_pred"], ...] = ()
    """Output layers of the detector in `start` that are not trained. With all of the backbone frozen the
    other one is trained alone (stage-wise training, section 5.1)."""
    keep_maps: bool = False
    """Keep the maps that the first convolutions, up to one that is trained (backbone.frozen), make of the
    photos on disk, in half precision. Where none is trained, all updates but the first of each photo are then
    some ten times faster. They take about a megabyte a photo and orientation."""

    start: str | None = None
    """A trained detector to begin with, file or run's folder, of the same network and classes: its frozen
    layers may be thawed now, at a lower rate. None begins with the backbone's weights."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", start=optional(file_name))
        require(self, "", scale=instance(ImageScale), sampling=instance(RoISampling))
        require(self, "", solver=instance(SolverSettings))
        require(self, "", training_scales=each(whole(1)), bbox_loss_weight=real(0))
        require(self, "", class_agnostic=flag, keep_maps=flag)
        require(self, "", frozen_outputs=each(one_of("cls_score", "bbox_pred")))
        if self.frozen_outputs and self.start is None:
            raise ValueError(
                f"frozen_outputs {', '.join(self.frozen_outputs)}: random weights would stay random; name a "
                "detector to begin with (--start)"
            )
        require(self, "", roi_pooling=one_of("max", "align"), bbox_loss=one_of(*BOX_LOSSES))
        largest = max(self.training_scales, default=0)
        require_order("training_scales", largest, "scale.max_long_side", self.scale.max_long_side)


M = TypeVar("M", bound=SharedMapSettings)


class SharedMapTrainer(Trainer[M, Batch]):
    """What both trainers share: photos to draw, a detector to begin with, units of the box targets."""

    sampler_type: ClassVar[type[PhotoSampler]] = PhotoSampler

    first: FastRCNN | None
    """What training begins with; ``make_network`` sets it."""

    def __init__(
        self,
        dataset: DetectionDataset,
        proposals: Sequence[FloatArray],
        settings: M,
        *,
        device: Device = "cpu",
        map_folder: Path | None = None,
    ) -> None:
        super().__init__(dataset, proposals, settings, device=device)
        if self.first is None:
            self.target_mean, self.target_std = self.new_box_units()
        else:  # the units its box regression has learnt
            self.target_mean, self.target_std = self.first.target_mean, self.first.target_std
        self.sampler = self.sampler_type(
            self.photo_inputs(settings.keep_maps, map_folder),
            self.records,
            settings.sampling,
            settings.scale,
            settings.training_scales,
            self.flip,
            settings.seed,
        )

    @property
    def solver(self) -> SolverSettings:
        """How the network is updated, and how often."""
        return self.settings.solver

    def region_loss(self, cls_score: Array, bbox_pred: Array, labels: Array, targets: Array) -> MultiTaskLoss:
        """Return the loss of regions as the settings want it; see :func:`multi_task_loss`."""
        settings = self.settings
        return stage("loss")(multi_task_loss)(
            cls_score,
            bbox_pred,
            labels,
            targets,
            lam=settings.bbox_loss_weight,
            box_loss=BOX_LOSSES[settings.bbox_loss],
        )

    @abstractmethod
    def new_box_units(self) -> tuple[FloatArray, FloatArray]:
        """Return the mean and standard deviation of box targets, (K+1, 4) each, of a training from anew."""


def load_first(start: str, *kinds: str) -> FastRCNN:
    """Return the detector that a training begins with, from its file or the folder of its run.

    It must be of one of the `kinds`, names of detectors that are or extend a Fast R-CNN.

    Raises
    ------
    OSError, StorageError
        If there is no detector.
    ValueError
        If it is of another kind.
    """
    path = Path(start)
    first = load_detector(path / MODEL_FILE if path.is_dir() else path)
    if first.name not in kinds or not isinstance(first, FastRCNN):
        wanted = " or ".join(kinds)
        raise ValueError(f"start must be a {wanted}, {path} holds a detector of the kind {first.name}")
    return first


def freeze_outputs(network: FastRCNNNetwork, names: Sequence[str]) -> None:
    """Freeze the output layers of `network` that have these `names`."""
    for name in names:
        getattr(network.outputs, name).freeze()


def require_alike(network: FastRCNNNetwork, first: FastRCNN, class_names: tuple[str, ...]) -> None:
    """Raise ValueError unless `network` is to be what the detector `first` is."""
    for what, own, theirs in (
        ("classes", list(class_names), list(first.class_names)),
        ("backbone", network.description, first.network.description),
        ("class_agnostic", network.class_agnostic, first.network.class_agnostic),
        ("roi_pooling", network.roi_pooling, first.network.roi_pooling),
    ):
        if own != theirs:
            raise ValueError(f"start: its {what} must be as in this training, {own}, got {theirs}")
