"""Fixtures shared by all tests."""

import os
from pathlib import Path

import array_api_strict
import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(params=["numpy", "array_api_strict"])
def xp(request):
    """The array library under test: code inside the array API standard must run on both."""
    return {"numpy": np, "array_api_strict": array_api_strict}[request.param]


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
