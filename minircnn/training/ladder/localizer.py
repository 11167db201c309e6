"""One label with one box: a localizer in the manner of OverFeat (Sermanet et al. 2014), small."""

# No deferred annotations here: settings are read field by field.
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minircnn.arrays import Array, HostArray, to_host
from minircnn.backbones import build_backbone
from minircnn.boxes import clip_boxes
from minircnn.checks import checked, real, require
from minircnn.checks import class_names as rule_of_names
from minircnn.nn import Conv2d, MaxPool2d, Module, ReLU, Sequential, l2_loss, pixel_cross_entropy, softmax
from minircnn.scene import VOID
from minircnn.structures import Annotations, Detections, FloatArray, ImageArray, IntArray
from minircnn.training.ladder.fitting import LadderSettings, SceneDataset, fit, loop_of
from minircnn.training.settings import SolverSettings

_UNIT = 32.0
"""Pixels that a distance of 1 stands for."""


class Localizer(Module):
    """The ``tiny`` backbone's convolutions on a whole photo, and at each place a class and a box.

    As in OverFeat, what a classifier does with one window is done at all places at once, by convolutions:
    each place sees 62 pixels of the photo, scores the classes, and says how far away the four sides are of
    the box that it lies in. The places vote for the one label: an object that covers more of them has more
    votes, so the largest tends to win. Its box is that of its most certain place; OverFeat merges those of
    many.

    Parameters
    ----------
    class_names : tuple of str
        The K classes; the scores have K + 1 channels, background first.
    rng : numpy.random.Generator, optional
        Draws the weights; without it they are zeros, to be loaded.
    width : int
        Channels of fc6.
    """

    def __init__(
        self, class_names: tuple[str, ...], *, rng: np.random.Generator | None = None, width: int = 96
    ) -> None:
        self.class_names: tuple[str, ...] = checked("class_names", class_names, rule_of_names)
        backbone = build_backbone("tiny", rng=rng)
        self.normalization = backbone.normalization
        self.features = backbone.features
        self.trunk = Sequential(
            pool=MaxPool2d(2, ceil_mode=True),
            fc6=Conv2d(backbone.channels, width, 5, padding=2, rng=rng),
            relu6=ReLU(),
        )
        self.cls_score = Conv2d(width, len(class_names) + 1, 1, rng=rng, std=0.01)
        self.bbox_pred = Conv2d(width, 4, 1, rng=rng, std=0.001)
        self.bbox_pred.bias.data = np.full(4, 0.75, dtype=np.float32)  # a box 48 pixels wide

    def prepare_training(self, *, input_grad: bool = False) -> None:
        """Enter training mode; everything above the convolutions hands its gradient down."""
        super().prepare_training(input_grad=input_grad)
        self.features.prepare_training(input_grad=input_grad)
        for part in (self.trunk, self.cls_score, self.bbox_pred):
            part.prepare_training(input_grad=True)

    def forward(self, x: Array) -> tuple[Array, Array]:
        """Return scores (N, K+1, h, w) and distances to the sides (N, 4, h, w) of photos (N, 3, H, W)."""
        fc6 = self.trunk(self.features(x))  # (N, D, h, w), a place for 8 × 8 pixels
        return self.cls_score(fc6), self.bbox_pred(fc6)

    def backward(self, d_scores: Array, d_distances: Array) -> Array:
        """Accumulate the parameters' gradients, given those of both outputs."""
        d_fc6 = self.cls_score.backward(d_scores) + self.bbox_pred.backward(d_distances)
        return self.features.backward(self.trunk.backward(d_fc6))

    def locate(self, image: ImageArray, limit: int = 5) -> Detections:
        """Return the best `limit` classes for a photo (H, W, 3), best first, each at its most certain place.

        The scores are shares of the votes. An answer comes in every case, also where there is nothing.
        """
        self.eval()
        scores, distances = (to_host(y)[0] for y in self.forward(self.normalization.apply(image)))
        height, width = image.shape[:2]
        by_place = scores.reshape(len(scores), -1).T  # (P, K+1)
        probabilities = to_host(softmax(by_place))[:, 1:]  # (P, K)
        places = probabilities.argmax(axis=0)  # (K,)
        votes = probabilities.sum(axis=0)  # (K,)
        best = np.argsort(-votes, kind="stable")[:limit]
        centres = place_centres(height, width, scores.shape[1:]).reshape(-1, 2)[places[best]]
        reach = _UNIT * distances.reshape(4, -1).T[places[best]]
        ends = np.stack([centres - reach[:, :2], centres + reach[:, 2:]])  # (2, R, 2)
        boxes = np.concatenate([ends.min(axis=0), ends.max(axis=0)], axis=1)
        shares = votes[best] / votes.sum()
        return Detections(clip_boxes(boxes, height, width), shares, best + 1, self.class_names)


