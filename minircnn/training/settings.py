"""What the training of every detector can be told, one frozen record per part, each default with its source.

Those of each detector stand in the detector's own file. All are saved with every checkpoint and give the
command line its options.
"""

# No deferred annotations here: the command line reads inherited fields in the modules of the heirs.
import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from minircnn.backbones import BACKBONES
from minircnn.checks import each, entry_of, file_name, flag, instance, optional, real, require, text, whole
from minircnn.detectors import PostprocessSettings
from minircnn.proposals import ProposalSettings, Proposer, make_proposer


@dataclass(frozen=True)
class BackboneSettings:
    """Which network computes the features."""

    name: str = "tiny"
    """``tiny``, ``alexnet``, ``alexnet_torchvision``, ``vgg16``, ``squeezenet1_0`` or ``squeezenet1_1``."""
    weights: str | None = None
    """File of pre-trained weights (``.safetensors``, ``.npz``, ``.pth``, ``.caffemodel``), or a name of
    ``minircnn weights list`` that was fetched; None starts from random ones."""
    frozen: tuple[str, ...] | None = None
    """Names of layers that are not trained, ``convolutions`` for all that see the whole photo; None takes the
    detector's own default where pre-trained weights are given (conv1_1 to conv2_2 of VGG16, conv1 of AlexNet:
    Fast R-CNN, section 4.5) and freezes nothing otherwise: random weights frozen would stay random."""
    widths: tuple[int, ...] | None = None
    """Of the fully connected layers fc6 and fc7, one or two numbers (4096 each in the papers); None takes the
    network's own. SqueezeNet has none of its own: with widths all its convolutions see the whole photo, and
    new fully connected layers stand behind the pooling."""
    dropout: float | None = None
    """Rate after fc6 and fc7 (0.5 in the papers); None takes the network's own."""
    roi_size: int | None = None
    """Cells along each side of a pooled region (7 for VGG16 in Fast R-CNN); None takes the network's own."""
    pooled_scale: float | None = None
    """Factor on pooled values before fc6: its random weights learn best from values of about 1. None takes
    the network's own (0.1 for SqueezeNet, whose values are about 8, else 1)."""

    def __post_init__(self) -> None:
        require(self, "backbone", name=entry_of(BACKBONES), weights=optional(file_name))
        require(self, "backbone", frozen=optional(each(text)), widths=optional(each(whole(1))))
        require(self, "backbone", dropout=optional(real(0, 1, below=True)), roi_size=optional(whole(1)))
        require(self, "backbone", pooled_scale=optional(real(0, above=True)))

    @property
    def options(self) -> dict[str, Any]:
        """What the network is built with besides its own defaults."""
        names = ("widths", "dropout", "roi_size", "pooled_scale")
        given = {name: getattr(self, name) for name in names}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class SolverSettings:
    """Stochastic gradient descent with momentum and a step schedule."""

    iterations: int = 40_000
    """Updates (Fast R-CNN: 30,000 at the first rate and 10,000 at the second, section 2.3)."""
    learning_rate: float = 0.001
    """0.001 for pre-trained networks in the papers."""
    step: int = 30_000
    """The rate is multiplied by `gamma` every `step` updates."""
    gamma: float = 0.1
    """0.1 in the papers."""
    momentum: float = 0.9
    """0.9 in the papers."""
    weight_decay: float = 0.0005
    """0.0005 in the papers."""
    clip_norm: float | None = None
    """Gradients with a larger norm are scaled down to it. Not in the papers, where training starts from
    pre-trained weights; training from random weights is steadier with it. ``none``: never."""

    def __post_init__(self) -> None:
        require(self, "solver", iterations=whole(1), learning_rate=real(0, above=True), step=whole(1))
        require(self, "solver", gamma=real(0, 1, above=True), momentum=real(0, 1, below=True))
        require(self, "solver", weight_decay=real(0), clip_norm=optional(real(0, above=True)))


class RunSettings(Protocol):
    """A record of settings that says what its run trains."""

    detector: ClassVar[str]


@dataclass(frozen=True)
class DetectorSettings:
    """What every detector's training has in common; each adds its own fields.

    Those with a network have it from :class:`NetworkSettings`; those that are given their regions have the
    choice of what proposes them from :class:`GivenProposalsSettings`.
    """

    detector: ClassVar[str]
    """Name of the recipe that these settings are for."""

    postprocess: PostprocessSettings = field(default_factory=PostprocessSettings)
    """How the finished detector turns scores into detections."""
    batch: int = 128
    """The finished detector judges so many regions at once: fewer need less memory."""
    flip: bool = True
    """Mirror with probability one half while training, where the data set allows it."""
    seed: int = 0
    """Of all random numbers of the run."""

    def __post_init__(self) -> None:
        require(self, "", batch=whole(1), flip=flag, seed=whole(0))
        require(self, "", postprocess=instance(PostprocessSettings))

    def proposer(self) -> Proposer | None:
        """Return what proposes regions to the detector; None where it does so itself."""
        return None


@dataclass(frozen=True)
class NetworkSettings(DetectorSettings):
    """What the trainings of detectors have in common whose features a network computes."""

    backbone: BackboneSettings = field(default_factory=BackboneSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", backbone=instance(BackboneSettings))


@dataclass(frozen=True)
class GivenProposalsSettings(DetectorSettings):
    """What the trainings of detectors have in common that are given their regions from outside."""

    proposals: ProposalSettings = field(default_factory=ProposalSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", proposals=instance(ProposalSettings))

    def proposer(self) -> Proposer | None:
        """Return what proposes regions to the detector.

        Raises
        ------
        ValueError
            If they come from a file and none is named.
        """
        return make_proposer(self.proposals, seed=self.seed)


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
