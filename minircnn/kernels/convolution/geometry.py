"""Window, stride, padding and groups of a convolution, and the one that carries its gradient back."""

from __future__ import annotations

from dataclasses import dataclass

from minircnn.arrays import Array, array_namespace


@dataclass(frozen=True)
class ConvGeometry:
    """Square window size, stride and zero padding of a convolution, in pixels, and its channel groups."""

    kernel_size: int
    stride: int
    padding: int
    groups: int

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the output map's height and width.

        Raises
        ------
        ValueError
            If the padded map is smaller than the window.
        """
        k, s, p = self.kernel_size, self.stride, self.padding
        if min(height, width) + 2 * p < k:
            raise ValueError(f"a {height}×{width} map with padding {p} is smaller than the {k}×{k} window")
        return (height + 2 * p - k) // s + 1, (width + 2 * p - k) // s + 1

    @property
    def is_pointwise(self) -> bool:
        """Whether the patches are the pixels themselves (1×1, stride 1), so that nothing is unrolled."""
        return self.kernel_size == 1 and self.stride == 1 and self.padding == 0


def turned_around(weight: Array, geometry: ConvGeometry) -> tuple[Array, ConvGeometry]:
    """Return the convolution that carries dy back to x where the stride is 1 and the padding less than k.

    Every input pixel sees the filters turned around: (O, k, k, C / groups) become (C, k, k, O / groups), and
    dy is padded so that all of them meet it (less the padding of x).
    """
    groups, k = geometry.groups, geometry.kernel_size
    filters, _, _, channels = weight.shape
    split = weight.reshape(groups, filters // groups, k, k, channels)[:, :, ::-1, ::-1]
    xp = array_namespace(weight)
    # laid out so that runs of C stay together in memory: (groups, k, k, O/groups, C/groups)
    turned = xp.ascontiguousarray(split.transpose(0, 2, 3, 1, 4))
    turned = turned.transpose(0, 4, 1, 2, 3).reshape(groups * channels, k, k, filters // groups)
    return turned, ConvGeometry(k, 1, k - 1 - geometry.padding, groups)
