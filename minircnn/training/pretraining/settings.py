"""What a pre-training can be told, each default with its source; and settings to start from."""

# No deferred annotations here: the command line reads the fields.
from dataclasses import dataclass, field
from typing import ClassVar

from minircnn.checks import flag, instance, optional, real, require, whole
from minircnn.training.settings import BackboneSettings, SolverSettings


@dataclass(frozen=True)
class PretrainSettings:
    """Everything that decides the training of a backbone as a classifier of images.

    The papers take networks that others trained so on ImageNet: R-CNN, section 2.3, names Krizhevsky,
    Sutskever and Hinton (2012), whose numbers stand here.
    """

    detector: ClassVar[str] = "pretrain"
    """What its run's folder holds: no detector, but what detectors begin with."""

    backbone: BackboneSettings = field(default_factory=lambda: BackboneSettings("alexnet"))
    solver: SolverSettings = field(
        default_factory=lambda: SolverSettings(iterations=840_000, learning_rate=0.01, step=210_000)
    )
    """0.01, a tenth of it after each quarter or so, 90 times through 1.2 million images (section 5)."""
    batch: int = 128
    """Images of an update (128)."""
    crop_size: int | None = None
    """Side of the square that the network sees; None takes its own (227 for AlexNet). Images are shrunk to
    256/227 of it at their shorter side; squares are cut at random to learn from, in the middle to test."""
    flip: bool = True
    """Mirror with probability one half, where mirrored images are still of their class."""
    held_out: float = 0.1
    """Share of each class's images, at least one, that is not learnt from: the accuracy on them is told."""
    seed: int = 0
    """Of all random numbers of the run."""

    def __post_init__(self) -> None:
        require(self, "", backbone=instance(BackboneSettings), solver=instance(SolverSettings))
        require(self, "", batch=whole(1), crop_size=optional(whole(1)), flip=flag, seed=whole(0))
        require(self, "", held_out=real(0, 1, above=True, below=True))


_TINY = BackboneSettings("tiny")

PRETRAIN_PRESETS: dict[str, PretrainSettings] = {
    "paper": PretrainSettings(),
    "small": PretrainSettings(
        backbone=_TINY,
        solver=SolverSettings(iterations=1500, learning_rate=0.03, step=1100, clip_norm=10.0),
        batch=32,
    ),
    "digits": PretrainSettings(
        backbone=_TINY,
        solver=SolverSettings(iterations=800, learning_rate=0.03, step=600, clip_norm=10.0),
        batch=32,
    ),
    "digits-quick": PretrainSettings(
        backbone=_TINY,
        solver=SolverSettings(iterations=60, learning_rate=0.03, step=50, clip_norm=10.0),
        batch=32,
    ),
}
"""``paper``: Krizhevsky's network on a million images; ``small``: the tiny network on some thousand;
``digits`` and ``digits-quick``: the built-in digits, in a minute and in seconds."""
