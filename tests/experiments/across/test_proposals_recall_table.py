"""Recall and MABO of proposals as an experiment, and the boxes that they are compared with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minircnn.evaluation import proposal_recall
from minircnn.experiments import EXPERIMENTS, Bench
from minircnn.experiments.across.boxes import FlatSegmentation, prefixes, random_in, shuffled
from minircnn.proposals import SelectiveSearch


@pytest.fixture(scope="module")
def result(quick_run):
    return quick_run("proposals-recall")[0]


def rows(result):
    return {row["name"]: row for row in result["rows"]}


def test_the_default_form_has_every_row_of_the_tables(quick_bench):
    bench = Bench(quick_bench.train, quick_bench.test, quick_bench.folder)
    names = [row.name for row in EXPERIMENTS["proposals-recall"].rows(bench)]
    assert len(names) == len(set(names)) == 17 + 2 + 3 + 3
    assert {f"RGB-{letters}-50" for letters in ("C", "T", "S", "F", "CTSF")} <= set(names)
    assert {"single", "fast", "quality", "flat", "hierarchies", "rpn", "windows", "random"} <= set(names)


def test_every_effect_names_rows_of_the_default_form(quick_bench):
    bench = Bench(quick_bench.train, quick_bench.test, quick_bench.folder)
    names = {row.name for row in EXPERIMENTS["proposals-recall"].rows(bench)}
    assert {end for e in EXPERIMENTS["proposals-recall"].effects for end in (e.of, e.than)} <= names


def test_a_row_is_what_the_measure_says_of_its_proposals(result, quick_bench):
    search = SelectiveSearch(mode="single", min_size=10, max_width=1000)
    boxes = quick_bench.proposals(quick_bench.test, search)
    truth = [quick_bench.test.annotations(index) for index in range(len(quick_bench.test))]
    expected = proposal_recall(boxes, truth)
    values = rows(result)["single"]["values"]
    assert values["mabo"]["mean"] == expected.mabo
    assert values["recall"]["mean"] == expected.class_recall[0]
    assert values["boxes"]["mean"] == expected.num_proposals


def test_more_boxes_never_cover_less(result):
    for name, (curves,) in result["curves"].items():
        for curve in curves.values():
            counts, shares = np.array(curve).T
            assert (np.diff(counts) >= 0).all(), name
            assert (np.diff(shares) >= 0).all(), name
        values = rows(result)[name]["values"]
        assert curves["MABO"][-1] == [values["boxes"]["mean"], values["mabo"]["mean"]]


def test_more_strategies_cover_more(result):
    mabo = {name: row["values"]["mabo"]["mean"] for name, row in rows(result).items()}
    assert mabo["hierarchies"] >= mabo["RGB-CTSF-50"]
    assert mabo["fast"] >= mabo["HSV-CTSF-50"]  # one of the eight


def test_random_boxes_are_as_many_as_those_of_the_fast_mode(result):
    boxes = {name: row["values"]["boxes"]["mean"] for name, row in rows(result).items()}
    assert boxes["random"] == boxes["fast"]


def test_what_no_seed_changes_is_told_apart_after_one_run(result):
    verdicts = {effect["than"]: effect["verdict"] for effect in result["effects"]}
    assert verdicts["single"] == "more"
    assert verdicts["random"] == "one run"


def test_the_published_figures_stand_beside(result):
    assert rows(result)["fast"]["published"] == {"recall": 0.980, "mabo": 0.804, "boxes": 2134}


def test_flat_segments_are_different_boxes_of_the_least_size():
    rng = np.random.default_rng(0)
    image = np.repeat(np.repeat(rng.integers(0, 256, (6, 8, 3)), 12, axis=0), 12, axis=1).astype(np.uint8)
    boxes = FlatSegmentation((50.0, 100.0), 10.0).propose(image)
    assert len(boxes) == len(np.unique(boxes, axis=0)) > 5
    assert (boxes[:, 2:] - boxes[:, :2] >= 10).all()
    assert (boxes >= 0).all()
    assert (boxes <= [96, 72, 96, 72]).all()


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 30), st.floats(1, 40), st.integers(0, 99))
def test_random_boxes_lie_in_the_photo_and_are_large_enough(height, width, count, least, seed):
    boxes = random_in(height, width, count, least, np.random.default_rng(seed))
    assert boxes.shape == (count, 4)
    assert (boxes >= 0).all()
    assert (boxes <= np.array([width, height] * 2) + 1e-4).all()
    assert (boxes[:, 2:] - boxes[:, :2] >= np.minimum(least, [width, height]) - 1e-3).all()


def test_shuffled_boxes_are_the_same_in_another_order():
    boxes = [np.arange(80.0).reshape(20, 4), np.zeros((0, 4))]
    first, again, other = (shuffled(boxes, seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(first[np.argsort(first[:, 0])], boxes[0])


@given(st.integers(1, 30_000))
def test_curves_end_at_the_longest(longest):
    counts = prefixes(longest)
    assert counts[-1] == longest
    assert counts == sorted(set(counts))
