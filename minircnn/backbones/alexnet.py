"""AlexNet as Caffe's reference model has it, the network of R-CNN ("T-Net") and Fast R-CNN's model S."""

from __future__ import annotations

import numpy as np

from minircnn.backbones.base import BACKBONES, Backbone, Convolutions, FullyConnected, fully_connected
from minircnn.backbones.normalization import CAFFE
from minircnn.backbones.origins import ORIGINS, Origins
from minircnn.nn import Conv2d, Linear, LocalResponseNorm, MaxPool2d, ReLU, Sequential

ORIGINS["alexnet"] = Origins(inputs={"caffe": CAFFE})


@BACKBONES.register("alexnet")
def alexnet(
    *,
    rng: np.random.Generator | None = None,
    widths: tuple[int, ...] = (4096, 4096),
    dropout: float = 0.5,
    pooled_scale: float = 1.0,
    classifier: bool = False,
) -> Backbone:
    """Build AlexNet for crops of 227 pixels.

    This is "CaffeNet": like Krizhevsky et al. (2012) with conv2, conv4 and conv5 in two groups, but each
    max pooling comes *before* the local response normalisation (theirs: after). R-CNN and Fast R-CNN used
    this order. Pooling windows that stick out at the right and bottom count (Caffe).

    Parameters
    ----------
    rng : numpy.random.Generator, optional
        Draws He-normal weights; without it they are zero, to be loaded.
    widths : tuple of 1 or 2 ints
        Of fc6 and fc7; 4096 each in the paper. One width leaves fc7 out.
    dropout : float
        Rate after fc6 and fc7.
    pooled_scale : float
        Factor on pooled values before fc6: 1 for weights that came with the convolutions. Random weights
        learn best where it brings the map's values to about 1.
    classifier : bool
        Also build fc8 with 1000 classes.
    """
    features = Convolutions(
        conv1=Conv2d(3, 96, 11, stride=4, rng=rng),  # 227 -> 55
        relu1=ReLU(),
        pool1=MaxPool2d(3, 2, ceil_mode=True),  # 27
        norm1=LocalResponseNorm(),
        conv2=Conv2d(96, 256, 5, padding=2, groups=2, rng=rng),
        relu2=ReLU(),
        pool2=MaxPool2d(3, 2, ceil_mode=True),  # 13
        norm2=LocalResponseNorm(),
        conv3=Conv2d(256, 384, 3, padding=1, rng=rng),
        relu3=ReLU(),
        conv4=Conv2d(384, 384, 3, padding=1, groups=2, rng=rng),
        relu4=ReLU(),
        conv5=Conv2d(384, 256, 3, padding=1, groups=2, rng=rng),
        relu5=ReLU(),
    )
    head = fully_connected(widths, inputs=256 * 6 * 6, dropout=dropout, rng=rng, pooled_scale=pooled_scale)
    return Backbone(
        name="alexnet",
        features=features,
        last_pool=MaxPool2d(3, 2, ceil_mode=True),  # pool5: 6
        head=FullyConnected(**head),
        stride=16,
        channels=256,
        roi_size=6,
        feature_dim=widths[-1],
        crop_size=227,
        normalization=CAFFE,
        smallest_input=23,
        frozen=("conv1",),  # lr_mult 0 in Fast R-CNN's released models S and M
        classifier=Sequential(**head, fc8=Linear(widths[-1], 1000, rng=rng)) if classifier else None,
        options={
            "widths": widths,
            "dropout": dropout,
            "pooled_scale": pooled_scale,
            "classifier": classifier,
        },
    )
