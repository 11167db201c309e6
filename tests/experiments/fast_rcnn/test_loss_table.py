"""Smooth L1 against L2, as an experiment."""

from dataclasses import replace

import numpy as np
import pytest

from minircnn import Detections, Scenes
from minircnn.detectors.running import Outcome
from minircnn.experiments import EXPERIMENTS
from minircnn.experiments.fast_rcnn import loss
from minircnn.training import FastRCNNTrainer
from minircnn.training.checkpoint import NotFiniteError


@pytest.fixture(scope="module")
def table(quick_run):
    return quick_run("loss")[0]


def test_rows_and_figures_are_in_their_ranges(table):
    assert [row["name"] for row in table["rows"]] == ["smooth-l1-outliers", "l2-outliers"]
    for row in table["rows"]:
        values = {name: value["mean"] for name, value in row["values"].items()}
        assert values["diverged"] in (0, 1)
        assert 0 <= values["map"] <= 1
        assert 0 <= values["overlap"] <= 1


def test_both_losses_have_both_rows_where_time_allows(quick_bench):
    found = EXPERIMENTS["loss"].rows(replace(quick_bench, quick=False))
    assert [row.name for row in found] == [
        "smooth-l1-clean", "smooth-l1-outliers", "l2-clean", "l2-outliers"
    ]  # fmt: skip


def test_a_training_with_outliers_is_done_once(table, quick_bench, monkeypatch):
    settings = quick_bench.settings("fast-rcnn", {"bbox_loss": "smooth-l1", "solver.clip_norm": None})
    monkeypatch.setattr(loss, "OutlierTrainer", None)
    again = loss.with_outliers(quick_bench, settings)
    assert quick_bench.evaluate(again).map == table["rows"][0]["values"]["map"]["mean"]


def test_a_training_that_diverges_counts_and_detects_nothing(quick_bench, monkeypatch):
    def diverge(*_):
        raise NotFiniteError("the loss is inf")

    monkeypatch.setattr(loss, "with_outliers", diverge)
    row = EXPERIMENTS["loss"].rows(quick_bench)[-1]
    assert row.measure(quick_bench).values == {"map": 0, "overlap": 0, "diverged": 1}


def test_outliers_are_a_share_of_the_targets_and_far_off(quick_bench):
    settings = quick_bench.settings("fast-rcnn")
    scenes = Scenes("train", count=4)
    proposals = quick_bench.proposals(scenes, settings.proposer())
    plain, other = (
        trainer(scenes, proposals, settings) for trainer in (FastRCNNTrainer, loss.OutlierTrainer)
    )
    off = other.make_batch(0).bbox_targets - plain.make_batch(0).bbox_targets
    assert set(np.round(np.abs(off)).ravel().tolist()) == {0, 30}
    rows = np.abs(off).max(axis=1) > 1
    assert (np.abs(off[rows]) > 29).all()
    assert 0 < rows.mean() < 0.3


def test_the_best_overlap_is_that_of_the_own_class():
    truth = Scenes("test", count=1).annotations(0)
    first = truth.boxes[:1]
    label = int(truth.labels[0])
    other = label % 10 + 1
    found = [
        Detections(first, np.array([0.9], np.float32), np.array([number]), truth.class_names)
        for number in (label, other)
    ]
    best = [loss.mean_best_overlap(Outcome([one], [truth], [], [])) for one in found]
    assert best[0] >= 1 / len(truth.boxes)
    assert best[1] < best[0]
