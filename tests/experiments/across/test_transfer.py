"""What is learnt before and what is left of it, as an experiment."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from minircnn.experiments import EXPERIMENTS
from minircnn.experiments.across.transfer import MOVED, TUNINGS, moved, old_accuracies, rows
from minircnn.experiments.pretrained_backbone import digit_backbone
from minircnn.training import BackboneSettings
from minircnn.training.pretraining import load_classifier


@pytest.fixture(scope="module")
def result(quick_run):
    return quick_run("transfer")[0]


def values(result):
    return {
        row["name"]: {name: summary["mean"] for name, summary in row["values"].items()}
        for row in result["rows"]
    }


def layers(result, name):
    (curves,) = result["curves"][name]
    return [y for _, y in curves[MOVED]]


def test_a_random_network_has_no_old_task(result):
    table = values(result)
    assert set(table["random"]) == {"map"}
    assert all(set(table[n]) == {"map", "old_before", "old_after", "change"} for n in ("digits", "photos"))


def test_the_change_is_that_of_the_old_task(result):
    for name, row in values(result).items():
        if name != "random":
            assert row["change"] == row["old_after"] - row["old_before"]
            assert min(row["old_before"], row["old_after"]) >= 0


def test_frozen_layers_do_not_move_and_the_others_do(result):
    assert layers(result, "digits-frozen")[:4] == [0, 0, 0, 0]
    assert min(layers(result, "digits-frozen")[4:]) > 0
    assert all(min(layers(result, name)) > 0 for name in ("random", "photos", "digits"))
    assert all(len(layers(result, name)) == 6 for name in values(result))


def test_the_same_network_before_is_the_same_accuracy(result):
    table = values(result)
    assert table["digits"]["old_before"] == table["digits-frozen"]["old_before"]


def test_a_network_that_did_not_move_forgets_nothing(quick_bench):
    weights = digit_backbone(quick_bench).weights
    assert weights is not None
    _, classifier = load_classifier(weights)
    detector = type("Detector", (), {"network": classifier})
    before, after = old_accuracies(quick_bench, "digits", weights, detector)
    assert before == after


def test_another_network_can_be_pretrained_and_each_is_kept(quick_bench):
    other = BackboneSettings("tiny", widths=(16,), frozen=("conv1",))
    first = digit_backbone(quick_bench, other)
    assert dataclasses.replace(first, weights=None) == other
    backbone, _ = load_classifier(first.weights)
    assert backbone.feature_dim == 16
    written = Path(first.weights).stat().st_mtime_ns
    assert digit_backbone(quick_bench, other) == first
    assert Path(first.weights).stat().st_mtime_ns == written
    assert digit_backbone(quick_bench).weights != first.weights


def test_how_far_layers_move_is_relative():
    weight = np.array([[3.0, 4.0]])
    assert moved(iter([("a", weight)]), iter([("a", weight * 1.5)])) == [(1, 0.5)]


def test_the_full_form_has_every_row_and_every_effect_its_rows(quick_bench):
    full = dataclasses.replace(quick_bench, quick=False)
    names = [row.name for row in rows(full)]
    assert names == list(TUNINGS)
    assert all({e.of, e.than} <= set(names) for e in EXPERIMENTS["transfer"].effects)
