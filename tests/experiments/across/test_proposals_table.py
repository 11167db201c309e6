"""Number and kind of proposals as an experiment."""

import numpy as np
import pytest

from minircnn.evaluation import proposal_recall
from minircnn.experiments import EXPERIMENTS, Bench
from minircnn.experiments.across import proposals
from minircnn.proposals import SelectiveSearch


@pytest.fixture(scope="module")
def result(quick_run):
    return quick_run("proposals")[0]


def means(result):
    return {row["name"]: {n: v["mean"] for n, v in row["values"].items()} for row in result["rows"]}


def test_the_boxes_it_was_trained_with_give_the_plain_detector(result, quick_bench):
    plain = quick_bench.evaluate(quick_bench.trained(quick_bench.settings("fast-rcnn")))
    assert means(result)["trained"]["map"] == plain.map


def test_the_first_boxes_give_what_they_would_give_alone(result, quick_bench):
    search = SelectiveSearch(min_size=10, max_width=1000)
    boxes = [own[:38] for own in quick_bench.proposals(quick_bench.test, search)]
    detector = quick_bench.trained(quick_bench.settings("fast-rcnn"))
    alone = quick_bench.evaluate(detector, proposals=boxes)
    assert means(result)["search-x0.25"]["map"] == pytest.approx(alone.map)


def test_average_recall_is_the_mean_over_ten_thresholds(result, quick_bench):
    boxes = quick_bench.proposals(quick_bench.test, quick_bench.settings("fast-rcnn").proposer())
    truth = [quick_bench.test.annotations(index) for index in range(len(quick_bench.test))]
    expected = np.mean(proposal_recall(boxes, truth, np.arange(0.5, 1, 0.05)).recall)
    assert means(result)["trained"]["recall"] == pytest.approx(expected)


def test_more_boxes_of_a_kind_never_cover_less(result):
    found = means(result)
    sweep = [row for row in result["rows"] if row["x"] is not None]
    assert [row["x"] for row in sweep] == [19, 38, 75, 150, 300, 600, 1200]
    assert (np.diff([row["values"]["recall"]["mean"] for row in sweep]) >= 0).all()
    assert found["mixed"]["recall"] >= max(found["trained"]["recall"], found["windows"]["recall"])
    for curves in result["curves"].values():
        assert (np.diff(np.array(curves[0]["average recall"]), axis=0) >= 0).all()


def test_curves_end_at_the_figures_of_their_row(result):
    for name, (curves,) in result["curves"].items():
        found = means(result)[name]
        assert curves["mAP"][-1] == [found["boxes"], found["map"]]


def test_kinds_hold_as_many_boxes_as_they_say(result, quick_bench):
    found = means(result)
    objects = [len(quick_bench.test.annotations(index).boxes) for index in range(len(quick_bench.test))]
    assert found["truth"]["boxes"] == np.mean(objects)
    assert found["truth"]["recall"] == 1
    assert found["random"]["boxes"] == found["trained"]["boxes"]
    assert found["mixed"]["boxes"] == found["trained"]["boxes"] + found["windows"]["boxes"]
    assert found["rpn"]["boxes"] <= found["trained"]["boxes"]


def test_a_photo_without_boxes_has_no_detections(quick_bench):
    detector = quick_bench.trained(quick_bench.settings("fast-rcnn"))
    none = np.zeros((0, 4), np.float32)
    found = proposals._detect_each(detector, quick_bench.test, 0, none, [1, 5])
    assert [len(each) for each in found] == [0, 0]


def test_without_settings_for_a_network_that_proposes_its_row_is_missing(quick_bench):
    bench = Bench(quick_bench.train, quick_bench.test, quick_bench.folder, preset="small")
    names = [row.name for row in EXPERIMENTS["proposals"].rows(bench)]
    assert "rpn" not in names
    assert {end for e in EXPERIMENTS["proposals"].effects for end in (e.of, e.than)} - {*names} == {"rpn"}
