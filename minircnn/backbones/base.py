"""What a detector needs to know of a convolutional network: its parts, their sizes and its input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minircnn.arrays import Array
from minircnn.backbones.normalization import Normalization
from minircnn.nn import Dropout, Flatten, Layer, Linear, MaxPool2d, Parameter, ReLU, Scale, Sequential
from minircnn.nn.checks import require_whole
from minircnn.profiling import stage
from minircnn.registry import Registry


class Convolutions(Sequential):
    """The layers from photos to the map: one stage of a profile."""

    @stage("convolutions")
    def forward(self, x: Array) -> Array:
        """Return the map (N, C, ~H/stride, ~W/stride) of normalised photos (N, 3, H, W)."""
        return super().forward(x)

    @stage("convolutions")
    def backward(self, dy: Array) -> Array:
        """Run the layers' ``backward`` in reverse order."""
        return super().backward(dy)


class FullyConnected(Sequential):
    """The layers from pooled regions to their features: one stage of a profile."""

    @stage("fully connected")
    def forward(self, x: Array) -> Array:
        """Return the features (R, D) of pooled regions (R, C, P, P)."""
        return super().forward(x)

    @stage("fully connected")
    def backward(self, dy: Array) -> Array:
        """Run the layers' ``backward`` in reverse order."""
        return super().backward(dy)


@dataclass
class Backbone:
    """A convolutional network cut at its last max pooling, the place of RoI pooling.

    R-CNN runs ``head(last_pool(features(crops)))``; Fast R-CNN runs ``head(roi_pool(features(photo)))``
    with `last_pool` replaced (Fast R-CNN, section 2.2).

    Parameters
    ----------
    name : str
        As :func:`build_backbone` knows it.
    features : Sequential
        Photos (N, 3, H, W) -> map (N, channels, ~H/stride, ~W/stride).
    last_pool : MaxPool2d
        Map of a crop -> (N, channels, P, P).
    head : Sequential
        Pooled regions (R, channels, P, P) -> features (R, feature_dim); "fc6, fc7".
    stride : int
        Pixels of the photo per cell of the map.
    channels : int
        Of the map.
    roi_size : int
        P of RoI pooling. Where the head has fully connected layers it is also what `last_pool` makes of a
        crop of `crop_size`.
    feature_dim : int
    smallest_input : int
        Least side of a photo, in pixels, that still gives a map.
    crop_size : int
        Side of R-CNN's warped regions in pixels.
    normalization : Normalization
    frozen : tuple of str
        Layers of `features` that are usually kept when fine-tuning pre-trained weights.
    classifier : Sequential or None
        Pooled regions -> scores (R, 1000) of the classes the network was pre-trained on; shares the
        head's layers.
    options : mapping
        Plain values: ``build_backbone(name, **options)`` makes a network of the same shape and input.

    Raises
    ------
    ValueError
        If `roi_size` is no whole number of at least 1.
    """

    name: str
    features: Sequential
    last_pool: MaxPool2d
    head: Sequential
    stride: int
    channels: int
    roi_size: int
    feature_dim: int
    crop_size: int
    normalization: Normalization
    smallest_input: int = 1
    frozen: tuple[str, ...] = ()
    classifier: Sequential | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_whole(1, roi_size=self.roi_size)

    def describe(self) -> dict[str, Any]:
        """Return name and options, ready for JSON: ``build_backbone(name, **options)`` makes it again."""
        return {"name": self.name, "options": dict(self.options)}

    def forward(self, x: Array) -> Array:
        """Return the features (N, feature_dim) of crops `x` (N, 3, crop_size, crop_size)."""
        return self.head.forward(self.last_pool.forward(self.features.forward(x)))

    def classify(self, x: Array) -> Array:
        """Return scores (N, 1000), before any softmax, of crops `x` (N, 3, crop_size, crop_size).

        Raises
        ------
        ValueError
            If the backbone was built without ``classifier=True``.
        """
        if self.classifier is None:
            raise ValueError(f"backbone {self.name} has no classifier: build it with classifier=True")
        return self.classifier.forward(self.last_pool.forward(self.features.forward(x)))

    def parts(self) -> Iterator[Layer]:
        """Yield features, last pooling, head and, if there is one, the classifier."""
        yield from (self.features, self.last_pool, self.head)
        if self.classifier is not None:
            yield self.classifier

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield every parameter once, by layer name: ``conv1.weight``, ``fc6.bias``."""
        seen = set()
        for part in self.parts():
            for name, parameter in part.named_parameters():
                if name not in seen:
                    yield name, parameter
                seen.add(name)

    def train(self, mode: bool = True) -> None:
        """Switch all parts to training mode."""
        for part in self.parts():
            part.train(mode)

    def eval(self) -> None:
        """Switch all parts to evaluation mode."""
        self.train(False)


BACKBONES: Registry[Callable[..., Backbone]] = Registry("backbone")
"""Every backbone's builder by its name."""


def fully_connected(
    widths: tuple[int, ...],
    *,
    inputs: int,
    dropout: float,
    rng: np.random.Generator | None,
    pooled_scale: float = 1.0,
) -> dict[str, Layer]:
    """Return flatten, fc6, relu6, drop6, fc7, relu7, drop7 by name; without drop if `dropout` is 0.

    One width makes fc6 alone; none, or more than two, raise ValueError. A `pooled_scale` other than 1 puts
    a layer scale5 before fc6 that multiplies the pooled values by it.
    """
    if len(widths) not in (1, 2):
        raise ValueError(f"widths must be one or two numbers, those of fc6 and fc7, got {tuple(widths)}")
    layers: dict[str, Layer] = {"flatten": Flatten()}
    if pooled_scale != 1:
        layers["scale5"] = Scale(pooled_scale)
    for number, (size_in, size_out) in enumerate(zip((inputs, *widths), widths, strict=False), start=6):
        layers[f"fc{number}"] = Linear(size_in, size_out, rng=rng)
        layers[f"relu{number}"] = ReLU()
        if dropout:
            layers[f"drop{number}"] = Dropout(dropout)
    return layers
