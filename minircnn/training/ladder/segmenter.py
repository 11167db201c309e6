"""A class for every pixel: a fully convolutional network in the manner of Long et al. (2015), small."""

# No deferred annotations here: settings are read field by field.
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minircnn.arrays import Array, array_namespace, to_host
from minircnn.backbones import build_backbone
from minircnn.checks import checked
from minircnn.checks import class_names as rule_of_names
from minircnn.nn import Conv2d, MaxPool2d, Module, ReLU, Sequential, UpsampleBilinear, pixel_cross_entropy
from minircnn.structures import ImageArray
from minircnn.training.ladder.fitting import LadderSettings, SceneDataset, fit, loop_of


class Segmenter(Module):
    """The ``tiny`` backbone's convolutions, two 1×1 convolutions that score classes, and up-sampling.

    The scores of a coarse map, whose cells see 62 pixels of the photo, are up-sampled and added to those of
    the fine map, whose cells see 26: what it is comes from afar, where it ends from near (section 4.2 of the
    paper). The sum is up-sampled to the photo's size. fc6 is a convolution here, so that a photo of any size
    will do.

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
        columns = len(class_names) + 1
        self.coarse = Sequential(
            pool=MaxPool2d(2, ceil_mode=True),
            fc6=Conv2d(backbone.channels, width, 5, padding=2, rng=rng),
            relu6=ReLU(),
            score=Conv2d(width, columns, 1, rng=rng, std=0.01),
        )
        self.fine = Conv2d(backbone.channels, columns, 1, rng=rng, std=0.01)
        self._resizers: tuple[UpsampleBilinear, UpsampleBilinear] | None = None

    def prepare_training(self, *, input_grad: bool = False) -> None:
        """Enter training mode; the convolutions below get the gradients of both heads."""
        super().prepare_training(input_grad=input_grad)
        self.features.prepare_training(input_grad=input_grad)
        for head in (self.coarse, self.fine):
            head.prepare_training(input_grad=True)

    def forward(self, x: Array) -> Array:
        """Return the scores (N, K+1, H, W) of normalised photos (N, 3, H, W)."""
        fine = self.features(x)  # (N, C, ~H/4, ~W/4)
        double, whole_photo = UpsampleBilinear(fine.shape[2:]), UpsampleBilinear(x.shape[2:])
        self._resizers = (double, whole_photo) if self.training else None
        return whole_photo(self.fine(fine) + double(self.coarse(fine)))

    def backward(self, dy: Array) -> Array:
        """Accumulate the parameters' gradients, given `dy` = dLoss/dscores (N, K+1, H, W)."""
        double, whole_photo = self.kept(self._resizers)
        d_scores = whole_photo.backward(dy)
        d_map = self.fine.backward(d_scores) + self.coarse.backward(double.backward(d_scores))
        return self.features.backward(d_map)

    def class_map(self, image: ImageArray) -> ImageArray:
        """Return the best class of every pixel of a photo (H, W, 3): (H, W) uint8, 0 background, 1..K."""
        self.eval()
        scores = self.forward(self.normalization.apply(image))
        xp = array_namespace(scores)
        return to_host(xp.argmax(scores[0], axis=0)).astype(np.uint8)


@dataclass(frozen=True)
class SegmenterSettings(LadderSettings):
    """What decides the training of a segmenter."""


def train_segmenter(
    dataset: SceneDataset,
    settings: SegmenterSettings | None = None,
    folder: str | Path | None = None,
    *,
    convolutions: Module | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Segmenter:
    """Train a segmenter on photos known pixel by pixel.

    Parameters
    ----------
    dataset : SceneDataset
    settings : SegmenterSettings, optional
    folder : str or Path, optional
        Receives ``segmenter.log.jsonl`` and a checkpoint; None writes nothing.
    convolutions : Module, optional
        Begin with the weights of these, those of a detector say (``detector.network.features``), as the paper
        begins with a classifier's. Default: with random ones.
    resume : bool
        Go on from the checkpoint in `folder`, if there is one.
    progress : bool
        Show a bar.

    Raises
    ------
    TrainingInterrupted
        On Ctrl-C, after the checkpoint is written.
    """
    settings = settings or SegmenterSettings()
    rng = np.random.default_rng(settings.seed)
    names = dataset.scene(0).class_names
    network = Segmenter(names, rng=rng, width=settings.width)
    if convolutions is not None:
        network.features.load_state_dict(convolutions.state_dict())
    weights = settings.class_weights(len(names))

    def step(index: int) -> dict[str, float]:
        image, labels = dataset.image(index), dataset.scene(index).class_map()
        scores = network.forward(network.normalization.apply(image))
        loss, slopes = pixel_cross_entropy(scores, labels[None], weights=weights)
        network.backward(slopes / settings.images)
        return {"loss": loss}

    fit(network, dataset, settings, step, rng, loop_of("segmenter", folder, resume, progress))
    return network
