"""A small network that trains from random weights in minutes on two processor cores."""

from __future__ import annotations

import numpy as np

from minircnn.backbones.base import BACKBONES, Backbone, Convolutions, FullyConnected, fully_connected
from minircnn.backbones.normalization import Normalization
from minircnn.nn import Conv2d, Layer, MaxPool2d, ReLU

_INPUT = Normalization("rgb", 1 / 255, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


@BACKBONES.register("tiny")
def tiny(
    *,
    rng: np.random.Generator | None = None,
    channels: tuple[int, int, int, int] = (16, 32, 64, 64),
    widths: tuple[int, ...] = (128, 128),
    dropout: float = 0.0,
    roi_size: int = 6,
) -> Backbone:
    """Build four 3×3 convolutions with two max poolings between them, stride 4, and two small fc layers.

    About 0.2 million parameters in the convolutions and ``roi_size² · channels[3] · widths[0]`` in fc6;
    5,000 multiplications per pixel of the photo.

    Parameters
    ----------
    rng : numpy.random.Generator, optional
        Draws He-normal weights; without it they are zero, to be loaded.
    channels : tuple of 4 ints
        Of conv1..conv4.
    widths : tuple of 1 or 2 ints
        Of fc6 and fc7.
    dropout : float
        Rate after fc6 and fc7.
    roi_size : int
        Crops are ``8 · roi_size`` pixels wide, so that `last_pool` and RoI pooling give the same size.

    Raises
    ------
    ValueError
        If there are not four channels and one or two widths, or a number is impossible.
    """
    if len(channels) != 4:
        raise ValueError(f"channels must be four numbers, those of conv1..conv4, got {channels}")
    layers: dict[str, Layer] = {}
    for number, (inputs, outputs) in enumerate(zip((3, *channels), channels, strict=False), start=1):
        layers[f"conv{number}"] = Conv2d(inputs, outputs, 3, padding=1, rng=rng)
        layers[f"relu{number}"] = ReLU()
        if number <= 2:
            layers[f"pool{number}"] = MaxPool2d(2, ceil_mode=True)
    head = fully_connected(widths, inputs=channels[3] * roi_size**2, dropout=dropout, rng=rng)
    return Backbone(
        name="tiny",
        features=Convolutions(**layers),
        last_pool=MaxPool2d(2, ceil_mode=True),
        head=FullyConnected(**head),
        stride=4,
        channels=channels[3],
        roi_size=roi_size,
        feature_dim=widths[-1],
        crop_size=8 * roi_size,
        normalization=_INPUT,
        options={"channels": channels, "widths": widths, "dropout": dropout, "roi_size": roi_size},
    )
