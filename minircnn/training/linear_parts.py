"""Training in four parts, as R-CNN and SPP-net do: a network, its features, SVMs, box regressions."""

# No deferred annotations here: the command line reads inherited fields in the modules of the heirs.
import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from minircnn.arrays import Array
from minircnn.checks import instance, one_of, require
from minircnn.nn import softmax_cross_entropy
from minircnn.profiling import stage
from minircnn.training.box_regression import BoxRegressionSettings, train_box_regressors
from minircnn.training.checkpoint import CheckpointClock
from minircnn.training.feature_cache import cache_features
from minircnn.training.kept_part import KeptPart, part_key
from minircnn.training.recipe import TrainingJob
from minircnn.training.settings import GivenProposalsSettings, NetworkSettings, as_json
from minircnn.training.svms import SVMSettings, train_svms
from minircnn.training.trainer import Trainer


@dataclass(frozen=True)
class LinearPartsSettings(NetworkSettings, GivenProposalsSettings):
    """What decides the SVMs and the box regressions."""

    svm: SVMSettings = field(default_factory=SVMSettings)
    box_regression: BoxRegressionSettings = field(default_factory=BoxRegressionSettings)
    cache_dtype: Literal["float16", "float32"] = "float32"
    """Number format of the feature cache on disk: ``float16`` halves it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", svm=instance(SVMSettings), box_regression=instance(BoxRegressionSettings))
        require(self, "", cache_dtype=one_of("float16", "float32"))


def classification_gradients(network: Any, logits: Array, labels: Array) -> dict[str, float]:
    """Run `network` backward as a classifier, given what it returned forward; return the loss."""
    loss, d_logits = stage("loss")(softmax_cross_entropy)(logits, labels)
    stage("backward")(network.backward)(d_logits)
    return {"loss": loss}


def train_in_parts(trainer: Trainer[Any, Any], job: TrainingJob[Any]) -> Any:
    """Return the detector of four parts, made one after the other.

    The network is trained, its features of every region are kept on disk, one SVM per class is trained on
    them with hard negative mining, one ridge regression per class learns to move boxes.
    """
    trainer.train(job.loop)
    detector = trainer.detector(job.proposer)
    settings: LinearPartsSettings = job.settings
    progress, data = job.loop.progress, job.loop.data
    cache = stage("features")(cache_features)(
        detector,
        trainer.photos,
        trainer.records,
        job.folder / "features",
        min_iou=settings.box_regression.min_iou,
        dtype=settings.cache_dtype,
        n_jobs=job.n_jobs,
        progress=progress,
        digests=None if data is None else data.digests,
        trust_old=data is not None and data.adopted,
    )
    key = part_key(as_json(settings), detector.network_arrays(), trainer.records, cache)

    def keep(part: str) -> KeptPart:
        written = CheckpointClock(job.loop.checkpoint_seconds, job.loop.clock)
        return KeptPart(job.folder / f"{job.loop.name}.{part}.safetensors", key, written)

    mined = train_svms(
        cache, trainer.records, settings.svm, seed=settings.seed, progress=progress, keep=keep("svms")
    )
    regressors = train_box_regressors(
        cache,
        trainer.records,
        settings.box_regression,
        settings.svm.feature_norm,
        keep=keep("box-regressions"),
    )
    return dataclasses.replace(detector, svms=mined.svms, regressors=regressors)
