"""The eight colour spaces of selective search, each channel scaled to 0..255.

Selective search diversifies its grouping by running it in spaces that react differently to light
intensity, shadows and highlights (Uijlings et al. 2013, section 3.2). One common range per channel
lets the segmentation's threshold k and the histograms' bins mean the same in all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt

ColourSpace: TypeAlias = Literal["RGB", "I", "Lab", "rgI", "HSV", "rgb", "C", "H"]
_Float = npt.NDArray[np.float64]

# linear sRGB -> CIE XYZ, divided by the D65 white point (IEC 61966-2-1)
_RGB_TO_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def convert(image: npt.NDArray[Any], space: ColourSpace) -> npt.NDArray[np.float32]:
    """Convert an RGB photo to one of the eight colour spaces of selective search.

    ======  ========  =====================================================================
    space   channels  meaning and scaling to 0..255
    ======  ========  =====================================================================
    RGB     3         as read
    I       1         intensity, 0.2989 R + 0.5870 G + 0.1140 B
    Lab     3         CIE L*a*b* (D65): 2.55·L*, a* + 128, b* + 128 (a* and b* span ±108)
    rgI     3         r and g of `rgb`, and I
    HSV     3         hue (0..1), saturation, value, times 255; grey has hue 0
    rgb     3         R, G, B over their sum, times 255; black counts as grey
    C       2         opponent colours over intensity, affinely mapped from their range
    H       1         hue of HSV
    ======  ========  =====================================================================

    Parameters
    ----------
    image : (H, W, 3) uint8 or float array
        RGB, 0..255.
    space : str
        One of the names above.

    Returns
    -------
    (H, W, channels) float32 array
        Values in 0..255.

    Raises
    ------
    ValueError
        If `space` is unknown or the image has no three channels.

    Examples
    --------
    >>> from minircnn.imaging import convert
    >>> convert(np.array([[[255, 0, 0]]], np.uint8), "HSV")
    array([[[  0., 255., 255.]]], dtype=float32)
    """
    if space not in _CONVERSIONS:
        raise ValueError(f"colour space must be one of {', '.join(_CONVERSIONS)}, got {space!r}")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected an RGB image of shape (H, W, 3), got {image.shape}")
    return _CONVERSIONS[space](image.astype(np.float64)).astype(np.float32)


def _intensity(rgb: _Float) -> _Float:
    intensity: _Float = rgb @ np.array([[0.2989], [0.5870], [0.1140]])
    return intensity  # (H, W, 1)


def _normalised_rgb(rgb: _Float) -> _Float:
    total = rgb.sum(axis=2, keepdims=True)
    share = np.full_like(rgb, 1 / 3)
    np.divide(rgb, total, out=share, where=total > 0)
    return share * 255


def _rg_intensity(rgb: _Float) -> _Float:
    return np.concatenate([_normalised_rgb(rgb)[:, :, :2], _intensity(rgb)], axis=2)


def _hsv(rgb: _Float) -> _Float:
    red, green, blue = (np.ascontiguousarray(rgb[:, :, channel]) for channel in range(3))
    value = np.maximum(np.maximum(red, green), blue)
    chroma = value - np.minimum(np.minimum(red, green), blue)
    divisor = np.where(chroma > 0, chroma, 1)
    # sextants of the colour circle, counted from the channel that is largest
    hue = (red - green) / divisor + 4
    np.copyto(hue, (blue - red) / divisor + 2, where=value == green)
    np.copyto(hue, (green - blue) / divisor, where=value == red)
    hue[hue < 0] += 6
    hue *= 255 / 6
    saturation = chroma / np.where(value > 0, value, 1)
    saturation *= 255
    return np.stack([hue, saturation, value], axis=2)


def _hue(rgb: _Float) -> _Float:
    return _hsv(rgb)[:, :, :1]


def _lab(rgb: _Float) -> _Float:
    in_range = rgb.min(initial=0) >= 0 and rgb.max(initial=0) <= 255
    if in_range and np.array_equal(level := rgb.astype(np.uint8), rgb):
        linear = _linear(np.arange(256.0)).take(level)  # 256 powers instead of one per value
    else:
        linear = _linear(rgb)
    xyz = linear @ (_RGB_TO_XYZ / _WHITE[:, None]).T
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = np.moveaxis(f, 2, 0)
    return np.stack([2.55 * (116 * y - 16), 500 * (x - y) + 128, 200 * (y - z) + 128], axis=2)


def _linear(level: _Float) -> _Float:
    """Undo the gamma of sRGB values 0..255."""
    unit = level / 255
    linear: _Float = np.where(unit > 0.04045, ((unit + 0.055) / 1.055) ** 2.4, unit / 12.92)
    return linear


def _c_invariant(rgb: _Float) -> _Float:
    """Opponent colours O1/O3 and O2/O3 (Geusebroek et al. 2001), intensity divided out."""
    red, green, blue = np.moveaxis(rgb, 2, 0)
    total = red + green + blue
    divisor = np.where(total > 0, total, 1)
    first = (red - green) / divisor  # O1/O3 up to a constant, -1..1
    second = (red + green - 2 * blue) / divisor  # O2/O3 up to a constant, -2..1
    return np.stack([(first + 1) * (255 / 2), (second + 2) * (255 / 3)], axis=2)


_CONVERSIONS: dict[str, Callable[[_Float], _Float]] = {
    "RGB": lambda rgb: rgb,
    "I": _intensity,
    "Lab": _lab,
    "rgI": _rg_intensity,
    "HSV": _hsv,
    "rgb": _normalised_rgb,
    "C": _c_invariant,
    "H": _hue,
}
COLOUR_SPACES = cast("tuple[ColourSpace, ...]", tuple(_CONVERSIONS))
