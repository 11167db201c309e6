"""How networks want their photos."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from minircnn.nn.checks import require_finite, require_positive


@dataclass(frozen=True)
class Normalization:
    """How a network wants its photos: ``(value · scale − mean) / std`` per channel.

    Parameters
    ----------
    channel_order : {"rgb", "bgr"}
        Order in which the network takes the channels; `mean` and `std` are in that order.
    scale : float
        Factor on values 0..255.
    mean, std : tuple of 3 floats
        In scaled units.

    Raises
    ------
    ValueError
        If the order is unknown, a number is not finite, or the scale or a standard deviation not positive.

    Examples
    --------
    >>> from minircnn.backbones import Normalization
    >>> wants = Normalization("bgr", mean=(100, 110, 120))
    >>> wants.apply(np.array([[[123, 112, 101]]]))[0, :, 0, 0]  # blue 101, green 112, red 123
    array([1., 2., 3.], dtype=float32)
    """

    channel_order: Literal["rgb", "bgr"] = "rgb"
    scale: float = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if self.channel_order not in ("rgb", "bgr"):
            raise ValueError(f"channel_order must be rgb or bgr, got {self.channel_order!r}")
        require_positive(scale=self.scale)
        for mean, std in zip(self.mean, self.std, strict=True):
            require_finite(-math.inf, mean=mean)
            require_positive(std=std)

    def apply(self, image: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return photos as the network's input.

        Parameters
        ----------
        image : (H, W, 3) or (N, H, W, 3) array
            RGB, values 0..255, any real dtype.

        Returns
        -------
        (1, 3, H, W) or (N, 3, H, W) float32 array
            Channels last in memory.

        Raises
        ------
        ValueError
            If the last axis is not 3.
        """
        if image.ndim not in (3, 4) or image.shape[-1] != 3:
            raise ValueError(f"RGB photos (H, W, 3) or (N, H, W, 3) needed, got shape {image.shape}")
        batch = image[None] if image.ndim == 3 else image
        out = np.empty(batch.shape, np.float32)  # (N, H, W, 3)
        for target, source in enumerate(self._sources()):
            factor = np.float32(self.scale / self.std[target])
            np.multiply(batch[..., source], factor, out=out[..., target], casting="unsafe")
            out[..., target] -= np.float32(self.mean[target] / self.std[target])
        return out.transpose(0, 3, 1, 2)

    @property
    def fill(self) -> npt.NDArray[np.float32]:
        """The colour that becomes zero: RGB, (3,) float32, 0..255."""
        rgb = np.empty(3, np.float32)
        for target, source in enumerate(self._sources()):
            rgb[source] = self.mean[target] / self.scale
        return rgb

    def words(self) -> str:
        """Return it for people: ``BGR 0..255 minus 104, 117, 123``."""
        mean, std = (", ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        divided = "" if set(self.std) == {1.0} else f", over {std}"
        return f"{self.channel_order.upper()} 0..{255 * self.scale:g} minus {mean}{divided}"

    def _sources(self) -> tuple[int, int, int]:
        return (0, 1, 2) if self.channel_order == "rgb" else (2, 1, 0)


CAFFE = Normalization("bgr", 1.0, (102.9801, 115.9465, 122.7717))
"""Mean ImageNet colour as Fast R-CNN's released code subtracts it, BGR 0..255."""

TORCHVISION = Normalization("rgb", 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Input of torchvision's pre-trained networks."""

Preset: TypeAlias = Literal["caffe", "torchvision"]

PRESETS: Mapping[Preset, Normalization] = {"caffe": CAFFE, "torchvision": TORCHVISION}


def preset(name: str) -> Normalization:
    """Return the normalization of that name; ValueError if there is none."""
    for known, normalization in PRESETS.items():
        if known == name:
            return normalization
    raise ValueError(f"normalization must be one of {', '.join(PRESETS)}, got {name!r}")
