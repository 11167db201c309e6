"""Memory of large results, lent again once nobody holds it."""

import multiprocessing
import pickle

import numpy as np
import pytest

from minircnn.kernels import outputs
from minircnn.kernels.outputs import empty_output

HOST = np.empty(0)


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch):
    monkeypatch.setattr(outputs, "LARGE", 100)
    monkeypatch.setattr(outputs, "KEPT", 4000)
    monkeypatch.setattr(outputs, "_free", [])


def of_bytes(count):
    return empty_output((count,), np.uint8, HOST)


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
    assert second.flags.c_contiguous


@pytest.mark.parametrize(
    "part", [lambda y: y[3:, 1], lambda y: y.T.reshape(-1, 4)[:1], memoryview, lambda y: y.view(np.int32)]
)
def test_memory_that_any_part_is_held_of_is_not_lent(part):
    y = empty_output((10, 20), np.float32, HOST)
    y[...] = 0
    held = part(y)
    del y
    other = empty_output((10, 20), np.float32, HOST)
    other[...] = 7
    assert not np.asarray(held).any()


def test_a_copy_that_was_sent_elsewhere_is_its_own():
    y = empty_output((10, 20), np.float32, HOST)
    y[...] = 3
    assert (pickle.loads(pickle.dumps(y)) == y).all()


def test_much_larger_memory_is_left_for_larger_results():
    first = of_bytes(1000)
    where = place(first)
    del first
    assert place(of_bytes(799)) != where
    assert place(of_bytes(800)) == where


def test_what_nobody_uses_is_bounded_when_it_is_given_back():
    held = [of_bytes(1500) for _ in range(4)]
    assert outputs._free == []
    del held
    assert sum(memory.nbytes for memory in outputs._free) == 3000


def test_more_than_may_be_kept_goes_back_at_once():
    y = of_bytes(5000)
    del y
    assert outputs._free == []


def in_a_child(results):
    results.put(of_bytes(5000).nbytes)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking beside threads: that is what is tried
def test_a_child_that_is_forked_meanwhile_does_not_wait_for_its_parents_threads():
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    with outputs._guard:
        child = context.Process(target=in_a_child, args=(results,))
        child.start()
    child.join(20)
    assert child.exitcode == 0
    assert results.get() == 5000


def test_small_results_and_other_libraries_have_their_own(xp):
    y = empty_output((3, 4), xp.float32, xp.asarray([1.0]))
    assert y.shape == (3, 4)
    assert type(y) is type(xp.asarray([1.0]))
    assert outputs._free == []
