"""SVMs and box regressions fitted to a network's features of regions: the last parts of R-CNN and SPP-net."""

# No deferred annotations here: the command line reads inherited fields in the modules of the heirs.
import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from minircnn.profiling import stage
from minircnn.training.box_regression import BoxRegressionSettings, train_box_regressors
from minircnn.training.feature_cache import cache_features
from minircnn.training.recipe import TrainingJob
from minircnn.training.settings import DetectorSettings
from minircnn.training.svms import SVMSettings, train_svms
from minircnn.training.trainer import Trainer


@dataclass(frozen=True)
class LinearPartsSettings(DetectorSettings):
    """What decides the SVMs and the box regressions."""

    svm: SVMSettings = field(default_factory=SVMSettings)
    box_regression: BoxRegressionSettings = field(default_factory=BoxRegressionSettings)
    cache_dtype: Literal["float16", "float32"] = "float32"
    """Number format of the feature cache on disk: ``float16`` halves it."""


def fit_linear_parts(detector: Any, trainer: Trainer[Any, Any], job: TrainingJob[Any]) -> Any:
    """Return `detector`, whose network `trainer` has trained, with SVMs and box regressors.

    Three parts: the features of every region are kept on disk, one SVM per class is trained on them with hard
    negative mining, one ridge regression per class learns to move boxes.
    """
    settings: LinearPartsSettings = job.settings
    progress = job.loop.progress
    cache = stage("features")(cache_features)(
        detector,
        trainer.photos,
        trainer.records,
        job.folder / "features",
        min_iou=settings.box_regression.min_iou,
        dtype=settings.cache_dtype,
        n_jobs=job.n_jobs,
        progress=progress,
    )
    mined = train_svms(cache, trainer.records, settings.svm, seed=settings.seed, progress=progress)
    regressors = train_box_regressors(
        cache, trainer.records, settings.box_regression, settings.svm.feature_norm
    )
    return dataclasses.replace(detector, svms=mined.svms, regressors=regressors)
