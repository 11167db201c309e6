"""The kinds of error by plain loops, and what each kind costs by the figures of TIDE's published code."""

import json
from pathlib import Path

import numpy as np
import pytest
from error_loops import judge_by_loops
from evaluation_records import CLASSES, annotations, detections, evaluation_sets, perfect
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn.data import COCODataset
from minircnn.evaluation import detection_errors, evaluate_voc, read_coco_detections
from minircnn.evaluation.errors import CORRECT, KINDS, SIZES, photo_errors, worst_examples
from minircnn.evaluation.errors.sizes import size_bands

quick = settings(deadline=None, max_examples=150)
BOX, FAR = [0, 0, 40, 40], [60, 60, 100, 100]
CASE = json.loads((Path(__file__).parent / "tide_case.json").read_text())
SHORT = {
    "classification": "Cls",
    "localization": "Loc",
    "both": "Both",
    "duplicate": "Dupe",
    "background": "Bkg",
    "missed": "Miss",
    "false positives": "FalsePos",
    "false negatives": "FalseNeg",
}


@pytest.fixture(scope="module")
def tide_case(tmp_path_factory):
    """The stored photos: detections and annotations of five photos with every kind of error and a crowd."""
    folder = tmp_path_factory.mktemp("tide")
    (folder / "instances.json").write_text(json.dumps(CASE["annotations"]))
    (folder / "results.json").write_text(json.dumps(CASE["results"]))
    data = COCODataset(folder / "instances.json", folder, need_photos=False)
    found = read_coco_detections(
        folder / "results.json", data.original_ids, data.original_category_ids, data.class_names
    )
    return found, [data.annotations(index) for index in range(len(data))]


# -- what each kind costs, as tidecv has it --------------------------------------------------------


@pytest.mark.parametrize("expected", CASE["tidecv"], ids=lambda e: f"t_f {e['pos_threshold']}")
def test_the_figures_of_tidecv(tide_case, expected):
    errors = detection_errors(
        *tide_case,
        iou_threshold=expected["pos_threshold"],
        background_iou=expected["background_threshold"],
    )

    def percent(gains):
        return {SHORT[kind]: 100 * gain for kind, gain in gains.items()}

    assert 100 * errors.total.ap == pytest.approx(expected["AP"], abs=1e-9)
    assert percent(errors.total.gains) == pytest.approx(expected["main"], abs=1e-9)
    assert percent(errors.special) == pytest.approx(expected["special"], abs=1e-9)
    for part, figures in zip(errors.per_size.values(), expected["by_size"], strict=True):
        assert percent(part.gains) == pytest.approx(figures, abs=1e-9)
    counts = {SHORT[kind]: count for kind, count in errors.total.counts.items()}
    assert counts == expected["counts"] | {
        "Bkg": expected["counts"]["Bkg"] - 1
    }  # it counts ignored ones, too


def test_the_stored_case_has_every_kind_and_each_costs_something(tide_case):
    errors = detection_errors(*tide_case)
    assert min(errors.total.counts.values()) >= 1
    assert min(errors.total.gains.values()) > 0
    assert sum(own.ignored.sum() for own in errors.photos) == 1


def test_each_photo_of_the_stored_case(tide_case):
    kinds = [own.kind.tolist() for own in detection_errors(*tide_case).photos]
    assert kinds == [
        ["correct", "duplicate", "classification", "background"],
        ["both", "localization", "localization", "background"],
        ["background", "correct", "localization", "classification"],
        ["background"],
        ["correct", "correct", "correct"],  # the weaker ball takes the object still free
    ]


def test_gains_by_class_average_to_those_of_all(tide_case):
    errors = detection_errors(*tide_case)
    for kind in KINDS:
        by_class = [part.gains[kind] for part in errors.per_class.values()]
        assert np.mean(by_class) == pytest.approx(errors.total.gains[kind], abs=1e-12)
        for parts in (errors.per_class, errors.per_size):
            assert sum(part.counts[kind] for part in parts.values()) == errors.total.counts[kind]
    assert sum(part.objects for part in errors.per_size.values()) == errors.total.objects == 9
    assert sum(part.found for part in errors.per_class.values()) == errors.total.found


