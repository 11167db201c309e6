"""SqueezeNet 1.0 and 1.1: AlexNet's accuracy in five megabytes, without fully connected layers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from minircnn.backbones.base import BACKBONES, Backbone, Convolutions, FullyConnected, fully_connected
from minircnn.backbones.normalization import TORCHVISION, Normalization, Preset, preset
from minircnn.backbones.origins import ORIGINS, Origins
from minircnn.nn import Concat, Conv2d, GlobalAveragePool, Layer, MaxPool2d, ReLU, Sequential

_SQUEEZE = {2: 16, 3: 16, 4: 32, 5: 32, 6: 48, 7: 48, 8: 64, 9: 64}
"""Channels of each fire module's squeeze layer; each of its two expand layers has four times as many."""

_CAFFE_INPUT = Normalization("bgr", 1.0, (104.0, 117.0, 123.0))

_PARTS = {"squeeze1x1": "squeeze1x1", "expand1x1": "expand.expand1x1", "expand3x3": "expand.expand3x3"}
"""Layers of a fire module as Caffe's files have them (torchvision's: squeeze), and here."""


def _origins(places: tuple[int, ...], known: dict[str, Preset]) -> Origins:
    """Return what others call the layers; `places` are those of fire2..fire9 in torchvision's features."""
    names = {"features.0": "conv1", "classifier.1": "conv10"}
    for number, place in enumerate(places, start=2):
        for theirs, ours in _PARTS.items():
            names[f"fire{number}.{theirs}"] = f"fire{number}.{ours}"
            names[f"features.{place}.{theirs.replace('squeeze1x1', 'squeeze')}"] = f"fire{number}.{ours}"
    return Origins(names, {"caffe": _CAFFE_INPUT, "torchvision": TORCHVISION}, known)


ORIGINS["squeezenet1_0"] = _origins((3, 4, 5, 7, 8, 9, 10, 12), {"1cefbc74dbce76b0": "caffe"})
ORIGINS["squeezenet1_1"] = _origins((3, 4, 6, 7, 9, 10, 11, 12), {"3429a07656515382": "torchvision"})


def fire(inputs: int, squeeze: int, rng: np.random.Generator | None) -> Sequential:
    """Build a fire module: 1×1 to few channels, then 1×1 and 3×3 side by side (SqueezeNet, section 3.2)."""
    return Sequential(
        squeeze1x1=Conv2d(inputs, squeeze, 1, rng=rng),
        squeeze_relu=ReLU(),
        expand=Concat(
            expand1x1=Conv2d(squeeze, 4 * squeeze, 1, rng=rng),
            expand3x3=Conv2d(squeeze, 4 * squeeze, 3, padding=1, rng=rng),
        ),
        expand_relu=ReLU(),
    )


@BACKBONES.register("squeezenet1_0")
def squeezenet1_0(
    *,
    rng: np.random.Generator | None = None,
    widths: tuple[int, ...] = (),
    dropout: float = 0.5,
    pooled_scale: float = 0.1,
    roi_size: int = 7,
    classifier: bool = False,
    normalization: Preset = "caffe",
) -> Backbone:
    """Build SqueezeNet 1.0 (Iandola et al. 2016): features conv1..fire8, head fire9.

    With `widths` it takes the form of the papers' networks, as :func:`squeezenet1_1` does.

    Parameters
    ----------
    rng : numpy.random.Generator, optional
        Draws He-normal weights; without it they are zero, to be loaded.
    widths : tuple of up to 2 ints
        Of fc6 and fc7 behind fire9; empty: none.
    dropout : float
        Rate after fc6 and fc7.
    pooled_scale : float
        Factor on pooled values before fc6, whose random weights learn best from values of about 1; those of
        fire9's map are about 10 (1.0) and 8 (1.1).
    roi_size : int
        Any size will do without `widths`: the head ends in a global average.
    classifier : bool
        Also build conv10 with 1000 classes; padded by 1, as in the original definition. Not with `widths`.
    normalization : {"caffe", "torchvision"}
        Whose weights are used: theirs want different inputs.
    """
    stem = {"conv1": Conv2d(3, 96, 7, stride=2, rng=rng)}
    whole = _squeezenet("squeezenet1_0", stem, 96, (1, 4, 8), roi_size, classifier, 1, normalization, rng)
    return _cut_after_fire9(whole, widths, dropout, pooled_scale, rng) if widths else whole


