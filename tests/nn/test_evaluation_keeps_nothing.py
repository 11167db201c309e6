"""After a forward pass in evaluation mode no layer holds anything as large as its input or output."""

import dataclasses

import numpy as np
import pytest

from minircnn.nn import (
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    RoIAlign,
    RoIPool,
    SpatialPyramidPool,
)

MAPS = (2, 8, 12, 10)
REGIONS = (np.array([[0.0, 0, 40, 48], [3, 5, 17, 30], [8, 8, 9, 9]]), np.array([0, 1, 1]))


def arrays_in(value):
    """Yield all arrays in `value`: an array, or a container or record of such."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from arrays_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from arrays_in(inner)
    elif dataclasses.is_dataclass(value):
        yield from arrays_in(vars(value))


def kept(layer):
    """Return how many values the layer holds for its backward pass."""
    return sum(array.size for array in arrays_in(vars(layer)))


@pytest.mark.parametrize(
    ("layer", "rest"),
    [
        (RoIPool(3, 0.25), REGIONS),
        (RoIAlign(3, 0.25), REGIONS),
        (SpatialPyramidPool((1, 2), 0.25), REGIONS),
        (MaxPool2d(3, 2), ()),
        (LocalResponseNorm(), ()),
        (ReLU(), ()),
        (Dropout(0.5), ()),
        (Flatten(), ()),
        (GlobalAveragePool(), ()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_maps(layer, rest, rng):
    x = rng.standard_normal(MAPS, dtype=np.float32)
    layer.rng = np.random.default_rng(0)
    layer.forward(x, *rest)
    trained = kept(layer)
    layer.eval()
    layer.forward(x, *rest)
    assert kept(layer) == 0, "also what an earlier forward pass in training mode had kept must go"
    if not isinstance(layer, Flatten | GlobalAveragePool):  # these need shapes only
        assert trained > 0, "or this test looks for it in the wrong place"


def test_linear(rng):
    layer = Linear(40, 30, rng=rng)
    parameters = layer.weight.data.size + layer.bias.data.size
    x = rng.standard_normal((50, 40), dtype=np.float32)
    layer.forward(x)
    assert sum(array.size for array in arrays_in(vars(layer))) == x.size
    layer.eval()
    layer.forward(x)
    assert kept(layer) == 0
    assert layer.weight.data.size + layer.bias.data.size == parameters
