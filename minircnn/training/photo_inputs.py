"""What a step shows the network of a photo: its pixels, or the map that its frozen layers make of them."""

from __future__ import annotations

import copy
import hashlib
import logging
from pathlib import Path

import numpy as np

from minircnn.arrays import HostArray, array_namespace, is_host, like, to_host
from minircnn.backbones import Normalization
from minircnn.data.digest import photo_digest
from minircnn.detectors import ImageScale
from minircnn.detectors.image_scale import at_least
from minircnn.detectors.network import RegionNetwork
from minircnn.nn import Sequential
from minircnn.profiling import stage
from minircnn.structures import FloatArray
from minircnn.training.kept_arrays import read_kept, write_kept
from minircnn.training.regions import PhotoReader

logger = logging.getLogger("minircnn")

_LARGEST = float(np.finfo(np.float16).max)
_LAYOUT = 1
"""Of the files; another one makes other names."""


class PhotoInputs:
    """The photos themselves, scaled and normalised.

    Parameters
    ----------
    photos : PhotoReader
    normalization : Normalization
    smallest : int
        Pixels that the network needs at least; smaller photos are padded, as when it detects.
    """

    def __init__(self, photos: PhotoReader, normalization: Normalization, smallest: int) -> None:
        self.photos, self.normalization, self.smallest = photos, normalization, smallest

    def read(self, index: int, scale: ImageScale, *, mirrored: bool) -> tuple[FloatArray, float]:
        """Return photo `index` (3, h, w) float32, channels last in memory, and the factor of its scale."""
        image, factor = scale.apply(self.photos.read(index))
        pixels = self.normalization.apply(image[:, ::-1] if mirrored else image)
        return at_least(self.smallest, pixels)[0], factor


class MapInputs(PhotoInputs):
    """The maps of the photos, made once for each scale and orientation and kept on disk in half precision.

    Layers before the first one that is trained give the same map of a photo in every epoch. The maps take the
    most time of such a training. Where no convolution is trained, what is left, the fully connected layers,
    is some ten times faster.

    Parameters
    ----------
    photos : PhotoReader
    normalization : Normalization
    network : RegionNetwork
        Its first layers, up to one that is trained, make the maps.
    folder : Path or None
        Receives the maps, a file each, named by what the photo shows; any runs and photos can share it. None
        keeps them in memory.

    Raises
    ------
    ValueError
        If the first convolutional layer is trained.
    """

    def __init__(
        self,
        photos: PhotoReader,
        normalization: Normalization,
        network: RegionNetwork,
        folder: Path | None,
    ) -> None:
        super().__init__(photos, normalization, network.smallest_input)
        require_frozen(network.features)
        self.network, self.layers = network, network.features.frozen_part()
        if not is_host(network.on):  # a thread makes the maps, while the network itself is at work
            self.layers = copy.deepcopy(self.layers)
        self.folder = None if folder is None else folder / _key(network, self.layers, normalization)
        self.made: dict[str, HostArray] = {}  # without a folder
        self._digests: dict[int, str] = {}

    def read(self, index: int, scale: ImageScale, *, mirrored: bool) -> tuple[FloatArray, float]:
        """Return the map of photo `index` (C, h, w) float32, channels last in memory, and its factor."""
        way = "mirrored" if mirrored else "upright"
        name = f"{self._digest(index)}-{scale.short_side}-{scale.max_long_side}-{way}.npy"
        kept = self._kept(name)
        if kept is None:
            kept = self._compute(super().read(index, scale, mirrored=mirrored)[0], index)
            if self.folder is None:
                self.made[name] = kept
            else:
                write_kept(self.folder / name, kept)
        truth = self.photos.dataset.annotations(index)  # knows the size: the photo itself need not be read
        return kept.astype(np.float32).transpose(2, 0, 1), scale.factor(truth.height, truth.width)

    def _digest(self, index: int) -> str:
        """Return the digest of photo `index`, taken once."""
        if index not in self._digests:
            self._digests[index] = photo_digest(self.photos.dataset, index)
        return self._digests[index]

    def _kept(self, name: str) -> HostArray | None:
        """Return the map (h, w, C) float16 that is kept under `name`; None where there is none."""
        if self.folder is None:
            return self.made.get(name)
        try:
            return read_kept(self.folder / name)
        except FileNotFoundError:
            return None
        except ValueError as error:
            logger.warning("%s; it is computed again", error)
            return None

    @stage("maps of frozen convolutions")
    def _compute(self, pixels: FloatArray, index: int) -> HostArray:
        """Return the map (h, w, C) float16 of the `pixels` (3, H, W) of photo `index`."""
        feature_map = self.layers(like(pixels[None], self.network.on))  # (1, C, h, w)
        # channels last, as in memory: so it need not be rearranged before it comes down
        feature_map = to_host(array_namespace(feature_map).permute_dims(feature_map, (0, 2, 3, 1)))[0]
        if not np.abs(feature_map).max() <= _LARGEST:
            raise ValueError(
                f"the map of photo {self.photos.dataset.image_ids[index]!r} holds values beyond "
                f"{_LARGEST:.0f}, which half precision does not know: leave keep_maps away"
            )
        return np.ascontiguousarray(feature_map, dtype=np.float16)  # (h, w, C)


def require_frozen(features: Sequential) -> None:
    """Raise ValueError if the first of the convolutional layers is trained: there is no map to keep."""
    if not features.frozen_part().state_dict():
        raise ValueError(
            "keep_maps is for networks whose first convolutions are not trained: the maps of others change "
            "with every update (--backbone.frozen convolutions, or leave --keep-maps away)"
        )


def _key(network: RegionNetwork, layers: Sequential, normalization: Normalization) -> str:
    """Return a digest of all that makes maps from photos."""
    digest = hashlib.sha256(repr((_LAYOUT, network.description["name"], normalization)).encode())
    for name, array in layers.state_dict().items():
        digest.update(f"{name} {array.shape} {array.dtype}".encode() + array.tobytes())
    return digest.hexdigest()[:16]
