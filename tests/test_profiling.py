"""A profile counts every stage once, adds up, and costs nothing while nobody listens."""

import contextvars
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minircnn.profiling as profiling
from minircnn.nn import Linear, ReLU, Sequential
from minircnn.profiling import peak_memory, profiled, stage


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when told: ``clock.append(seconds)``."""
    passed = []
    monkeypatch.setattr(profiling.time, "perf_counter", lambda: float(sum(passed)))
    return passed


def test_stages_nest_and_add_up(clock):
    with profiled() as total:
        for _ in range(3):
            with stage("photo"):
                with stage("read"):
                    clock.append(1)
                clock.append(2)
                with stage("detect"), stage("conv"):
                    clock.append(4)
        clock.append(8)
    photo = total.find("photo")
    assert (total.calls, total.seconds, total.other) == (1, 29, 8)
    assert (photo.calls, photo.seconds, photo.other) == (3, 21, 6)
    assert list(photo.children) == ["read", "detect"]
    assert (photo.find("read").seconds, photo.find("detect", "conv").seconds) == (3, 12)
    assert photo.find("detect").other == 0


trees = st.recursive(
    st.just([]), lambda inner: st.lists(st.tuples(st.sampled_from("abc"), inner), max_size=4), max_leaves=12
)


@given(trees)
def test_no_stage_is_longer_than_what_holds_it(tree):
    def run(branches):
        for name, inner in branches:
            with stage(name):
                run(inner)

    def count(branches):
        return sum(1 + count(inner) for _, inner in branches)

    def check(node):
        assert sum(child.seconds for child in node.children.values()) + node.other == pytest.approx(
            node.seconds
        )
        assert node.other >= -1e-9
        return sum(child.calls + check(child) for child in node.children.values())

    with profiled() as total:
        run(tree)
    assert check(total) == count(tree)


def test_an_exception_closes_its_stages(clock):
    def fail():
        clock.append(1)
        raise ZeroDivisionError

    with profiled() as total:
        with pytest.raises(ZeroDivisionError), stage("outer"), stage("inner"):
            fail()
        with stage("after"):
            clock.append(2)
    assert list(total.children) == ["outer", "after"]
    assert total.find("outer", "inner").seconds == 1
    assert total.seconds == 3


def test_an_exception_ends_the_profile():
    with pytest.raises(ZeroDivisionError), profiled() as total:
        _ = 1 / 0
    with stage("late"):
        pass
    assert total.calls == 1
    assert not total.children


def test_nothing_is_recorded_unless_asked_for():
    with stage("before"):
        pass
    with profiled() as total:
        pass
    with stage("after"):
        pass
    assert not total.children


def test_a_method_is_named_by_a_decorator():
    class Cook:
        @stage("boil")
        def boil(self, eggs, *, minutes=5):
            """Boil eggs."""
            return eggs * minutes

    cook = Cook()
    assert cook.boil(2) == 10
    with profiled() as total:
        assert cook.boil(3, minutes=4) == 12
        assert stage("count")(len)([1, 2]) == 2
        with pytest.raises(TypeError):
            cook.boil()
    assert {name: child.calls for name, child in total.children.items()} == {"boil": 2, "count": 1}
    assert Cook.boil.__doc__ == "Boil eggs."


def test_a_recursive_stage_is_its_own_child():
    @stage("fall")
    def fall(depth):
        return fall(depth - 1) if depth else "ground"

    with profiled() as total:
        assert fall(2) == "ground"
    assert total.find("fall", "fall", "fall").calls == 1


def test_profiles_inside_one_another_are_apart():
    with profiled() as outer, stage("a"):
        with profiled() as inner, stage("b"):
            pass
        with stage("c"):
            pass
    assert list(inner.children) == ["b"]
    assert list(outer.find("a").children) == ["c"]


@pytest.mark.parametrize("inherit", [False, True], ids=["bare thread", "thread with the caller's context"])
def test_other_threads_are_not_recorded(inherit):
    def work():
        with stage("helper"):
            pass

    with profiled() as total, stage("caller"):
        target = contextvars.copy_context().run if inherit else lambda f: f()
        thread = threading.Thread(target=target, args=(work,))
        thread.start()
        thread.join()
    assert list(total.children) == ["caller"]
    assert not total.find("caller").children


def test_threads_profile_themselves():
    totals = {}

    def work(name):
        with profiled() as total, stage(name):
            barrier.wait()
        totals[name] = total

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: list(total.children) for name, total in totals.items()} == {"a": ["a"], "b": ["b"]}


def test_the_device_is_waited_for_at_both_ends_of_a_stage(monkeypatch):
    waited = []
    monkeypatch.setattr(profiling, "synchronize", waited.append)
    array = np.zeros(1)
    with profiled(array), stage("a"):
        assert len(waited) == 2  # at the beginning of the profile and of the stage
    assert len(waited) == 4
    assert all(x is array for x in waited)


def test_layers_of_a_chain_are_stages(rng):
    net = Sequential(fc6=Linear(4, 3, rng=rng), relu6=ReLU(), fc7=Sequential(vt=Linear(3, 2), u=Linear(2, 3)))
    with profiled() as total:
        with stage("forward"):
            y = net.forward(rng.normal(size=(2, 4)).astype(np.float32))
        with stage("backward"):
            net.backward(y)
    assert list(total.find("forward").children) == ["fc6", "relu6", "fc7"]
    assert list(total.find("forward", "fc7").children) == ["vt", "u"]
    assert list(total.find("backward").children) == ["fc7", "relu6", "fc6"]


def test_the_record_holds_the_tree(clock):
    with profiled() as total, stage("a"):
        clock.append(1)
    assert total.to_record() == {
        "stage": "total",
        "calls": 1,
        "seconds": 1.0,
        "stages": [{"stage": "a", "calls": 1, "seconds": 1.0, "stages": []}],
    }


@pytest.mark.slow
def test_peak_memory_counts_what_was_held():
    pytest.importorskip("resource")
    before = peak_memory()
    assert before > 1 << 20  # bytes: no Python fits into one megabyte
    held = np.ones(before, dtype=np.uint8)  # at least doubles what the process holds
    assert peak_memory() >= held.nbytes
