"""``import minircnn`` is cheap and offers what it lists."""

import subprocess
import sys

import pytest

import minircnn


@pytest.mark.parametrize("name", minircnn.__all__)
def test_every_name_is_there_and_documented(name):
    assert getattr(minircnn, name).__doc__


def test_the_lists_agree():
    assert set(minircnn.__all__) == set(minircnn._MODULE_OF)
    assert set(minircnn.__all__) <= set(dir(minircnn))


def test_unknown_names_raise():
    with pytest.raises(AttributeError, match="no attribute 'yolo'"):
        minircnn.yolo  # noqa: B018


def test_importing_loads_no_heavy_library():
    code = "import sys, minircnn; print(*{'matplotlib', 'sklearn', 'skimage', 'torch'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