def test_the_record_is_plain(tide_case):
    record = json.loads(json.dumps(detection_errors(*tide_case).to_record()))
    assert record["kinds"]["missed"].keys() == {"count", "gain"}
    assert list(record["per_size"]) == list(SIZES)
    assert record["per_class"]["dog"]["objects"] == 3
    assert record["special"].keys() == {"false positives", "false negatives"}


# -- kinds by plain loops --------------------------------------------------------------------------


@quick
@given(evaluation_sets(max_images=1), st.sampled_from([(0.5, 0.1), (0.7, 0.2), (1.0, 0.5)]))
def test_kinds_equal_plain_loops(data, thresholds):
    (found,), (truth,) = data
    errors = photo_errors(found, truth, *thresholds)
    kinds, matched, ignored, mends, taken, missed = judge_by_loops(found, truth, *thresholds)
    assert errors.kind.tolist() == kinds
    assert errors.matched.tolist() == matched
    assert errors.ignored.tolist() == ignored
    assert np.flatnonzero(errors.mends).tolist() == mends
    assert np.flatnonzero(errors.found).tolist() == taken
    assert np.flatnonzero(errors.missed).tolist() == missed


@quick
@given(evaluation_sets())
def test_errors_account_for_everything(data):
    found, truth = data
    errors = detection_errors(found, truth, method="area")
    right = sum(int((own.kind == CORRECT).sum()) for own in errors.photos)
    ignored = sum(int(own.ignored.sum()) for own in errors.photos)
    wrong = sum(errors.total.counts[kind] for kind in KINDS if kind != "missed")
    assert right + wrong + ignored == sum(map(len, found))
    assert right == errors.total.found
    could = sum(int(own.mends.sum()) for own in errors.photos)
    assert errors.total.found + could + errors.total.counts["missed"] == errors.total.objects
    for gain in (*errors.total.gains.values(), *errors.special.values()):
        assert gain is None or 0 <= gain <= 1 - errors.total.ap + 1e-12


@quick
@given(evaluation_sets(distinct=True))
def test_the_truth_itself_has_no_errors(data):
    _, truth = data
    truth = [annotations(*grid(len(t)), image_id=str(i)) for i, t in enumerate(truth)]
    errors = detection_errors([perfect(t) for t in truth], truth)
    assert set(errors.total.counts.values()) == {0}
    if errors.total.objects:
        assert errors.total.ap == pytest.approx(1)
        assert set(errors.total.gains.values()) == {0}


def grid(count):
    """Return `count` boxes apart from each other, of all classes in turn."""
    return [[10 * i, 0, 10 * i + 8, 8] for i in range(count)], [i % 3 + 1 for i in range(count)]


@quick
@given(evaluation_sets())
def test_without_difficult_objects_and_crowds_the_ap_is_that_of_voc(data):
    found, truth = data
    truth = [annotations(*grid(len(t))) for t in truth]  # one object can be overlapped by half
    errors = detection_errors(found, truth, method="area")
    voc = evaluate_voc(found, truth)
    assert (errors.total.ap is None) == bool(np.isnan(voc.map))
    for name, part in errors.per_class.items():
        assert part.ap == pytest.approx(voc.per_class[name].ap)


# -- single rules ----------------------------------------------------------------------------------


def only_kind(box, label, objects, labels, **options):
    errors = photo_errors(
        detections([box], [0.9], [label]), annotations(objects, labels, **options), 0.5, 0.1
    )
    return str(errors.kind[0])


@pytest.mark.parametrize(
    ("box", "label", "kind"),
    [
        (BOX, 1, "correct"),
        ([0, 0, 40, 20], 1, "correct"),  # an IoU of exactly 0.5
        ([0, 0, 40, 19], 1, "localization"),
        ([0, 0, 40, 4], 1, "localization"),  # exactly 0.1
        ([0, 0, 40, 3], 1, "background"),
        (BOX, 2, "classification"),
        ([0, 0, 40, 20], 2, "classification"),
        ([0, 0, 40, 19], 2, "both"),
        ([0, 0, 40, 4], 2, "background"),
        (FAR, 1, "background"),
    ],
)
def test_one_object_and_one_detection(box, label, kind):
    assert only_kind(box, label, [BOX], [1]) == kind


def test_a_loose_box_of_the_right_class_goes_before_a_fitting_one_of_another():
    assert only_kind([0, 0, 40, 38], 1, [[0, 20, 40, 60], BOX], [1, 2]) == "localization"


