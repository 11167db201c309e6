"""The bench that the tests of all experiments share: a few scenes, trainings of seconds."""

from collections.abc import Callable
from typing import Any

import pytest

from minircnn import Scenes
from minircnn.experiments import EXPERIMENTS, Bench, run_experiment

QUICK_SEED = 0
QUICKEST = "test_svd_table.py"
"""The one table that the fast tests measure, too."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count what measures a table among the slow tests."""
    for item in items:
        if "quick_run" in getattr(item, "fixturenames", ()) and item.path.name != QUICKEST:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def quick_bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The bench of ``--quick``; what is trained on it is kept for the session."""
    return Bench(
        Scenes("train", count=16),
        Scenes("test", count=8),
        tmp_path_factory.mktemp("experiments"),
        quick=True,
        updates=0.2,
        preset="scenes-quick",
        progress=False,
    )


@pytest.fixture(scope="session")
def quick_run(quick_bench: Bench) -> Callable[[str], tuple[dict[str, Any], dict[str, Any]]]:
    """Run an experiment by its name on that bench, once; return its result and its times."""
    done: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}

    def run(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        if name not in done:
            done[name] = run_experiment(EXPERIMENTS[name], quick_bench, [QUICK_SEED])
        return done[name]

    return run
