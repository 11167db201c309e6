"""What detectors with a network share: where it runs, how it is compressed, moved and stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minircnn.arrays import Array, HostArray, like
from minircnn.backbones import BACKBONES, Normalization, build_backbone
from minircnn.checks import checked, class_names, entry_of, instance, mapping, require
from minircnn.detectors.base import RegionDetector, SeenAs
from minircnn.detectors.image_scale import ImageScale, at_least
from minircnn.heads import compress
from minircnn.imaging import as_image
from minircnn.nn import Linear, Module, Sequential
from minircnn.profiling import stage
from minircnn.structures import ImageArray


class RegionNetwork(Module):
    """The network of a detector: convolutional features, a pooling to one size, fully connected layers.

    Attributes
    ----------
    description : dict
        Of the backbone: :func:`build_backbone` makes it again.
    smallest_input : int
        Pixels below which a side of a photo leaves the convolutions nothing.
    features : Sequential
    head : Sequential
    """

    description: dict[str, Any]
    smallest_input: int
    features: Sequential
    head: Sequential

    @property
    def on(self) -> Array:
        """Any array of the network: where it lives, its inputs must go."""
        return next(parameter.data for _, parameter in self.named_parameters())

    @property
    def pool(self) -> Module:
        """What brings the features of a region to the one size that the head takes."""
        raise NotImplementedError

    def prepare_training(self, *, input_grad: bool = False) -> None:
        """Enter training mode, skipping every gradient nobody uses; call it again after freezing layers."""
        self.train()
        self.features.prepare_training(input_grad=input_grad)
        self.pool.needs_input_grad = input_grad or self.features.trainable
        self.head.prepare_training(input_grad=self.pool.needs_input_grad)


class NetworkDetector(RegionDetector[SeenAs]):
    """A detector whose regions are judged by a network.

    Attributes
    ----------
    network : RegionNetwork
    normalization : Normalization
        How the network wants its photos.
    """

    on_gpu = True

    network: Any
    normalization: Normalization

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", network=instance(RegionNetwork), normalization=instance(Normalization))

    def require_columns(self, output: Linear) -> None:
        """Raise ValueError unless the layer that scores the classes has a column for each, and background."""
        columns, classes = len(output.bias.data), len(self.class_names)
        if columns != classes + 1:
            raise ValueError(
                f"class_names must be {columns - 1} names, as many as the network has classes, got {classes}"
            )

    def passes(self, regions: float) -> float:
        """Return 1: the photo goes through the convolutional layers once."""
        return 1.0

    def to(self, xp: Any) -> None:
        """Move the network to the array library `xp` (NumPy or CuPy), unless it is there."""
        if not all(
            isinstance(parameter.data, xp.ndarray) for _, parameter in self.network.named_parameters()
        ):
            self.network.to(xp)

    def compress(self, ranks: Mapping[str, int]) -> None:
        """Replace fully connected layers by their truncated SVD of these ranks (Fast R-CNN, section 3.1)."""
        compress(self.network.head, dict(ranks))

    @stage("scale and normalise")
    def network_input(self, image: ImageArray, scale: ImageScale) -> tuple[Array, np.float32]:
        """Return a photo as the network takes it, (1, 3, h, w) float32, and the factor it was scaled by."""
        scaled, factor = scale.apply(as_image(image))
        pixels = at_least(self.network.smallest_input, self.normalization.apply(scaled))
        return like(pixels, self.network.on), np.float32(factor)

    def __sizeof__(self) -> int:
        """Return the bytes of the network: schedulers (Dask) send what is large to each process once."""
        return int(self.network.__sizeof__())

    def common_settings(self) -> dict[str, Any]:
        """Return the settings of every such detector, as `state` holds them."""
        return {**super().common_settings(), "backbone": self.network.description}

    def network_arrays(self) -> dict[str, HostArray]:
        """Return the network's parameters, as `state` holds them."""
        return {f"network.{name}": array for name, array in self.network.state_dict().items()}

    @staticmethod
    def load_network(
        make: Any, settings: Mapping[str, Any], arrays: Mapping[str, HostArray]
    ) -> tuple[Any, Normalization]:
        """Return the network ``make(backbone, num_classes)`` with its parameters, and its normalisation."""
        description = checked("backbone", settings["backbone"], mapping)
        name = checked("backbone.name", description["name"], entry_of(BACKBONES))
        options = dict(checked("backbone.options", description["options"], mapping))
        if options.keys() & {"rng", "weights"}:  # a file does not name others to read
            raise ValueError(f"backbone.options must be those of {name}, got {options}")
        backbone = build_backbone(name, **options)
        network = make(backbone, len(checked("class_names", settings["class_names"], class_names)))
        own = {n.removeprefix("network."): a for n, a in arrays.items() if n.startswith("network.")}
        network.load_state_dict(own)
        network.eval()
        return network, backbone.normalization
