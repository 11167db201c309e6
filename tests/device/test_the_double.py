"""CuPy's stand-in is held against what was recorded, and on a GPU against CuPy itself."""

import importlib
import inspect
import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from counting import counted

FOLDER = Path(__file__).parents[1] / "device_double"
conformance = SimpleNamespace(**runpy.run_path(str(FOLDER / "conformance.py")))
RECORDED = json.loads((FOLDER / "conformance.json").read_text())


@pytest.mark.parametrize("subject", conformance.EXPRESSIONS)
def test_outcomes_are_those_recorded(subject, gpu):
    expected = {text: RECORDED[text] for text in conformance.EXPRESSIONS[subject]}
    assert conformance.differences(expected, conformance.outcomes(gpu, [subject])) == {}


def test_every_expression_is_recorded():
    texts = [text for subject in conformance.EXPRESSIONS.values() for text in subject]
    assert texts == list(RECORDED)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"values": [0.1234567]}, {"values": [0.1234568]}, True),
        ({"values": [0.1234]}, {"values": [0.1235]}, False),
        ({"steps": [4, 1]}, {"steps": [1, 4]}, False),
        ({"raises": "TypeError"}, {"raises": "ValueError"}, False),
        ({"raises": "TypeError"}, "None", False),
        ([1.0, 2.0], [1.0], False),
    ],
)
def test_what_differs_is_seen(one, other, alike):
    found = conformance.differences({"a": one}, {"a": other})
    assert found == ({} if alike else {"a": (one, other)})


def test_the_double_is_gone_after_a_test():
    assert not any(name.startswith("cupy") for name, module in sys.modules.items() if _is_of_double(module))
    assert str(FOLDER) not in sys.path


def _is_of_double(module):
    return str(FOLDER) in str(getattr(module, "__file__", ""))


HOST = np.zeros((2, 3, 4, 5), np.float32)
WORK = {  # expression: launches, waits, uploads, downloads
    "a + a": (1, 0, 0, 0),
    "a.T": (0, 0, 0, 0),
    "a[1:, ::2]": (0, 0, 0, 0),
    "a.reshape(4, 3)": (0, 0, 0, 0),
    "a.T.reshape(12)": (1, 0, 0, 0),
    "a.__iadd__(1)": (1, 0, 0, 0),
    "a.__setitem__(0, 0)": (1, 0, 0, 0),
    "a.__setitem__(slice(None), a)": (0, 0, 0, 0),
    "a.sum()": (1, 0, 0, 0),
    "float(a.sum())": (1, 1, 0, 1),
    "bool((a > 0).any())": (2, 1, 0, 1),
    "a.get()": (0, 1, 0, 1),
    "a.T.get()": (1, 1, 0, 1),
    "cp.asarray(HOST)": (0, 0, 1, 0),
    "a[i]": (1, 0, 0, 0),
    "a[m]": (2, 1, 0, 1),
    "a[[0, 1]]": (1, 0, 1, 0),
    "a[:i[0]]": (0, 1, 0, 1),
    "a @ a.T": (1, 0, 0, 0),
    "a[:, ::2] @ a[:, ::2].T": (3, 0, 0, 0),
    "cp.concatenate([a, a, a[:0]])": (2, 0, 0, 0),
    "cp.lib.stride_tricks.sliding_window_view(a, (2, 2))": (2, 2, 1, 2),
    "cp.cuda.get_current_stream().synchronize()": (0, 1, 0, 0),
}


@pytest.mark.parametrize("expression", WORK)
def test_the_ledger_counts(expression, double_of_cupy):
    a = double_of_cupy.asarray(np.arange(12, dtype=np.float32).reshape(3, 4))
    names = {"cp": double_of_cupy, "HOST": HOST, "a": a, "i": double_of_cupy.asarray([2, 0]), "m": a > 5}
    with counted() as work:
        eval(expression, names)
    assert (work.launches, work.waits, work.uploads, work.downloads) == WORK[expression]


def test_the_ledger_names_the_calling_line(double_of_cupy):
    a = double_of_cupy.zeros(3)
    with counted() as work:
        for _ in range(4):
            float(a[0] + a[1])
    here = f"tests/device/test_the_double.py:{inspect.currentframe().f_lineno - 1}"
    assert work.sites["launch", here] == work.sites["sync", here] == 4
    assert work.lines(1).endswith(here)
    assert (work.launches, work.waits) == (4, 4)
    work.check(launches=4, waits=4)
    with pytest.raises(AssertionError, match=f"4 waits, the budget is 3:\n.*{here}"):
        work.check(launches=4, waits=3)


