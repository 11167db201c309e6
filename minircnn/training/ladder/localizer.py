"""One label with one box: a localizer in the manner of OverFeat (Sermanet et al. 2014), small."""

# No deferred annotations here: settings are read field by field.
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.backbones import build_backbone
from minircnn.boxes import clip_boxes
from minircnn.checks import checked, real, require
from minircnn.checks import class_names as rule_of_names
from minircnn.nn import Linear, Module, RoIPool, l2_loss, softmax, softmax_cross_entropy
from minircnn.structures import Annotations, Detections, FloatArray, ImageArray
from minircnn.training.ladder.fitting import LadderSettings, SceneDataset, fit, loop_of
from minircnn.training.settings import SolverSettings


class Localizer(Module):
    """The ``tiny`` network on a whole photo, with two outputs: a score for each class, and one box.

    The photo's map is pooled to 6 × 6 cells, so that a photo of any size will do. The box is that of the
    largest object, its corners in shares of the photo's sides; one box serves all classes, and there is never
    a second one.

    Parameters
    ----------
    class_names : tuple of str
        The K classes. There is no background: a localizer names something in every photo.
    rng : numpy.random.Generator, optional
        Draws the weights; without it they are zeros, to be loaded.
    """

    def __init__(self, class_names: tuple[str, ...], *, rng: np.random.Generator | None = None) -> None:
        self.class_names: tuple[str, ...] = checked("class_names", class_names, rule_of_names)
        backbone = build_backbone("tiny", rng=rng)
        self.normalization = backbone.normalization
        self.features = backbone.features
        self.pool = RoIPool((backbone.roi_size, backbone.roi_size), 1 / backbone.stride)
        self.head = backbone.head
        self.cls_score = Linear(backbone.feature_dim, len(class_names), rng=rng, std=0.01)
        self.bbox_pred = Linear(backbone.feature_dim, 4, rng=rng, std=0.001)
        self.bbox_pred.bias.data = np.array([0.25, 0.25, 0.75, 0.75], dtype=np.float32)  # the middle

    def prepare_training(self, *, input_grad: bool = False) -> None:
        """Enter training mode; everything above the convolutions hands its gradient down."""
        super().prepare_training(input_grad=input_grad)
        self.features.prepare_training(input_grad=input_grad)
        for part in (self.pool, self.head, self.cls_score, self.bbox_pred):
            part.prepare_training(input_grad=True)

    def forward(self, x: Array) -> tuple[Array, Array]:
        """Return class scores (N, K) and boxes (N, 4), in shares of the sides, of photos (N, 3, H, W)."""
        height, width = x.shape[2:]
        everything = np.tile(np.array([[0, 0, width, height]], dtype=np.float32), (len(x), 1))
        pooled = self.pool(self.features(x), everything, np.arange(len(x)))
        fc7 = self.head(pooled)  # (N, D)
        return self.cls_score(fc7), self.bbox_pred(fc7)

    def backward(self, d_scores: Array, d_boxes: Array) -> Array:
        """Accumulate the parameters' gradients, given those of both outputs."""
        d_fc7 = self.cls_score.backward(d_scores) + self.bbox_pred.backward(d_boxes)
        return self.features.backward(self.pool.backward(self.head.backward(d_fc7)))

    def locate(self, image: ImageArray, limit: int = 5) -> Detections:
        """Return the best `limit` classes for a photo (H, W, 3), best first, all with the one box.

        The scores are probabilities. An answer comes in every case, also where there is nothing.
        """
        self.eval()
        scores, boxes = self.forward(self.normalization.apply(image))
        height, width = image.shape[:2]
        low_high = np.sort(to_host(boxes)[0].reshape(2, 2), axis=0).reshape(
            4
        )  # a corner may lie beyond the other
        box = clip_boxes(low_high[None] * np.array([width, height, width, height]), height, width)
        probabilities = to_host(softmax(scores))[0]
        best = np.argsort(-probabilities, kind="stable")[:limit]
        return Detections(np.repeat(box, len(best), axis=0), probabilities[best], best + 1, self.class_names)


@dataclass(frozen=True)
class LocalizerSettings(LadderSettings):
    """What decides the training of a localizer."""

    solver: SolverSettings = field(
        default_factory=lambda: SolverSettings(iterations=400, learning_rate=0.01, step=300, clip_norm=10.0)
    )
    """How the network is updated. A larger rate makes the box swing about the right one."""
    bbox_loss_weight: float = 2.0
    """How much the box counts beside the class."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", bbox_loss_weight=real(0))


def train_localizer(
    dataset: SceneDataset,
    settings: LocalizerSettings | None = None,
    folder: str | Path | None = None,
    *,
    convolutions: Module | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Localizer:
    """Train a localizer on the largest object of each photo; photos without one teach nothing.

    Parameters
    ----------
    dataset : SceneDataset
    settings : LocalizerSettings, optional
    folder : str or Path, optional
        Receives ``localizer.log.jsonl`` and a checkpoint; None writes nothing.
    convolutions : Module, optional
        Begin with the weights of these, ``segmenter.features`` or those of a detector; default: with random
        ones.
    resume : bool
        Go on from the checkpoint in `folder`, if there is one.
    progress : bool
        Show a bar.

    Raises
    ------
    TrainingInterrupted
        On Ctrl-C, after the checkpoint is written.
    """
    settings = settings or LocalizerSettings()
    rng = np.random.default_rng(settings.seed)
    network = Localizer(dataset.class_names, rng=rng)
    if convolutions is not None:
        network.features.load_state_dict(convolutions.state_dict())

    def step(index: int) -> dict[str, float]:
        truth = dataset.scene(index).largest()
        scores, boxes = network.forward(network.normalization.apply(dataset.image(index)))
        if not len(truth):
            network.backward(scores * 0, boxes * 0)
            return {"loss": 0.0, "classification": 0.0, "localization": 0.0}
        classification, d_scores = softmax_cross_entropy(scores, truth.labels - 1)
        localization, d_boxes = l2_loss(boxes, relative_box(truth))
        weight = settings.bbox_loss_weight
        network.backward(d_scores / settings.images, d_boxes * (weight / settings.images))
        loss = classification + weight * localization
        return {"loss": loss, "classification": classification, "localization": localization}

    fit(network, dataset, settings, step, rng, loop_of("localizer", folder, resume, progress))
    return network


def relative_box(truth: Annotations) -> FloatArray:
    """Return the boxes (G, 4) in shares of the photo's sides, float32."""
    sides = np.array([truth.width, truth.height, truth.width, truth.height])
    relative: FloatArray = (truth.boxes / sides).astype(np.float32)
    return relative
