"""Multi-task training as an experiment."""

import numpy as np
import pytest

from minircnn.experiments.fast_rcnn.multitask import second_stage, without_offsets


@pytest.fixture(scope="module")
def table(quick_run):
    return quick_run("multitask")[0]


def rows(result):
    return {row["name"]: row for row in result["rows"]}


def test_the_last_row_is_the_plain_detector(table, quick_bench):
    plain = quick_bench.evaluate(quick_bench.trained(quick_bench.settings("fast-rcnn")))
    assert rows(table)["multi-task"]["values"]["map"]["mean"] == plain.map


def test_the_published_figures_are_those_of_model_l(table):
    published = [row["published"]["map"] for row in table["rows"]]
    assert published == [0.626, 0.634, 0.640, 0.669]
    gain = next(effect for effect in table["effects"] if effect["than"] == "stage-wise")
    assert gain["published"] == pytest.approx(0.029)


def test_the_second_stage_trains_the_box_layer_alone(table, quick_bench):
    first = quick_bench.settings("fast-rcnn", {"bbox_loss_weight": 0.0})
    before, after = (
        quick_bench.trained(settings).network.state_dict() for settings in (first, second_stage(quick_bench))
    )
    same = {name for name in before if np.array_equal(before[name], after[name])}
    assert before.keys() - same == {"outputs.bbox_pred.weight", "outputs.bbox_pred.bias"}


def test_boxes_that_are_not_moved_are_the_proposals(quick_bench):
    detector = without_offsets(quick_bench.trained(quick_bench.settings("fast-rcnn")))
    boxes = np.array([[10.0, 20, 50, 90], [0, 0, 30, 30]], dtype=np.float32)
    _, judged = detector.judge(detector.look(quick_bench.test.image(0)), boxes)
    assert np.allclose(judged, boxes[:, None], atol=1e-4)
