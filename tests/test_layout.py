"""The package reads in the order of the lecture: a module imports from lower floors only."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "minircnn"

FLOORS = {
    "arrays": 0,
    "checks": 0,
    "devices": 0,
    "files": 0,
    "array_files": 0,
    "interrupts": 0,
    "progress": 0,
    "registry": 0,
    "workers": 0,
    "columns": 1,
    "interop": 1,
    "panoptic": 1,
    "profiling": 1,
    "scene": 1,
    "structures": 1,
    "textbook": 1,
    "exercises": 2,
    "kernels": 2,
    "boxes": 3,
    "imaging": 3,
    "data": 3,
    "evaluation": 3,
    "nn": 3,
    "weights": 3,
    "backbones": 4,
    "features": 4,
    "proposals": 5,
    "heads": 5,
    "detectors": 6,
    "pretrained": 7,
    "training": 7,
    "experiments": 8,
    "viz": 8,
    "cli": 8,
}
UPSTAIRS = {("structures.py", "viz")}  # a notebook asks a record for its picture, imported when it asks
SIDE_ROOMS = {"data", "evaluation"}


def _imported_parts(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("minircnn."):
                yield name.split(".")[1]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own in ("__init__", "__main__"):
        return  # the front door shows everything
    for part in _imported_parts(path):
        if (path.relative_to(PACKAGE).as_posix(), part) in UPSTAIRS:
            continue
        assert FLOORS[part] <= FLOORS[own], f"{path.name} on floor {FLOORS[own]} imports {part}"
        if part in SIDE_ROOMS:
            assert own in {part, "experiments", "viz", "cli", "training"}, (
                f"{own} may not look into the side room {part}"
            )


def test_every_part_has_its_floor():
    parts = {p.name.removesuffix(".py") for p in PACKAGE.iterdir() if p.suffix == ".py" or p.is_dir()}
    assert parts - {"__init__", "__main__", "__pycache__"} == set(FLOORS)
