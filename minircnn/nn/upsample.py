"""Bilinear up-sampling: a map of a few cells becomes one of many pixels."""

from __future__ import annotations

import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, like
from minircnn.nn.checks import require_maps, require_whole
from minircnn.nn.layer import Layer


class UpsampleBilinear(Layer):
    """Each pixel a mean of the four cells around it, by how near they are; nothing is learned.

    x (N, C, H, W) -> y (N, C, OH, OW). The way back spreads each gradient over the same four cells by the
    same shares: it is a transposed convolution with a fixed filter (Long, Shelhamer and Darrell 2015, section
    3.3). Pixel centres lie at half-integers, as PyTorch's ``align_corners=False`` has them; beyond the
    outermost ones the map's edge goes on. The mean along an axis is a small matrix of shares, so both
    directions are two products.

    Parameters
    ----------
    size : (int, int)
        OH and OW.

    Raises
    ------
    ValueError
        If a side is not at least 1; in ``forward`` if `x` is no map.

    Examples
    --------
    >>> from minircnn.nn import UpsampleBilinear
    >>> larger = UpsampleBilinear((1, 4))
    >>> larger(np.array([[[[0.0, 4.0]]]]))
    array([[[[0., 1., 3., 4.]]]])
    >>> larger.backward(np.ones((1, 1, 1, 4)))
    array([[[[2., 2.]]]])
    """

    def __init__(self, size: tuple[int, int]) -> None:
        height, width = size
        require_whole(1, height=height, width=width)
        self.size = (int(height), int(width))
        self._shape: tuple[int, ...] | None = None

    def forward(self, x: Array) -> Array:
        """Return y (N, C, OH, OW)."""
        require_maps(x)
        rows, columns = self._shares(x, tuple(x.shape[2:]))
        self._shape = tuple(x.shape)
        return rows @ (x @ columns.T)

    def backward(self, dy: Array) -> Array:
        """Return dLoss/dx (N, C, H, W)."""
        if not self.needs_input_grad:
            return None
        rows, columns = self._shares(dy, self.kept(self._shape)[2:])
        return rows.T @ (dy @ columns)

    def _shares(self, x: Array, cells: tuple[int, ...]) -> tuple[Array, Array]:
        """Return the matrices (OH, H) and (OW, W) in the number format and on the device of `x`."""
        xp = array_namespace(x)
        floating = xp.isdtype(x.dtype, "real floating")
        rows, columns = (
            like(axis_shares(own, length), x, x.dtype if floating else None)
            for own, length in zip(cells, self.size, strict=True)
        )
        return rows, columns


def axis_shares(cells: int, length: int) -> HostArray:
    """Return the share (length, cells) of each cell in each pixel along one axis.

    Examples
    --------
    >>> from minircnn.nn.upsample import axis_shares
    >>> axis_shares(2, 4)
    array([[1.  , 0.  ],
           [0.75, 0.25],
           [0.25, 0.75],
           [0.  , 1.  ]])
    """
    at = (np.arange(length) + 0.5) * (cells / length) - 0.5
    first = np.floor(at).astype(np.int64)
    share = at - first
    shares = np.zeros((length, cells))
    pixel = np.arange(length)
    np.add.at(shares, (pixel, np.maximum(first, 0)), 1 - share)
    np.add.at(shares, (pixel, np.minimum(first + 1, cells - 1)), share)
    return shares
