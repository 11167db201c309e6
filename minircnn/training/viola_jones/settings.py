"""What decides the training of a cascade."""

# No deferred annotations here: the command line reads the fields of settings.
from dataclasses import dataclass, field

from minircnn.checks import Refused, each, instance, one_of, optional, real, require, whole
from minircnn.detectors import PostprocessSettings
from minircnn.detectors.viola_jones import NOT_FOUND, GroupingSettings
from minircnn.features import HAAR_KINDS
from minircnn.heads.cascade import ScanSettings
from minircnn.training.settings import DetectorSettings


@dataclass(frozen=True)
class CascadeSettings:
    """How a cascade is trained; sections are those of Viola and Jones, CVPR 2001."""

    window: tuple[int, ...] = (24, 24)
    """Height and width of the window that objects are brought to (24 × 24, section 2)."""
    kinds: tuple[str, ...] = HAAR_KINDS
    """Kinds of Haar features, of ``two-across``, ``two-down``, ``three-across``, ``three-down``, ``four``."""
    features: int | None = 4000
    """Features drawn anew for each stage; ``none``: all (162,336 in 24 × 24), as in the paper, which needs
    0.6 MB for each example."""
    stages: int = 38
    """At most (38, section 5)."""
    layer_sizes: tuple[int, ...] = (1, 10, 25, 25, 50)
    """Features of the first stages (1, 10, 25, 25, 50, section 5); the others get so many as
    `false_alarm` takes."""
    most_features: int = 200
    """Of one stage (200 in the largest classifier of section 3)."""
    hit_rate: float = 0.995
    """Part of the held-out objects that each stage lets pass (0.995 in OpenCV; the paper gives no number)."""
    false_alarm: float = 0.5
    """A stage is complete when it lets pass at most this part of its negatives (0.5 in OpenCV)."""
    held_out: float = 0.2
    """Part of the objects that no stage learns from: they set its threshold (section 4.1). Where these would
    be fewer than 20, all objects do."""
    negatives: int = 10_000
    """Windows without the object for each stage (10,000, section 5)."""
    least_negatives: int = 100
    """The training ends when no more false alarms than this are found in all photos."""
    negative_iou: float = 0.0
    """A window counts as negative if its IoU with every object of the class is at most this (0: the paper's
    photos hold no face)."""
    crop_inset: float = 0.0
    """Part of an object's box that is cut away on each side, or added if negative; detections are grown back.
    0: the box itself."""
    margin: int = 0
    """Pixels along the window's border without a part in its standard deviation (0; OpenCV 1)."""

    def __post_init__(self) -> None:
        require(self, "cascade", window=_window, kinds=each(one_of(*HAAR_KINDS), least=1))
        require(self, "cascade", features=optional(whole(1)), stages=whole(1), most_features=whole(1))
        require(self, "cascade", layer_sizes=each(whole(1)), hit_rate=real(0, 1, above=True))
        require(self, "cascade", false_alarm=real(0, 1, below=True), held_out=real(0, 0.9))
        require(self, "cascade", negatives=whole(2), least_negatives=whole(1), margin=whole(0))
        require(self, "cascade", negative_iou=real(0, 1, below=True))
        require(self, "cascade", crop_inset=real(-1, 0.45, above=True))
        if 2 * self.margin >= min(self.window):
            raise ValueError(
                f"cascade.margin must be below half of the window's sides {self.window}, got {self.margin}"
            )
        if self.least_negatives > self.negatives:
            raise ValueError(
                f"cascade.least_negatives must be at most cascade.negatives ({self.negatives}), "
                f"got {self.least_negatives}"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the window."""
        height, width = self.window
        return height, width

    @property
    def growth(self) -> float:
        """By which part of a window its box is larger on each side."""
        return self.crop_inset / (1.0 - 2.0 * self.crop_inset)


def _window(value: object) -> tuple[int, ...]:
    sides: tuple[int, ...] = each(whole(4, 256))(value)
    if len(sides) != 2:
        raise Refused("a height and a width (as an option, give it twice)")
    return sides


@dataclass(frozen=True)
class ViolaJonesSettings(DetectorSettings):
    """All that decides a training run of Viola and Jones' detector."""

    detector = "viola-jones"

    postprocess: PostprocessSettings = field(
        default_factory=lambda: PostprocessSettings(min_score=NOT_FOUND / 2)
    )
    """How the finished detector turns scores into detections; scores below are of other classes."""
    cascade: CascadeSettings = field(default_factory=CascadeSettings)
    """How each class's cascade is trained."""
    scan: ScanSettings = field(default_factory=lambda: ScanSettings("detector", 1.25, min_std=1.0))
    """How photos are scanned, and where negatives are looked for (as there, without skipping)."""
    grouping: GroupingSettings = field(default_factory=GroupingSettings)
    """How windows become detections."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", cascade=instance(CascadeSettings), scan=instance(ScanSettings))
        require(self, "", grouping=instance(GroupingSettings))