def test_a_photo_without_objects_or_detections():
    assert only_kind(BOX, 1, [], []) == "background"
    errors = photo_errors(detections([], [], []), annotations([BOX, FAR], [1, 2], [False, True]), 0.5, 0.1)
    assert errors.missed.tolist() == [True, False]  # the difficult one is not asked for
    assert len(errors.kind) == 0


def test_no_object_at_all_has_no_figure():
    errors = detection_errors([detections([BOX], [0.9], [1])], [annotations([], [])])
    assert errors.total.ap is None
    assert set(errors.total.gains.values()) == set(errors.special.values()) == {None}
    assert errors.total.counts["background"] == 1


def test_a_class_of_which_nothing_is_left_to_find():
    truth = annotations([BOX, FAR], [1, 2])
    found = detections([BOX], [0.9], [1])
    errors = detection_errors([found], [truth])
    assert errors.total.ap == 0.5
    assert errors.total.gains["missed"] == pytest.approx(0.5)  # the dog is out of the mean, as in tidecv
    assert errors.per_class["dog"].gains["missed"] is None
    stray = detections([BOX, [45, 0, 50, 5]], [0.9, 0.8], [1, 2])
    assert detection_errors([stray], [truth]).total.gains["missed"] == 0  # its AP is 0 then


def test_scores_below_minus_one_are_mended_too():
    found = detections([[0, 0, 40, 15]], [-3.0], [1])
    assert detection_errors([found], [annotations([BOX], [1])]).total.gains["localization"] == pytest.approx(
        1
    )


def test_sizes_are_shares_of_the_photo():
    photo = annotations([[0, 0, 10, side] for side in (1, 19.9, 20, 79, 80, 100)], [1] * 6)
    assert size_bands(photo.boxes, photo).tolist() == [0, 0, 1, 1, 2, 2]
    assert size_bands(np.array([[0.0, 0, 50, 50]]), photo).tolist() == [3]


def test_wrong_arguments_are_refused():
    found, truth = [detections([BOX], [0.9], [1])], [annotations([BOX], [1])]
    with pytest.raises(ValueError, match=r"background_iou must be below iou_threshold \(0.5\), got 0.5"):
        detection_errors(found, truth, background_iou=0.5)
    with pytest.raises(ValueError, match="background_iou must be between 0 and 1"):
        detection_errors(found, truth, background_iou=0)
    with pytest.raises(ValueError, match="method must be"):
        detection_errors(found, truth, method="auc")
    with pytest.raises(ValueError, match="detections of 1 photos but annotations of 2"):
        detection_errors(found, truth * 2)
    flat = annotations([BOX], [1], image_id="flat")
    object.__setattr__(flat, "height", 0)
    with pytest.raises(ValueError, match=r"photo 0 \(flat\): its size is 100 x 0 pixels"):
        detection_errors(found, [flat])


# -- examples --------------------------------------------------------------------------------------


def test_the_worst_examples(tide_case):
    found, truth = tide_case
    errors = detection_errors(found, truth)
    for kind in KINDS:
        examples = worst_examples(errors, found, truth, kind, 9)
        assert len({e.photo for e in examples}) == len(examples) > 0
        assert [e.weight for e in examples] == sorted((e.weight for e in examples), reverse=True)
        assert worst_examples(errors, found, truth, kind, 1) == examples[:1]
    confused = worst_examples(errors, found, truth, "classification", 9)[0]
    assert (confused.photo, confused.detection, confused.object) == (0, 2, 1)
    assert confused.overlap == pytest.approx(58 / 60)
    background = worst_examples(errors, found, truth, "background", 9)
    assert [e.photo for e in background] == [1, 0, 3]  # that of the crowd is ignored
    missed = worst_examples(errors, found, truth, "missed", 9)
    assert [(e.photo, e.object, e.detection) for e in missed] == [(1, 1, None), (0, 2, None)]
    assert missed[0].weight == pytest.approx(1600 / 20000)


def test_a_missed_object_comes_with_what_was_nearest():
    found, truth = detections([[0, 0, 40, 10]], [0.9], [2]), annotations([BOX], [1])
    errors = detection_errors([found], [truth])
    (example,) = worst_examples(errors, [found], [truth], "missed", 3)
    assert (example.detection, example.object) == (0, 0)
    assert example.overlap == pytest.approx(0.25)
    assert set(CLASSES) == set(errors.per_class)