def test_an_upload_is_rearranged_unless_it_lies_by_rows_or_columns(double_of_cupy):
    ledger = importlib.import_module("cupy._ledger").ledger
    for view, rearranged in ((HOST, 0), (HOST[0, 0].T, 0), (HOST.transpose(0, 2, 3, 1), 1)):
        before = ledger.total["host relayout"]
        double_of_cupy.asarray(view)
        assert ledger.total["host relayout"] - before == rearranged


def test_bytes_and_products_are_counted(double_of_cupy):
    ledger = importlib.import_module("cupy._ledger").ledger
    ledger.reset()
    a = double_of_cupy.asarray(np.ones((8, 16), np.float32))
    a @ a.T
    assert ledger.total["h2d_bytes"] == 8 * 16 * 4
    assert ledger.total["flops"] == 2 * 8 * 8 * 16
    assert ledger.by_op["matmul"] == 1


def test_products_can_be_left_out(double_of_cupy, monkeypatch):
    monkeypatch.setattr("cupy._products.COUNT_ONLY", True)
    a, few = double_of_cupy.ones((30, 40)), double_of_cupy.ones((2, 2))
    assert not (a @ a.T).get().any()
    assert (few @ few).get().tolist() == [[2, 2], [2, 2]]  # with such a device is tried
    with pytest.raises(ValueError, match="do not fit"):
        a @ a


def test_new_memory_holds_anything(double_of_cupy):
    assert np.isnan(double_of_cupy.empty(3).get()).all()
    assert (double_of_cupy.empty_like(double_of_cupy.zeros(3, "i4")).get() > 1e8).all()


def test_of_several_values_for_one_place_another_stays_than_in_numpy(double_of_cupy):
    host, device = np.zeros(2), double_of_cupy.zeros(2)
    values, places = np.arange(6.0), np.array([0, 1, 0, 1, 0, 1])
    host[places] = values
    device[double_of_cupy.asarray(places)] = double_of_cupy.asarray(values)
    assert (host.tolist(), device.get().tolist()) == ([4, 5], [0, 1])


def test_sums_are_scattered_in_another_order_than_in_numpy(double_of_cupy, rng):
    values = rng.standard_normal(10_000).astype(np.float32)
    places = np.zeros(10_000, np.int64)
    host, device = np.zeros(1, np.float32), double_of_cupy.zeros(1, "f4")
    np.add.at(host, places, values)
    device.scatter_add(double_of_cupy.asarray(places), double_of_cupy.asarray(values))
    assert host[0] != float(device[0]) == pytest.approx(values.sum(dtype=float), rel=1e-4)


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("cp.einsum('i->', a)", "cupy.einsum"),
        ("cp.linalg.svd(a)", "cupy.linalg.svd"),
        ("cp.random.rand(3)", "cupy.random.rand"),
        ("cp.fft.fft(a)", "cupy.fft.fft"),
        ("cp.RawKernel('', '')", "cupy.RawKernel"),
        ("cp.add.reduce(a)", "cupy.add.reduce"),
        ("a.put(0, 1)", "cupy.ndarray.put"),
        ("a.__cuda_array_interface__", "cupy.ndarray.__cuda_array_interface__"),
        ("cp.cuda.Event()", "cupy.cuda.Event"),
    ],
)
def test_what_is_not_modelled_says_so(expression, name, double_of_cupy):
    api = importlib.import_module("cupy._api")
    with pytest.raises(api.NotModelled, match=name):
        eval(expression, {"cp": double_of_cupy, "a": double_of_cupy.zeros(3)})


@pytest.mark.parametrize("expression", ["cp.frompyfunc", "cp.cuda.Warp", "cp.linalg.expm", "a.resize"])
def test_what_cupy_lacks_is_no_attribute(expression, double_of_cupy):
    with pytest.raises(AttributeError):
        eval(expression, {"cp": double_of_cupy, "a": double_of_cupy.zeros(3)})


def test_functions_take_what_cupys_take(double_of_cupy):
    """Those written out have CuPy's parameters; the others bind their arguments to its signature."""
    api = importlib.import_module("cupy._api")
    owners = {"cupy": double_of_cupy, "cupy.ndarray": double_of_cupy.ndarray}
    compared = []
    for name in set(api.API["signatures"]) - LOOSER:
        owner, _, short = name.rpartition(".")
        own = vars(owners[owner]).get(short)
        if inspect.isfunction(own) and "args" not in (found := inspect.signature(own).parameters):
            recorded = api.signature(name).parameters
            assert [(p.name, p.kind) for p in found.values()] == [
                (p.name, p.kind) for p in recorded.values()
            ], name
            compared.append(name)
    assert len(compared) > 50


LOOSER = {f"cupy.{name}" for name in ("argsort", "matmul", "nonzero", "ravel", "repeat", "take")}
"""A ufunc of many keywords, and those that only call the method of their name: they take what that takes."""
