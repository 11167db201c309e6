"""Winograd's convolution on a GPU: kernels of our own around one product of many matrices.

The method, its letters and its matrices are those of :mod:`minircnn.kernels.convolution.winograd`. A thread
transforms one channel of one tile in its registers; neighbouring threads have neighbouring channels. Tiles
are numbered through all maps, row by row, and as many at a time are worked on as keep within
`GPU_BLOCK_BYTES`. Sums over these blocks run in a fixed order.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from minircnn.arrays import Array, HostArray, array_namespace
from minircnn.kernels.convolution.cook_toom import cook_toom
from minircnn.kernels.convolution.geometry import ConvGeometry
from minircnn.kernels.convolution.tiles import OUTPUTS
from minircnn.kernels.gpu_kernel import GPUKernel
from minircnn.kernels.split import split

GPU_BLOCK_BYTES = 2**28
"""Aim for the transformed tiles of a block, before and after the product."""


def prepare_filters(weight: Array, geometry: ConvGeometry, *, keep: bool = False) -> Array:
    """Return U (groups, n·n, C / groups, O / groups) of filters (O, k, k, C / groups)."""
    outputs, channels = weight.shape[0] // geometry.groups, weight.shape[3]
    return _transformed_filters(weight, geometry, channels, outputs, turn=False)


def convolve(
    x: Array,
    filters: Array,
    bias: Array | None,
    geometry: ConvGeometry,
    *,
    rectify: bool = False,
    out: None = None,
) -> Array:
    """Convolve (correlate) `x` (N, H, W, C) with the U of :func:`prepare_filters` and add `bias` (O,).

    With `rectify`, negative results become 0. Returns (N, OH, OW, O).
    """
    xp = array_namespace(x, filters)
    groups, places, channels, outputs = filters.shape
    y = xp.empty((x.shape[0], *geometry.output_size(*x.shape[1:3]), groups * outputs), dtype=x.dtype)
    kernels = _kernels(geometry.kernel_size)
    for block in _blocks(y, places * groups * (channels + outputs) * x.itemsize):
        m = xp.matmul(_transformed(kernels.input, x, places, groups, geometry.padding, block), filters)
        added = (m, False) if bias is None else (bias.astype(x.dtype, copy=False), True)
        numbers = (*y.shape[1:], outputs, 0, *block)
        kernels.output(m, *added, rectify, *numbers, y, size=block.tiles * groups * outputs)
    return y


def weight_gradient(x: Array, dy: Array, geometry: ConvGeometry) -> Array:
    """Return dLoss/dweight (O, k, k, C / groups), given `x` (N, H, W, C) and `dy` (N, OH, OW, O)."""
    xp = array_namespace(x, dy)
    x = xp.astype(x, dy.dtype, copy=False)
    groups, k = geometry.groups, geometry.kernel_size
    channels, outputs, places = x.shape[3] // groups, dy.shape[3] // groups, (OUTPUTS + k - 1) ** 2
    kernels = _kernels(k)
    total = xp.zeros((groups, places, channels, outputs), dtype=dy.dtype)  # dLoss/dU
    for block in _blocks(dy, places * groups * (channels + outputs) * x.itemsize):
        v = _transformed(kernels.input, x, places, groups, geometry.padding, block)
        d = _transformed(kernels.slopes, dy, places, groups, 0, block)
        total += xp.matmul(v.swapaxes(2, 3), d)
    gradient = xp.empty((groups * outputs, k, k, channels), dtype=dy.dtype)
    kernels.gradient(total, channels, outputs, gradient, size=groups * channels * outputs)
    return gradient


def input_gradient(dy: Array, weight: Array, geometry: ConvGeometry, size: tuple[int, int]) -> Array:
    """Return dLoss/dx (N, H, W, C), given `dy` (N, OH, OW, O) and `weight` (O, k, k, C / groups).

    The padding must be less than k. `size` (H, W) is not needed here: of stride 1 it follows from that of dy.
    """
    k, groups = geometry.kernel_size, geometry.groups
    turned = _transformed_filters(weight, geometry, weight.shape[0] // groups, weight.shape[3], turn=True)
    return convolve(dy, turned, None, ConvGeometry(k, 1, k - 1 - geometry.padding, groups))


class _Block(NamedTuple):
    """Some of the tiles of maps: as many across and down each map, from the `first` of all on."""

    across: int
    down: int
    first: int
    tiles: int


def _blocks(y: Array, tile_bytes: int) -> list[_Block]:
    """Cut the tiles of an output `y` (N, OH, OW, O) into blocks, given the bytes of one transformed tile."""
    across, down = -(-y.shape[2] // OUTPUTS), -(-y.shape[1] // OUTPUTS)
    parts = split(y.shape[0] * across * down, size=GPU_BLOCK_BYTES // tile_bytes)
    return [_Block(across, down, part.start, part.stop - part.start) for part in parts]


def _transformed(
    kernel: GPUKernel, maps: Array, places: int, groups: int, padding: int, block: _Block
) -> Array:
    """Return (groups, n·n, T, C / groups): the tiles of a block of `maps` (N, H, W, C) at all places."""
    own = maps.shape[3] // groups
    out = array_namespace(maps).empty((groups, places, block.tiles, own), dtype=maps.dtype)
    kernel(maps, *maps.shape[1:], own, padding, *block, out, size=block.tiles * maps.shape[3])
    return out


def _transformed_filters(
    weight: Array, geometry: ConvGeometry, channels: int, outputs: int, *, turn: bool
) -> Array:
    xp, k, groups = array_namespace(weight), geometry.kernel_size, geometry.groups
    u = xp.empty((groups, (OUTPUTS + k - 1) ** 2, channels, outputs), dtype=weight.dtype)
    _kernels(k).filters(weight, channels, outputs, turn, u, size=groups * channels * outputs)
    return u


def _two_sided(
    name: str, inputs: str, outputs: str, matrix: HostArray, where: str, load: str, store: str
) -> GPUKernel:
    """Return the kernel that computes P X Pᵀ for a small `matrix` P.

    Lines of C++ say `where` a thread is, what to `load` as X[a][b], and how to `store` the `value` at k, l.
    """
    rows, side = matrix.shape
    numbers = ", ".join("{" + ", ".join(repr(float(x)) for x in row) + "}" for row in matrix)
    body = f"""
    const T P[{rows}][{side}] = {{{numbers}}};
    {where}
    T half[{rows}][{side}];  // P X
    #pragma unroll
    for (int b = 0; b < {side}; ++b) {{
        T column[{side}];
        #pragma unroll
        for (int a = 0; a < {side}; ++a) column[a] = {load};
        #pragma unroll
        for (int k = 0; k < {rows}; ++k) {{
            half[k][b] = 0;
            #pragma unroll
            for (int a = 0; a < {side}; ++a) half[k][b] += P[k][a] * column[a];
        }}
    }}
    #pragma unroll
    for (int k = 0; k < {rows}; ++k) {{
        #pragma unroll
        for (int l = 0; l < {rows}; ++l) {{
            T value = 0;
            #pragma unroll
            for (int b = 0; b < {side}; ++b) value += half[k][b] * P[l][b];
            {store}
        }}
    }}"""
    return GPUKernel(f"winograd_{name}_{rows}x{side}", inputs, outputs, body)


_NUMBERS = (
    "int32 height, int32 width, int32 channels, int32 own, int32 padding, "
    "int32 across, int32 down, int32 first, int32 tiles"
)
"""Of a map, of a group's channels, of a block."""
_TILE = f"""const int j = i, channel = j % channels, t = j / channels;
    const int group = channel / own, number = first + t;
    const int left = number % across * {OUTPUTS} - padding;
    const int top = number / across % down * {OUTPUTS} - padding;
    const ptrdiff_t image = number / across / down;"""


