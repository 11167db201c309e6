"""What the training of a detector by visual words can be told."""

# No deferred annotations here: the command line reads inherited fields in the modules of the heirs.
from dataclasses import dataclass, field
from typing import ClassVar

from minircnn.checks import instance, real, require, require_order, whole
from minircnn.detectors.bag_of_words import MAX_SIDE
from minircnn.features import DenseSiftSettings, SpatialPyramidSettings
from minircnn.training.settings import GivenProposalsSettings
from minircnn.training.svms import SVMSettings


@dataclass(frozen=True)
class VocabularySettings:
    """How descriptors become words."""

    size: int = 4000
    """Words (4,000: Uijlings 2013, section 4; 200 and 400: Lazebnik 2006)."""
    descriptors: int = 250_000
    """Descriptors that k-means looks at, drawn from all photos alike."""
    photos: int = 1000
    """Photos they are drawn from, at most."""
    steps: int = 50
    """Of Lloyd's, at most."""

    def __post_init__(self) -> None:
        require(self, "vocabulary", size=whole(2, 65_536), descriptors=whole(2), photos=whole(1))
        require(self, "vocabulary", steps=whole(1))
        require_order("vocabulary.size", self.size, "vocabulary.descriptors", self.descriptors)


@dataclass(frozen=True)
class WordSVMSettings(SVMSettings):
    """The linear SVMs and their negatives (Uijlings 2013, section 4)."""

    negative_iou: float = 0.5
    """First negatives overlap an object of the class by less than this (0.5)."""
    least_iou: float = 0.2
    """And by this at least (0.2): photos without the class have none at first."""
    duplicate_iou: float | None = 0.7
    """Of first negatives that overlap each other by more, the best ranked one stays (0.7)."""
    rounds: int = 2
    """So often the hardest regions of photos without the class are added, and the SVMs trained again (2)."""
    hard_per_photo: int = 1
    """Regions of a photo that a round adds for each class, the highest scores, apart from each other (1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "svm", least_iou=real(0, 1), rounds=whole(0, 1000), hard_per_photo=whole(1))
        require_order("svm.least_iou", self.least_iou, "svm.negative_iou", self.negative_iou)


@dataclass(frozen=True)
class BagOfWordsSettings(GivenProposalsSettings):
    """All that decides the training of a detector by visual words."""

    detector: ClassVar[str] = "bag-of-words"

    batch: int = 256
    """The finished detector judges so many regions at once: fewer need less memory."""
    flip: bool = True
    """Learn from mirrored objects too, where the data set allows it."""
    dense: DenseSiftSettings = field(default_factory=DenseSiftSettings)
    vocabulary: VocabularySettings = field(default_factory=VocabularySettings)
    pyramid: SpatialPyramidSettings = field(default_factory=SpatialPyramidSettings)
    svm: WordSVMSettings = field(default_factory=WordSVMSettings)
    max_side: int = MAX_SIDE
    """Photos with a longer side are shrunk to it before their words are found (500: those of PASCAL VOC)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", dense=instance(DenseSiftSettings), vocabulary=instance(VocabularySettings))
        require(self, "", pyramid=instance(SpatialPyramidSettings), svm=instance(WordSVMSettings))
        require(self, "", max_side=whole(16))
