"""VGG16, R-CNN's "O-Net" and Fast R-CNN's model L."""

from __future__ import annotations

import numpy as np

from minircnn.backbones.base import BACKBONES, Backbone, Convolutions, FullyConnected, fully_connected
from minircnn.backbones.normalization import PRESETS, Preset, preset
from minircnn.backbones.origins import ORIGINS, Origins
from minircnn.nn import Conv2d, Layer, Linear, MaxPool2d, ReLU, Sequential

_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and number of convolutions of each block."""

_TORCHVISION = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
"""Places of the convolutions in torchvision's ``features``."""

ORIGINS["vgg16"] = Origins(
    names={
        **{
            f"features.{i}": name
            for i, name in zip(
                _TORCHVISION,
                (f"conv{b}_{n}" for b, (_, count) in enumerate(_BLOCKS, 1) for n in range(1, count + 1)),
                strict=True,
            )
        },
        **{f"classifier.{i}": f"fc{n}" for n, i in enumerate((0, 3, 6), start=6)},
    },
    inputs=PRESETS,
    known={"779fbfe0925d260e": "torchvision"},
)


@BACKBONES.register("vgg16")
def vgg16(
    *,
    rng: np.random.Generator | None = None,
    widths: tuple[int, ...] = (4096, 4096),
    dropout: float = 0.5,
    pooled_scale: float = 1.0,
    roi_size: int = 7,
    classifier: bool = False,
    normalization: Preset = "caffe",
) -> Backbone:
    """Build VGG16 (Simonyan and Zisserman 2015, configuration D).

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
    roi_size : int
        7 in the paper; crops are ``32 · roi_size`` pixels wide.
    classifier : bool
        Also build fc8 with 1000 classes.
    normalization : {"caffe", "torchvision"}
        Whose weights are used: theirs want different inputs.
    """
    layers: dict[str, Layer] = {}
    inputs = 3
    for block, (channels, count) in enumerate(_BLOCKS, start=1):
        for number in range(1, count + 1):
            layers[f"conv{block}_{number}"] = Conv2d(inputs, channels, 3, padding=1, rng=rng)
            layers[f"relu{block}_{number}"] = ReLU()
            inputs = channels
        if block < len(_BLOCKS):
            layers[f"pool{block}"] = MaxPool2d(2, ceil_mode=True)
    head = fully_connected(
        widths, inputs=inputs * roi_size**2, dropout=dropout, rng=rng, pooled_scale=pooled_scale
    )
    return Backbone(
        name="vgg16",
        features=Convolutions(**layers),
        last_pool=MaxPool2d(2, ceil_mode=True),  # pool5
        head=FullyConnected(**head),
        stride=16,
        channels=inputs,
        roi_size=roi_size,
        feature_dim=widths[-1],
        crop_size=32 * roi_size,
        normalization=preset(normalization),
        frozen=("conv1_1", "conv1_2", "conv2_1", "conv2_2"),  # Fast R-CNN, section 4.5
        classifier=Sequential(**head, fc8=Linear(widths[-1], 1000, rng=rng)) if classifier else None,
        options={
            "widths": widths,
            "dropout": dropout,
            "pooled_scale": pooled_scale,
            "roi_size": roi_size,
            "classifier": classifier,
            "normalization": normalization,
        },
    )
