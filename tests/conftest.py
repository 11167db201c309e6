"""Fixtures shared by all tests."""

import importlib
import os
import sys
from pathlib import Path

import array_api_strict
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
    config.option.xp = config.option.xp or ["numpy", "strict", "double"]
    if {"double", "cupy"} <= set(config.option.xp):
        raise pytest.UsageError("--xp double stands in for cupy: take one of the two")
    if "double" in config.option.xp:
        sys.path.insert(0, str(DOUBLE))


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
    return _library(request.param)


@pytest.fixture
def gpu(request):
    """CuPy where a GPU is, or its stand-in."""
    return _library(request.param)


def _library(name):
    if name == "strict":
        return array_api_strict
    return np if name == "numpy" else importlib.import_module("cupy")


@pytest.fixture
def no_cupy(monkeypatch):
    """A machine without CuPy, and without its stand-in."""
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    places = [place for place in sys.path if not (Path(place) / "cupy").is_dir()]
    monkeypatch.setattr(sys, "path", places)


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
