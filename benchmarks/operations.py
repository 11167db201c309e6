"""How many operations the textbook method takes, and how many bytes it moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from minircnn.nn import Conv2d, Layer, Linear, MaxPool2d


def operations(parts: Sequence[Layer], shape: tuple[int, int, int]) -> float:
    """Return the multiplications and additions of `parts`, one after the other, on N photos of H × W pixels.

    Those of convolutions and fully connected layers; the others take next to none.
    """
    n, total = shape[0], 0.0
    for layer, _, (height, width) in _on_the_way(parts, shape):
        if isinstance(layer, Conv2d):
            total += 2.0 * n * height * width * layer.weight.data.size
        elif isinstance(layer, Linear):
            total += 2.0 * n * layer.weight.data.size
    return total


def moved_by_convolutions(parts: Sequence[Layer], shape: tuple[int, int, int]) -> float:
    """Return the bytes of the float32 maps that convolutions of `parts` read and write; as `operations`."""
    n, total = shape[0], 0.0
    for layer, before, behind in _on_the_way(parts, shape):
        if isinstance(layer, Conv2d):
            outputs, inputs = layer.weight.data.shape[:2]
            total += 4.0 * n * (inputs * before[0] * before[1] + outputs * behind[0] * behind[1])
    return total


def _on_the_way(
    parts: Sequence[Layer], shape: tuple[int, int, int]
) -> Iterator[tuple[Layer, tuple[int, int], tuple[int, int]]]:
    """Yield every layer with the height and width of the map before and behind it."""
    _, height, width = shape
    for part in parts:
        for layer in part.modules():
            before = height, width
            if isinstance(layer, Conv2d):
                height, width = layer.geometry.output_size(height, width)
            elif isinstance(layer, MaxPool2d):
                height, width = layer.output_size(height), layer.output_size(width)
            yield layer, before, (height, width)
