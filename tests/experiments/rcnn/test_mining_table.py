"""Hard negative mining as an experiment, and the problem that it is to solve."""

from types import SimpleNamespace

import numpy as np
import pytest

from minircnn.experiments.rcnn.svm_objective import FullProblem
from minircnn.heads import fit_one_vs_rest
from minircnn.training import SVMSettings
from minircnn.training.regions import record_of


def rows(result):
    return {row["name"]: row["values"] for row in result["rows"]}


@pytest.fixture
def problem(rng):
    """Return two photos of two classes, whose objects have features of their own."""
    records, features = [], []
    for label in (1, 2):
        gt = np.array([[10, 10, 30, 30]], np.float32)
        low = rng.uniform(0, 50, (20, 2)).astype(np.float32)
        boxes = np.concatenate([low, low + 20], axis=1)
        records.append(record_of(gt, np.array([label]), boxes, 2, 80))
        own = rng.normal(size=(21, 4)).astype(np.float32)
        own[0, label] += 3
        features.append(own)
    fc7 = np.concatenate(features)
    cache = SimpleNamespace(fc7=fc7, scale=lambda name, norm: 1.5)
    return FullProblem(SimpleNamespace(records=records, cache=cache), SVMSettings(C=0.1, tol=1e-4))


def test_the_objective_is_the_one_that_the_solver_reports(problem):
    rng = np.random.default_rng(0)
    fitted = problem.solve(np.arange(len(problem)), rng)
    solution = fit_one_vs_rest(
        problem.features * problem.scale,
        problem.labels,
        problem.settings,
        tol=1e-4,
        rng=np.random.default_rng(0),
    )
    assert problem.objective(fitted) == pytest.approx(float(solution.objective.mean()), rel=1e-5)
    np.testing.assert_array_equal(fitted[:, -1], problem.num_negatives)


def test_fewer_negatives_leave_more_of_the_objective(problem):
    rng = np.random.default_rng(0)
    least = problem.objective(problem.solve(np.arange(len(problem)), rng))
    few = problem.solve(np.arange(5), rng)
    assert (few[:, -1] < problem.num_negatives).all()
    assert problem.objective(few) > least


def test_all_negatives_have_the_least_objective(quick_run):
    table = rows(quick_run("mining")[0])
    least = table["all"]["objective"]["mean"]
    for name in ("random", "hard"):
        assert table[name]["objective"]["mean"] >= least * (1 - 2e-3)  # as far as the solver went
        assert table[name]["negatives"]["mean"] <= table["all"]["negatives"]["mean"]
    assert table["random"]["negatives"]["mean"] == pytest.approx(table["hard"]["negatives"]["mean"], rel=0.1)


def test_curves_end_in_the_table(quick_run):
    result = quick_run("mining")[0]
    table = rows(result)
    for name, (curves,) in result["curves"].items():
        assert set(curves) == {"mAP", "least objective / objective"}
        seen = [x for x, _ in curves["mAP"]]
        assert seen == sorted(seen)
        assert curves["mAP"][-1] == [table[name]["negatives"]["mean"], table[name]["map"]["mean"]]
        assert all(0 < share < 1.01 for _, share in curves["least objective / objective"])
    assert len(result["curves"]["hard"][0]["mAP"]) > 3


def test_mining_ends_as_in_the_detector(quick_run):
    """The pass looks at more photos between two trainings there, which changes nothing."""
    mined = rows(quick_run("mining")[0])["hard"]["map"]["mean"]
    assert mined == pytest.approx(rows(quick_run("svm-vs-softmax")[0])["rcnn-svm"]["map"]["mean"], abs=0.02)
