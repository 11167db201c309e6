"""Training of HOG + SVM: objects, windows without objects, hard negatives (CVPR 2005, section 4)."""

# No deferred annotations here: the command line reads inherited fields in the modules of the heirs.
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from minircnn.checks import instance, optional, require, whole
from minircnn.detectors import HogSVM, PostprocessSettings
from minircnn.detectors.windows import Float32
from minircnn.features import HogSettings, HogWindows, PyramidSettings
from minircnn.heads import LinearSVMs
from minircnn.profiling import stage
from minircnn.progress import progress_bar
from minircnn.structures import DetectionDataset, ImageArray
from minircnn.training.checkpoint import CheckpointClock
from minircnn.training.hog_negatives import (
    DatasetPhotos,
    NegativeSettings,
    PhotosWithoutObjects,
)
from minircnn.training.hog_rounds import WindowSVMSettings, train_rounds, write_trace
from minircnn.training.kept_part import KeptPart
from minircnn.training.recipe import TrainingJob
from minircnn.training.settings import DetectorSettings, as_json

logger = logging.getLogger(__name__)

_FORMAT = 1


@dataclass(frozen=True)
class HogSVMSettings(DetectorSettings):
    """Everything that decides the training of a detector of oriented gradients and linear SVMs."""

    detector = "hog-svm"

    window: tuple[int, ...] = HogWindows.window
    """Width and height of a window in pixels; whole cells (64 × 128)."""
    margin: tuple[int, ...] = HogWindows.margin
    """Pixels of a window left and right of the object, and above and below it (16: section 6.6)."""
    stride: int = HogWindows.stride
    """Pixels between two windows: a multiple of a cell, or a part of it (8)."""
    hog: HogSettings = field(default_factory=HogSettings)
    pyramid: PyramidSettings = field(default_factory=lambda: PyramidSettings(padding=16))
    rounds: int = 1
    """Trainings after the first, each with the hard negatives of the one before (1: section 4)."""
    svm: WindowSVMSettings = field(default_factory=WindowSVMSettings)
    negatives: NegativeSettings = field(default_factory=NegativeSettings)
    group_neighbors: int | None = None
    """The finished detector merges windows that are alike, and drops groups of no more than so many, before
    suppression (2 in OpenCV); none: suppression alone."""
    postprocess: PostprocessSettings = field(default_factory=lambda: PostprocessSettings(top_per_class=500))
    """How the finished detector turns scores into detections; an object fires tens of windows."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self, "", rounds=whole(0), svm=instance(WindowSVMSettings), group_neighbors=optional(whole(0))
        )
        require(self, "", negatives=instance(NegativeSettings))
        windows = self.windows
        for name in ("window", "margin", "stride"):
            object.__setattr__(self, name, getattr(windows, name))

    @property
    def windows(self) -> HogWindows:
        """What a window is, and where windows stand."""
        window, margin = self.window, self.margin
        return HogWindows(window, margin, self.stride, self.hog, self.pyramid)  # type: ignore[arg-type]

    def finished(self, class_names: Sequence[str], svms: LinearSVMs) -> HogSVM:
        """Return the detector that the SVMs make."""
        return HogSVM(
            tuple(class_names), None, svms, self.windows, self.group_neighbors, self.postprocess, self.batch
        )


def train_hog_svm(job: TrainingJob[HogSVMSettings]) -> HogSVM:
    """Describe the objects, then train in rounds; what is over is kept in the folder of the run."""
    settings, loop = job.settings, job.loop
    photos = DatasetPhotos(job.dataset)
    positives = describe_objects(job.dataset, settings, progress=loop.progress)
    if not sum(len(own) for own in positives):
        raise ValueError(f"data set {job.dataset.name} has no (not difficult) object to train on")
    unseen = [name for name, own in zip(job.dataset.class_names, positives, strict=True) if not len(own)]
    if unseen:
        logger.warning("%s: no object to learn %s from", job.dataset.name, ", ".join(map(repr, unseen)))
    # the data of a run in a folder is the same, or it does not go on
    key = hashlib.sha256(json.dumps([_FORMAT, as_json(settings)], sort_keys=True).encode())
    for own in positives:
        key.update(own.tobytes())
    written = CheckpointClock(loop.checkpoint_seconds, loop.clock)
    svms = train_rounds(
        positives,
        photos,
        settings.windows,
        rounds=settings.rounds,
        svm=settings.svm,
        negatives=settings.negatives,
        seed=settings.seed,
        progress=loop.progress,
        keep=KeptPart(job.folder / "hog-svm.rounds.safetensors", key.hexdigest(), written),
        trace=lambda records: write_trace(job.folder, records),
    )
    return settings.finished(job.dataset.class_names, svms)


def train_hog_svm_on_crops(
    positives: ImageArray,
    photos: Sequence[ImageArray],
    settings: HogSVMSettings | None = None,
    *,
    class_name: str = "object",
    progress: bool = False,
) -> HogSVM:
    """Train on crops as they come, and on photos without such objects.

    Parameters
    ----------
    positives : (N, H, W, 3) uint8 array
        Objects with their margin around them. H × W is the window, or larger: then its middle is the window,
        and gradients at the rim see beyond it.
    photos : sequence of (H, W, 3) uint8 arrays
        Photos without objects.
    settings : HogSVMSettings, optional
        Default: the paper's.
    class_name : str
    progress : bool
        Show bars.

    Returns
    -------
    HogSVM

    Raises
    ------
    ValueError
        If crops are smaller than the window, there are none of them, or no photo is large enough.

    Examples
    --------
    >>> from minircnn.training import HogSVMSettings, train_hog_svm_on_crops
    >>> crops = np.pad(np.full((9, 16, 16, 3), 200, np.uint8), [(0, 0), (8, 8), (8, 8), (0, 0)])  # squares
    >>> noise = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), dtype=np.uint8)
    >>> settings = HogSVMSettings(window=(32, 32), margin=(8, 8))
    >>> detector = train_hog_svm_on_crops(crops, list(noise), settings, class_name="square")
    >>> detector.detect(np.pad(crops[0], [(24, 24), (16, 16), (0, 0)])).boxes[0]
    array([24., 32., 40., 48.], dtype=float32)
    """
    settings = settings or HogSVMSettings()
    if positives.ndim != 4 or positives.dtype != np.uint8 or positives.shape[3] != 3 or not len(positives):
        raise ValueError(
            f"positives must be crops (N, H, W, 3) of uint8, got {positives.shape} of {positives.dtype}"
        )
    windows = settings.windows
    crops = [*positives, *(crop[:, ::-1] for crop in positives)] if settings.flip else list(positives)
    features = np.stack([windows.of_crop(crop) for crop in crops])
    svms = train_rounds(
        [features],
        PhotosWithoutObjects(photos),
        windows,
        rounds=settings.rounds,
        svm=settings.svm,
        negatives=settings.negatives,
        seed=settings.seed,
        progress=progress,
    )
    return settings.finished((class_name,), svms)


@stage("objects")
def describe_objects(
    dataset: DetectionDataset, settings: HogSVMSettings, *, progress: bool = True
) -> list[Float32]:
    """Return the descriptors (P_k, D) of the objects of each class, mirrored ones too where that is allowed.

    Each is cut out with its margin and stretched to the window. Difficult ones are left out.
    """
    windows, flip = settings.windows, settings.flip and dataset.flippable
    own: list[list[Float32]] = [[] for _ in dataset.class_names]
    bar = progress_bar(range(len(dataset.image_ids)), show=progress, desc="objects", unit="photo")
    for index in bar:
        truth = dataset.annotations(index)
        clear = ~truth.difficult
        if not clear.any():
            continue
        image, boxes = dataset.image(index), truth.boxes[clear]
        for mirrored in (False, True) if flip else (False,):
            described = windows.of_boxes(image, boxes, mirrored=mirrored)
            for label, vector in zip(truth.labels[clear], described, strict=True):
                own[label - 1].append(vector)
    return [np.array(vectors, np.float32).reshape(-1, windows.dim) for vectors in own]
