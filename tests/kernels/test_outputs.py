"""Memory of large results, lent again once nobody holds it."""

import numpy as np
import pytest

from minircnn.kernels import outputs
from minircnn.kernels.outputs import empty_output

HOST = np.empty(0)


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch):
    monkeypatch.setattr(outputs, "LARGE", 100)
    monkeypatch.setattr(outputs, "REMEMBERED", 4000)
    monkeypatch.setattr(outputs, "_remembered", [])


def place(array):
    return array.__array_interface__["data"][0]


def test_memory_is_lent_again_when_nobody_holds_it():
    first = empty_output((10, 20), np.float32, HOST)
    where = place(first)
    del first
    second = empty_output((20, 9), np.float32, HOST)
    assert place(second) == where
    assert second.shape == (20, 9)
    assert second.dtype == np.float32
    assert second.flags.writeable


@pytest.mark.parametrize("part", [lambda y: y[3:, 1], lambda y: y.T.reshape(-1, 4)[:1], memoryview])
def test_memory_that_any_part_is_held_of_is_not_lent(part):
    y = empty_output((10, 20), np.float32, HOST)
    y[...] = 7
    held = part(y)
    del y
    other = empty_output((10, 20), np.float32, HOST)
    other[...] = 0
    assert (np.asarray(held) == 7).all()


def test_much_larger_memory_is_left_for_larger_results():
    first = empty_output((1000,), np.uint8, HOST)
    where = place(first)
    del first
    assert place(empty_output((499,), np.uint8, HOST)) != where
    assert place(empty_output((500,), np.uint8, HOST)) == where


def test_what_nobody_uses_is_bounded():
    held = [empty_output((1500,), np.uint8, HOST) for _ in range(4)]
    del held
    empty_output((700,), np.uint8, HOST)
    last = empty_output((3500,), np.uint8, HOST)  # forces a look at what is remembered
    unused = [memory.nbytes for memory in outputs._remembered if memory.nbytes != 3500]
    assert sum(unused) <= 4000
    assert last.nbytes == 3500


def test_small_results_and_other_libraries_have_their_own(xp):
    y = empty_output((3, 4), xp.float32, xp.asarray([1.0]))
    assert y.shape == (3, 4)
    assert type(y) is type(xp.asarray([1.0]))
    assert outputs._remembered == []
