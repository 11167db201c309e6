"""AlexNet as torchvision has it: one group, no response normalization, fewer channels."""

from __future__ import annotations

import numpy as np

from minircnn.backbones.base import BACKBONES, Backbone, Convolutions, FullyConnected, fully_connected
from minircnn.backbones.normalization import TORCHVISION
from minircnn.backbones.origins import ORIGINS, Origins
from minircnn.nn import Conv2d, Dropout, Layer, Linear, MaxPool2d, ReLU, Sequential

ORIGINS["alexnet_torchvision"] = Origins(
    names={
        **{f"features.{i}": f"conv{n}" for n, i in enumerate((0, 3, 6, 8, 10), start=1)},
        **{f"classifier.{i}": f"fc{n}" for n, i in enumerate((1, 4, 6), start=6)},
    },
    inputs={"torchvision": TORCHVISION},
)


@BACKBONES.register("alexnet_torchvision")
def alexnet_torchvision(
    *,
    rng: np.random.Generator | None = None,
    widths: tuple[int, ...] = (4096, 4096),
    dropout: float = 0.5,
    pooled_scale: float = 1.0,
    roi_size: int = 6,
    classifier: bool = False,
) -> Backbone:
    """Build torchvision's AlexNet, which follows Krizhevsky, "One weird trick …" (2014).

    Its weights do not fit Caffe's AlexNet, nor Caffe's this one. Pooling windows that stick out do not count.

    Parameters
    ----------
    rng : numpy.random.Generator, optional
        Draws He-normal weights; without it they are zero, to be loaded.
    widths : tuple of 1 or 2 ints
        Of fc6 and fc7; 4096 each in torchvision. One width leaves fc7 out.
    dropout : float
        Rate before each fully connected layer but the last one.
    pooled_scale : float
        Factor on pooled values before fc6: 1 for weights that came with the convolutions. Random weights
        learn best where it brings the map's values to about 1.
    roi_size : int
        6 in torchvision; crops are ``32 · (roi_size + 1)`` pixels wide.
    classifier : bool
        Also build fc8 with 1000 classes.
    """
    features = Convolutions(
        conv1=Conv2d(3, 64, 11, stride=4, padding=2, rng=rng),  # 224 -> 55
        relu1=ReLU(),
        pool1=MaxPool2d(3, 2),  # 27
        conv2=Conv2d(64, 192, 5, padding=2, rng=rng),
        relu2=ReLU(),
        pool2=MaxPool2d(3, 2),  # 13
        conv3=Conv2d(192, 384, 3, padding=1, rng=rng),
        relu3=ReLU(),
        conv4=Conv2d(384, 256, 3, padding=1, rng=rng),
        relu4=ReLU(),
        conv5=Conv2d(256, 256, 3, padding=1, rng=rng),
        relu5=ReLU(),
    )
    head = _dropped_before(
        fully_connected(
            widths, inputs=256 * roi_size**2, dropout=dropout, rng=rng, pooled_scale=pooled_scale
        ),
        dropout,
    )
    return Backbone(
        name="alexnet_torchvision",
        features=features,
        last_pool=MaxPool2d(3, 2),  # pool5: 6
        head=FullyConnected(**head),
        stride=16,
        channels=256,
        roi_size=roi_size,
        feature_dim=widths[-1],
        crop_size=32 * (roi_size + 1),
        normalization=TORCHVISION,
        smallest_input=31,
        frozen=("conv1",),  # as Caffe's
        classifier=Sequential(**head, fc8=Linear(widths[-1], 1000, rng=rng)) if classifier else None,
        options={
            "widths": widths,
            "dropout": dropout,
            "pooled_scale": pooled_scale,
            "roi_size": roi_size,
            "classifier": classifier,
        },
    )


def _dropped_before(layers: dict[str, Layer], dropout: float) -> dict[str, Layer]:
    """Return the fully connected layers with each dropout before its layer, as torchvision has them."""
    if not dropout:
        return layers
    flatten, *between, _ = layers
    moved = {"drop5": Dropout(dropout)} | {name: layers[name] for name in between}
    return {flatten: layers[flatten], **moved}