def place_centres(height: int, width: int, places: tuple[int, int]) -> FloatArray:
    """Return x and y (h, w, 2) of the centres of a map's places on a photo, in pixels."""
    y = (np.arange(places[0]) + 0.5) * height / places[0]
    x = (np.arange(places[1]) + 0.5) * width / places[1]
    return np.stack(np.meshgrid(x, y), axis=2)


def place_targets(truth: Annotations, places: tuple[int, int]) -> tuple[IntArray, FloatArray]:
    """Return what each place of a map is to say: its class (h, w) and the distances (4, h, w) to the sides.

    Places inside a box are of its class, of several boxes the smallest; all others are background. Those in
    the box of a difficult object are void.
    """
    labels = np.zeros(places, dtype=np.int64)
    distances = np.zeros((4, *places), dtype=np.float32)
    centres = place_centres(truth.height, truth.width, places)
    sizes = (truth.boxes[:, 2:] - truth.boxes[:, :2]).prod(axis=1)
    for g in np.argsort(-sizes, kind="stable"):  # smaller ones over larger ones
        box = truth.boxes[g]
        sides = np.concatenate([centres - box[:2], box[2:] - centres], axis=2)  # (h, w, 4)
        inside = (sides > 0).all(axis=2)
        labels[inside] = VOID if truth.difficult[g] else truth.labels[g]
        distances[:, inside] = sides[inside].T / _UNIT
    return labels, distances


@dataclass(frozen=True)
class LocalizerSettings(LadderSettings):
    """What decides the training of a localizer."""

    solver: SolverSettings = field(
        default_factory=lambda: SolverSettings(iterations=700, learning_rate=0.02, step=525, clip_norm=10.0)
    )
    """How the network is updated. With a larger rate the box swings about the right one."""
    bbox_loss_weight: float = 1.0
    """How much the distances count beside the class."""

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
    """Train a localizer: every object teaches its places what it is and where it ends.

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
    names = dataset.scene(0).objects().class_names  # of things alone
    network = Localizer(names, rng=rng, width=settings.width)
    if convolutions is not None:
        network.features.load_state_dict(convolutions.state_dict())
    weights = settings.class_weights(len(names))

    def step(index: int) -> dict[str, float]:
        scores, distances = network.forward(network.normalization.apply(dataset.image(index)))
        labels, targets = place_targets(dataset.scene(index).objects(), scores.shape[2:])
        classification, d_scores = pixel_cross_entropy(scores, labels[None], weights=weights)
        localization, d_distances = _box_loss(distances, (labels > 0) & (labels != VOID), targets)
        weight = settings.bbox_loss_weight
        network.backward(d_scores / settings.images, d_distances * (weight / settings.images))
        loss = classification + weight * localization
        return {"loss": loss, "classification": classification, "localization": localization}

    fit(network, dataset, settings, step, rng, loop_of("localizer", folder, resume, progress))
    return network


def _box_loss(distances: Array, inside: HostArray, targets: FloatArray) -> tuple[float, Array]:
    """Return the mean L2 loss of the places `inside` (h, w) an object, and its gradient (1, 4, h, w)."""
    asked, targets = (np.where(inside, d, 0).astype(distances.dtype) for d in (distances, targets))
    count = max(int(inside.sum()), 1)
    loss, slope = l2_loss(asked, targets[None])
    return loss / count, slope / count
