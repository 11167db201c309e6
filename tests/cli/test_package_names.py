"""``import minircnn`` is cheap and offers what it lists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import minircnn


@pytest.mark.parametrize("name", minircnn.__all__)
def test_every_name_is_there_and_documented(name):
    assert getattr(minircnn, name).__doc__


def test_the_lists_agree():
    stub = Path(minircnn.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    assert set(minircnn.__all__) == set(re.findall(r"import (\w+) as \1$", stub, re.MULTILINE))
    assert set(minircnn.__all__) <= set(dir(minircnn))


def test_unknown_names_raise():
    with pytest.raises(AttributeError, match="attribute yolo"):
        minircnn.yolo  # noqa: B018


def test_importing_loads_no_heavy_library():
    code = "import sys, minircnn; print(*{'matplotlib', 'sklearn', 'skimage', 'torch'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
