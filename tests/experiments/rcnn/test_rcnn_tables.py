"""The tables that share one fine-tuned R-CNN: layers, SVMs, softmax, boxes that are moved again."""

import dataclasses

import numpy as np
import pytest
from small_detectors import fast_rcnn

from minircnn.boxes import box_iou
from minircnn.detectors import PostprocessSettings
from minircnn.experiments import EXPERIMENTS
from minircnn.experiments.pretrained_backbone import with_weights
from minircnn.experiments.rcnn.rcnn_layers import _two_tasks
from minircnn.experiments.rcnn.regions import Regions, base_rcnn, proposal_records, rcnn_settings, tuned_rcnn
from minircnn.experiments.rcnn.svm_vs_softmax import with_every_score, with_svms
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.training import BackboneSettings


def rows(result):
    return {row["name"]: row for row in result["rows"]}


def values(result, column="map"):
    return {name: row["values"][column]["mean"] for name, row in rows(result).items()}


@pytest.fixture(scope="module")
def plain(quick_bench):
    """Return the mAP of the fine-tuned detector, as it is and with boxes left where they were proposed."""
    detector = quick_bench.trained(rcnn_settings(quick_bench))
    still = dataclasses.replace(detector, regressors=BoxRegressors.none(len(detector.class_names)))
    return {"moved": quick_bench.evaluate(detector).map, "still": quick_bench.evaluate(still).map}


def test_every_layer_is_judged_with_and_without_fine_tuning_and_boxes(quick_run):
    table = rows(quick_run("rcnn-layers")[0])
    assert len(table) == 2 * 3 * 2
    published = {name: row["published"]["map"] for name, row in table.items() if row["published"]}
    assert published["base-pool5"] == 0.442
    assert published["tuned-fc7-boxes"] == 0.585
    assert len(published) == 7
    effects = {effect["what"]: effect for effect in quick_run("rcnn-layers")[0]["effects"]}
    assert len(effects) == 8
    assert effects["fine-tuning, fc7"]["published"] == pytest.approx(0.095)


def test_the_last_layer_is_the_detector_as_it_was_trained(quick_run, plain):
    table = values(quick_run("rcnn-layers")[0])
    assert table["tuned-fc7"] == pytest.approx(plain["still"], abs=1e-6)
    assert table["tuned-fc7-boxes"] == pytest.approx(plain["moved"], abs=1e-6)


def test_boxes_that_move_change_no_score(quick_run):
    table = quick_run("rcnn-layers")[0]
    for column in ("named", "background"):
        shares = values(table, column)
        assert all(0 <= share <= 1 for share in shares.values())
        assert shares["tuned-fc7"] == shares["tuned-fc7-boxes"]


def test_naming_and_background_are_told_apart(quick_bench):
    records = proposal_records(quick_bench, rcnn_settings(quick_bench))
    ideal, blind = [], []
    for record, marked in zip(records, quick_bench.annotations(quick_bench.test), strict=True):
        iou = box_iou(record.boxes, marked.boxes)
        right = np.eye(10, dtype=np.float32)[marked.labels[iou.argmax(axis=1)] - 1]
        ideal.append(right * iou.max(axis=1, keepdims=True))
        blind.append(right)  # names what is nearest, and knows no background
    test = Regions(records, None)
    assert _two_tasks(quick_bench, test, ideal) == {"named": 1.0, "background": 0.0}
    halved = [
        own * np.where(best.max(axis=1, keepdims=True) < 0.1, 1.0, 0.5)
        for own, best in zip(blind, ideal, strict=True)
    ]
    assert _two_tasks(quick_bench, test, halved) == {"named": 1.0, "background": 1.0}


def test_a_backbone_without_fully_connected_layers_has_two_layers(quick_bench):
    bench = dataclasses.replace(quick_bench, backbone=BackboneSettings("squeezenet1_1"))
    names = [row.name for row in EXPERIMENTS["rcnn-layers"].rows(bench)]
    assert names[::2] == ["base-pool5", "base-fc7", "tuned-pool5", "tuned-fc7"]


def base_backbone(bench):
    return with_weights(bench, bench.settings("rcnn").backbone)


