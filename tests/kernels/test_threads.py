import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from minircnn.kernels import threads
from minircnn.kernels.products import matmul
from minircnn.kernels.scratch import workspace
from minircnn.kernels.threads import one_blas_thread, parallel_for
from minircnn.nn import Conv2d, Linear, LocalResponseNorm, MaxPool2d, RoIPool, Sequential


def run_everything():
    """Return the bits of all layers that share work between threads."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 16, 60, 50), dtype=np.float32)
    conv = Conv2d(16, 24, 3, stride=1, padding=1, rng=rng)
    strided = Conv2d(16, 24, 3, stride=2, rng=rng)
    linear = Linear(60, 400, rng=rng)
    rows = rng.standard_normal((500, 60), dtype=np.float32)
    pool, norm, rois = MaxPool2d(3, 2), LocalResponseNorm(), RoIPool(3, 0.5)
    boxes = np.sort(rng.uniform(0, 100, (30, 2, 2)), axis=1).reshape(30, 4)
    owner = rng.integers(0, 3, 30)
    y = [conv(x), strided(x), pool(x), norm(x), rois(x, boxes, owner)]
    dx = [layer.backward(out) for layer, out in zip((conv, strided, pool, norm, rois), y, strict=True)]
    y.append(linear(rows))
    dx.append(linear.backward(y[-1]))
    grads = [p.grad for layer in (conv, strided, linear) for _, p in layer.named_parameters()]
    return [a.tobytes() for a in (*y, *dx, *grads)]


def test_results_do_not_depend_on_the_number_of_threads():
    with threadpool_limits(1, user_api="blas"):
        alone = run_everything()
    assert run_everything() == alone
    with threadpool_limits(2, user_api="blas"):
        assert run_everything() == alone


def test_every_task_runs_once():
    seen = np.zeros(1000, dtype=int)

    def run(i):
        seen[i] += 1

    parallel_for(run, range(1000), like=seen)
    assert (seen == 1).all()


def test_the_first_exception_comes_through_and_blas_threads_come_back():
    def threads():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    def fail(i):
        if i == 3:
            raise ValueError("task 3")

    before = threads()
    with pytest.raises(ValueError, match="task 3"):
        parallel_for(fail, range(8), like=np.zeros(0))
    assert threads() == before


@pytest.fixture
def two_threads(monkeypatch):
    """Share work between two threads, on however many cores."""
    monkeypatch.setattr(threads._Workers, "threads", lambda self: 2)


def test_an_exception_of_a_helper_comes_through(two_threads):
    caller, first = threading.get_ident(), threading.Barrier(2, timeout=30)

    def run(i):
        first.wait()  # both tasks have begun, each in a thread of its own
        if threading.get_ident() != caller:
            raise ValueError("of a helper")

    with pytest.raises(ValueError, match="of a helper"):
        parallel_for(run, range(2), like=np.zeros(0))


def test_nothing_is_kept_of_a_call_that_is_over():
    array = np.zeros(8)
    gone = weakref.ref(array)

    def call(array):
        parallel_for(lambda i: array.sum(), range(50), like=array)

    call(array)
    del array
    deadline = time.monotonic() + 30
    while gone() is not None and time.monotonic() < deadline:  # a helper may just be waking up
        time.sleep(0.01)
    assert gone() is None


def test_one_hold_of_blas_lasts_until_its_end_and_leaves_the_helpers_free(two_threads):
    def of_blas():
        # those that were there at first use, NumPy's among them: what is imported later may bring one more
        return {library["num_threads"] for library in threads._the_workers().blas.info()}

    with threadpool_limits(2, user_api="blas"):
        with one_blas_thread(np.zeros(0)):
            assert of_blas() == {1}
            with one_blas_thread(np.zeros(0)):
                pass
            both = threading.Barrier(2, timeout=30)
            parallel_for(lambda i: both.wait(), range(2), like=np.zeros(0))  # one thread alone would wait
            assert of_blas() == {1}
        assert of_blas() == {2}


def test_nested_calls_do_not_wait_for_each_other():
    done = []

    def outer(i):
        parallel_for(lambda j: done.append((i, j)), range(3), like=np.zeros(0))

    parallel_for(outer, range(4), like=np.zeros(0))
    assert sorted(done) == [(i, j) for i in range(4) for j in range(3)]


def test_workspace_is_reused_within_a_thread_only():
    a = workspace("test", (4, 5), np.float32, np.zeros(0))
    assert a.shape == (4, 5)
    assert a.dtype == np.float32
    assert np.shares_memory(a, workspace("test", (2, 5), np.float64, np.zeros(0)))
    other = []
    thread = threading.Thread(target=lambda: other.append(workspace("test", (4, 5), np.float32, a)))
    thread.start()
    thread.join()
    assert not np.shares_memory(a, other[0])


@pytest.mark.parametrize(
    "shape", [(3, 4, 5), (700, 300, 90), (40, 3000, 700), (1, 5000, 30), (0, 4, 3), (3, 0, 5)]
)
def test_shared_products_equal_the_plain_one(shape, rng):
    rows, inner, columns = shape
    a, b = rng.normal(size=(rows, inner)), rng.normal(size=(inner, columns))
    np.testing.assert_allclose(matmul(a, b), a @ b, rtol=1e-12, atol=1e-12)
    single = matmul(a.astype(np.float32), b.astype(np.float32))
    assert single.dtype == np.float32


def test_bits_are_the_same_when_several_threads_compute_at_once(rng):
    """BLAS stays at one thread until the last of them is done; how it rounds depends on its threads."""
    net = Sequential(wide=Conv2d(16, 48, 3, padding=1, rng=rng), plain=Conv2d(48, 24, 1, rng=rng))
    net.eval()
    photos = [rng.standard_normal((1, 16, 40 + 8 * i, 44), dtype=np.float32) for i in range(6)]
    alone = [net(photo).tobytes() for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            assert list(pool.map(lambda photo: net(photo).tobytes(), photos)) == alone