def _inside(row: str, column: str) -> str:
    return f"top + {row} >= 0 && top + {row} < height && left + {column} >= 0 && left + {column} < width"


def _pixel(row: str, column: str) -> str:
    return f"map[((image * height + top + {row}) * width + left + {column}) * channels + channel]"


def _place(n: int, row: str, column: str) -> str:
    """Return what stands for the number at a place of the thread's tile and channel."""
    return (
        f"places[(((ptrdiff_t)group * {n * n} + {row} * {n} + {column}) * tiles + t) * own + channel % own]"
    )


_FILTER = """const int j = i, to = j % outputs, from = j / outputs % channels;
    const ptrdiff_t group = j / outputs / channels;"""


def _of_filter(n: int, row: str, column: str) -> str:
    return f"u[((group * {n * n} + {row} * {n} + {column}) * channels + from) * outputs + to]"


def _tap(k: int, row: str, column: str) -> str:
    return f"weight[(((group * outputs + to) * {k} + {row}) * {k} + {column}) * channels + from]"


def _turned_tap(k: int, row: str, column: str) -> str:
    """Return the tap of a filter that carries gradients back: half a turn, and between swapped channels."""
    down, across = f"{k - 1} - {row}", f"{k - 1} - {column}"
    return f"weight[(((group * channels + from) * {k} + {down}) * {k} + {across}) * outputs + to]"


class _Kernels(NamedTuple):
    """For one size of windows."""

    filters: GPUKernel
    """U = G g Gᵀ of filters g."""
    input: GPUKernel
    """V = Bᵀ d B of tiles d of a map."""
    output: GPUKernel
    """y = Aᵀ M A."""
    slopes: GPUKernel
    """D = A dy Aᵀ of tiles of the gradient dy."""
    gradient: GPUKernel
    """dLoss/dg = Gᵀ dU G."""


@cache
def _kernels(k: int) -> _Kernels:
    """Return the kernels for windows of k × k."""
    matrices = cook_toom(OUTPUTS, k)
    n = len(matrices.filter)
    load_pixel = f"{_inside('a', 'b')} ? {_pixel('a', 'b')} : T(0)"
    store_pixel = f"""if ({_inside("k", "l")}) {{
                if (biased) value += bias[channel];
                {_pixel("k", "l")} = rectify && value < 0 ? T(0) : value;
            }}"""
    store_place = f"{_place(n, 'k', 'l')} = value;"
    from_map, to_places = f"raw T map, {_NUMBERS}", "raw T places"
    return _Kernels(
        _two_sided(
            "filters",
            "raw T weight, int32 channels, int32 outputs, bool turn",
            "raw T u",
            matrices.filter,
            _FILTER,
            f"turn ? {_turned_tap(k, 'a', 'b')} : {_tap(k, 'a', 'b')}",
            f"{_of_filter(n, 'k', 'l')} = value;",
        ),
        _two_sided("input", from_map, to_places, matrices.input, _TILE, load_pixel, store_place),
        _two_sided(
            "output",
            f"raw T places, raw T bias, bool biased, bool rectify, {_NUMBERS}",
            "raw T map",
            matrices.output,
            _TILE,
            _place(n, "a", "b"),
            store_pixel,
        ),
        _two_sided("slopes", from_map, to_places, matrices.output.T, _TILE, load_pixel, store_place),
        _two_sided(
            "gradient",
            "raw T u, int32 channels, int32 outputs",
            "raw T weight",
            matrices.filter.T,
            _FILTER,
            _of_filter(n, "a", "b"),
            f"{_tap(k, 'k', 'l')} = value;",
        ),
    )