def test_layers_that_take_one_size_of_crop_get_it(quick_bench):
    whole = BackboneSettings("squeezenet1_1", weights="some.npz")
    for backbone, size in ((whole, 112), (dataclasses.replace(whole, widths=(8, 8)), None)):
        bench = dataclasses.replace(quick_bench, preset="pretrained", backbone=backbone)
        assert rcnn_settings(bench).crop_size == size


def test_weights_that_are_given_are_the_base(quick_bench):
    made = base_backbone(quick_bench)
    given = dataclasses.replace(quick_bench, backbone=made)
    assert base_backbone(given) == made
    first, again = (base_rcnn(bench, rcnn_settings(bench)) for bench in (quick_bench, given))
    one, two = first.network.state_dict(), again.network.state_dict()
    for name, array in one.items():
        np.testing.assert_array_equal(array, two[name])


def test_the_pre_trained_network_follows_from_the_seed(quick_bench):
    assert base_backbone(quick_bench) == base_backbone(quick_bench)
    assert base_backbone(quick_bench).weights != base_backbone(quick_bench.seeded(1)).weights


def test_the_threshold_of_the_paper_gives_the_detector_as_it_was_trained(quick_run, plain):
    table = quick_run("svm-negatives")[0]
    assert values(table)["iou-0.3"] == plain["still"]
    negatives = list(values(table, "negatives").values())
    assert len(negatives) == 6
    assert negatives == sorted(negatives)
    assert negatives[0] < negatives[-1]
    assert [row["x"] for row in table["rows"]] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]


def test_objects_alone_are_the_positives_of_the_detector_as_it_was_trained(quick_run, plain, quick_bench):
    table = quick_run("svm-positives")[0]
    assert values(table)["objects"] == plain["still"]
    objects = sum(len(photo.labels) for photo in quick_bench.annotations(quick_bench.train))
    positives = values(table, "positives")
    assert positives["objects"] == objects / 10
    assert positives["good"] == positives["as-fine-tuning"] > positives["objects"]


def test_softmax_and_svms_score_the_same_regions(quick_run, plain, quick_bench):
    table = values(quick_run("svm-vs-softmax")[0])
    assert table["rcnn-svm"] == plain["still"]
    fast = quick_bench.trained(quick_bench.settings("fast-rcnn"))
    assert table["fast-softmax"] == quick_bench.evaluate(fast).map
    assert set(table) == {"rcnn-svm", "rcnn-softmax", "fast-svm", "fast-softmax"}


def test_svms_on_fast_rcnn_leave_its_boxes_and_score_its_features(rng):
    plain = fast_rcnn(("a", "b"), _Nothing(), rng=rng)
    changed = with_svms(plain)
    changed.svms = LinearSVMs.from_weights(rng.normal(size=(2, 128)).astype(np.float32), np.zeros(2, "f4"))
    image = rng.integers(0, 256, (50, 60, 3), dtype=np.uint8)
    boxes = np.array([[1, 2, 30, 40], [1, 2, 30, 40], [20, 10, 59, 50]], np.float32)
    view = plain.look(image)
    scores, moved = changed.judge(view, boxes)
    fc7 = changed.region_features(view, boxes)[1]
    np.testing.assert_allclose(scores, fc7 @ changed.svms.coef_.T, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(moved, plain.judge(view, boxes)[1], rtol=1e-5)
    assert changed.postprocess == PostprocessSettings()
    softmax = with_every_score(dataclasses.replace(plain, postprocess=PostprocessSettings(min_score=0.01)))
    assert softmax.postprocess == changed.postprocess, "softmax is judged by as many boxes as the SVMs"
    assert softmax.network is plain.network


class _Nothing:
    def propose(self, image, *, image_id=""):
        raise AssertionError("boxes are given")


def test_boxes_moved_once_are_the_detector_as_it_was_trained(quick_run, plain):
    table = values(quick_run("bbox-iterations")[0])
    assert table["moved-0"] == plain["still"]
    assert table["moved-1"] == plain["moved"]
    assert list(table) == [f"moved-{times}" for times in range(4)]


def test_test_regions_know_of_no_object(quick_bench):
    tuned = tuned_rcnn(quick_bench)
    assert all(record.num_gt == 0 for record in tuned.test.records)
    assert len(tuned.test.cache.fc7) == sum(len(record) for record in tuned.test.records)
    assert tuned.test.cache.pool5.shape[0] == 0
