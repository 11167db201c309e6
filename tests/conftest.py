"""Fixtures shared by all tests."""

import importlib
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import hypothesis
import numpy as np
import pytest

DOUBLE = Path(__file__).parent / "device_double"
"""Where ``cupy`` and ``cupyx`` are stand-ins that need no GPU."""


def pytest_addoption(parser):
    parser.addoption(
        "--xp",
        action="append",
        choices=["numpy", "strict", "double", "cupy"],
        help="array library under test, may be repeated (default: numpy, strict, double; cupy needs a GPU)",
    )


def pytest_configure(config):
    # a busy machine is no fault of a property
    hypothesis.settings.register_profile("patient", parent=hypothesis.settings(), deadline=None)
    hypothesis.settings.load_profile("patient")
    config.option.xp = config.option.xp or ["numpy", "strict", "double"]
    if {"double", "cupy"} <= set(config.option.xp):
        raise pytest.UsageError("--xp double stands in for cupy: take one of the two")


def pytest_generate_tests(metafunc):
    if "xp" in metafunc.fixturenames:
        metafunc.parametrize("xp", metafunc.config.option.xp, indirect=True)
    if "gpu" in metafunc.fixturenames:
        gpus = [name for name in metafunc.config.option.xp if name in ("double", "cupy")]
        metafunc.parametrize("gpu", gpus, indirect=True)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def xp(request):
    """The array library under test: code inside the array API standard must run on all of them."""
    return _library(request)


@pytest.fixture
def gpu(request):
    """CuPy where a GPU is, or its stand-in."""
    return _library(request)


def _library(request):
    if request.param == "double":
        return request.getfixturevalue("double_of_cupy")
    return importlib.import_module({"strict": "array_api_strict"}.get(request.param, request.param))


@pytest.fixture
def double_of_cupy():
    """Make ``cupy`` importable, as its stand-in: to the tests beside this one it is what the machine has."""
    real = _take_away_cupy()
    sys.modules.update(_double_modules)
    sys.path.insert(0, str(DOUBLE))
    yield importlib.import_module("cupy")
    sys.path.remove(str(DOUBLE))
    _double_modules.update(_take_away_cupy())
    sys.modules.update(real)


_double_modules = {}
"""The stand-in is imported once: its arrays are of one class in all tests."""


def _take_away_cupy():
    """Forget the loaded modules of CuPy and return them."""
    loaded = [name for name in sys.modules if name.partition(".")[0] in ("cupy", "cupyx")]
    return {name: sys.modules.pop(name) for name in loaded}


@pytest.fixture
def no_cupy(monkeypatch):
    """A machine without CuPy, and without its stand-in; what lies beside them is found."""
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    find = PathFinder.find_spec
    hidden = {place for place in sys.path if (Path(place) / "cupy").is_dir()}

    def find_another(name, path=None, target=None):
        if name == "cupy":
            path = [place for place in sys.path if place not in hidden]
        return find(name, path, target)

    monkeypatch.setattr(PathFinder, "find_spec", find_another)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real photos, weights and recorded results; skip where it is absent.

    ``MINIRCNN_SHARED_DATA`` names it; the default lies beside the checkout.
    """
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MINIRCNN_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set MINIRCNN_SHARED_DATA)")
    return folder