@BACKBONES.register("squeezenet1_1")
def squeezenet1_1(
    *,
    rng: np.random.Generator | None = None,
    widths: tuple[int, ...] = (),
    dropout: float = 0.5,
    pooled_scale: float = 0.1,
    roi_size: int = 7,
    classifier: bool = False,
    normalization: Preset = "torchvision",
) -> Backbone:
    """Build SqueezeNet 1.1, 2.4 times less computation than 1.0: features conv1..fire5, head fire6..fire9.

    With `widths` it takes the form of the papers' networks instead: all convolutions see the whole photo
    (features conv1..fire9, stride 16), and the head is fully connected and new. A region then costs a small
    matrix product instead of four fire modules.

    Parameters
    ----------
    rng : numpy.random.Generator, optional
        Draws He-normal weights; without it they are zero, to be loaded.
    widths : tuple of up to 2 ints
        Of fc6 and fc7 behind fire9; empty: none.
    dropout : float
        Rate after fc6 and fc7.
    pooled_scale : float
        Factor on pooled values before fc6, whose random weights learn best from values of about 1; those of
        fire9's map are about 10 (1.0) and 8 (1.1).
    roi_size : int
        Any size will do without `widths`: the head ends in a global average.
    classifier : bool
        Also build conv10 with 1000 classes. Not with `widths`.
    normalization : {"caffe", "torchvision"}
        Whose weights are used: theirs want different inputs.
    """
    stem = {"conv1": Conv2d(3, 64, 3, stride=2, rng=rng)}
    whole = _squeezenet("squeezenet1_1", stem, 64, (1, 3, 5), roi_size, classifier, 0, normalization, rng)
    return _cut_after_fire9(whole, widths, dropout, pooled_scale, rng) if widths else whole


def _squeezenet(
    name: str,
    stem: dict[str, Conv2d],
    inputs: int,
    pool_after: tuple[int, int, int],
    roi_size: int,
    classifier: bool,
    conv10_padding: int,
    normalization: Preset,
    rng: np.random.Generator | None,
) -> Backbone:
    """Build either version; `pool_after` numbers the layers followed by a max pooling, the last one RoI's."""
    first, second, last = pool_after
    features: dict[str, Layer] = {**stem, "relu1": ReLU(), f"pool{first}": MaxPool2d(3, 2, ceil_mode=True)}
    head: dict[str, Layer] = {}
    channels = 0
    for number, squeeze in _SQUEEZE.items():
        (features if number <= last else head)[f"fire{number}"] = fire(inputs, squeeze, rng)
        inputs = 8 * squeeze
        if number == second:
            features[f"pool{number}"] = MaxPool2d(3, 2, ceil_mode=True)
        if number == last:
            channels = inputs
    scores = None
    if classifier:
        conv10 = Conv2d(inputs, 1000, 1, padding=conv10_padding, rng=rng)
        scores = Sequential(**head, conv10=conv10, relu10=ReLU(), pool10=GlobalAveragePool())
    return Backbone(
        name=name,
        features=Convolutions(**features),
        last_pool=MaxPool2d(3, 2, ceil_mode=True),
        head=FullyConnected(**head, average=GlobalAveragePool()),
        stride=8,
        channels=channels,
        roi_size=roi_size,
        feature_dim=inputs,
        crop_size=227 if name == "squeezenet1_0" else 224,
        normalization=_CAFFE_INPUT if normalization == "caffe" else preset(normalization),
        smallest_input=13 if name == "squeezenet1_0" else 9,
        frozen=(
            "conv1",
            *(f"fire{n}" for n in _SQUEEZE if n <= second),
        ),  # up to the second pooling, as VGG16
        classifier=scores,
        options={"roi_size": roi_size, "classifier": classifier, "normalization": normalization},
    )


def _cut_after_fire9(
    whole: Backbone,
    widths: tuple[int, ...],
    dropout: float,
    pooled_scale: float,
    rng: np.random.Generator | None,
) -> Backbone:
    """Return `whole` cut where its convolutions end, with fully connected layers of `widths` as its head.

    Raises
    ------
    ValueError
        If it has a classifier, whose input the fully connected layers would replace, or `roi_size` is larger
        than the map of a crop.
    """
    if whole.classifier is not None:
        raise ValueError(f"{whole.name} has its classifier behind fire9: leave widths or classifier away")
    side, size = 13, whole.roi_size  # of the map of a crop, and of what the last pooling makes of it
    if size > side:
        raise ValueError(f"roi_size must be at most {side} with widths, got {size}")
    layers: dict[str, Any] = dict(whole.features.children())
    layers[list(layers)[-1].replace("fire", "pool")] = whole.last_pool
    layers |= {name: layer for name, layer in whole.head.children() if name.startswith("fire")}
    channels = 8 * _SQUEEZE[9]
    step = side // size
    head = fully_connected(
        widths, inputs=channels * size**2, dropout=dropout, rng=rng, pooled_scale=pooled_scale
    )
    options = {"widths": widths, "dropout": dropout, "pooled_scale": pooled_scale, **whole.options}
    return dataclasses.replace(
        whole,
        features=Convolutions(**layers),
        last_pool=MaxPool2d(side - (size - 1) * step, step),
        head=FullyConnected(**head),
        stride=16,
        channels=channels,
        feature_dim=widths[-1],
        smallest_input=21 if whole.name == "squeezenet1_0" else 17,
        options=options,
    )
