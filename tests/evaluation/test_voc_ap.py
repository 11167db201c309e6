import csv
import json

import numpy as np
import pytest
from evaluation_records import CLASSES, annotations, by_the_textbook, detections, evaluation_sets, perfect
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn.evaluation import average_precision, evaluate_voc
from minircnn.structures import Annotations, Detections

quick = settings(deadline=None, max_examples=80)
BOX, OTHER, FAR = [0, 0, 10, 10], [40, 0, 50, 10], [80, 80, 90, 90]


def ap_of(found, truth, **options):
    return evaluate_voc([found], [truth], **options).per_class["cat"].ap


def test_a_curve_by_hand():
    # hit, miss, hit of three objects: recall 1/3, 1/3, 2/3; precision 1, 1/2, 2/3.
    recall, precision = np.array([1, 1, 2]) / 3, np.array([1, 1 / 2, 2 / 3])
    assert average_precision(recall, precision) == pytest.approx(1 / 3 + 2 / 9)
    # recalls 0 ... 0.3: precision 1; 0.4 ... 0.6: 2/3; 0.7 ... 1: 0.
    assert average_precision(recall, precision, "11point") == pytest.approx((4 + 3 * 2 / 3) / 11)


@pytest.mark.parametrize("objects", [10, 20, 30, 70])
def test_eleven_points_meet_the_recall_exactly(objects):
    # 3 of 10 objects found reach recall 0.3, although 3 * 0.1 > 0.3 in floating point.
    for tenths in range(11):
        hits = np.arange(1, tenths * objects // 10 + 1)
        ap = average_precision(hits / objects, np.ones(len(hits)), "11point")
        assert ap == pytest.approx((tenths + 1 if tenths else 0) / 11, abs=1e-12)


def test_the_published_eleven_points_miss_some_recalls():
    # 3 of 10 objects at precision 1, then 6 and 7 at 3/4, as a loop over arange(0, 1.1, 0.1)
    hits = np.array([1, 2, 3, 4, 5, 6, 6, 7])
    recall, precision = hits / 10, np.array([1, 1, 1, 0.5, 0.5, 0.75, 0.5, 0.75])
    published = 0.0
    for point in np.arange(0.0, 1.1, 0.1):
        published += max(precision[recall >= point], default=0.0) / 11
    assert average_precision(recall, precision, "11point-published") == pytest.approx(published, abs=1e-15)
    assert published == pytest.approx((3 + 4 * 0.75) / 11)  # 0.3 has 3/4 where it should have 1, 0.7 nothing
    assert average_precision(recall, precision, "11point") == pytest.approx((4 + 4 * 0.75) / 11)


def test_the_published_rule_is_a_method_of_the_evaluation():
    truth = annotations([[20 * i, 0, 20 * i + 10, 10] for i in range(10)], [1] * 10)
    found = detections(truth.boxes[:7], np.linspace(1, 0.5, 7), [1] * 7)
    assert ap_of(found, truth, method="11point") == pytest.approx(8 / 11)
    assert ap_of(found, truth, method="11point-published") == pytest.approx(7 / 11)
    with pytest.raises(
        ValueError, match="method must be 'area', '11point', '11point-published' or '101point'"
    ):
        evaluate_voc([found], [annotations([], [])], method="12point")  # also where no class has objects


def test_an_empty_curve_and_wrong_arguments():
    none = np.zeros(0)
    assert average_precision(none, none) == average_precision(none, none, "11point") == 0
    with pytest.raises(ValueError, match="both must be"):
        average_precision(none, np.zeros(1))
    with pytest.raises(ValueError, match="method must be"):
        average_precision(none, none, "12point")


def test_a_duplicate_is_a_false_positive():
    result = evaluate_voc([detections([BOX, BOX], [0.9, 0.8], [1, 1])], [annotations([BOX, FAR], [1, 1])])
    cat = result.per_class["cat"]
    np.testing.assert_array_equal(cat.recall, [0.5, 0.5])
    np.testing.assert_array_equal(cat.precision, [1, 0.5])
    np.testing.assert_array_equal(cat.scores, [0.9, 0.8])
    assert (cat.ap, cat.num_gt, cat.num_detections) == (0.5, 2, 2)


def test_a_duplicate_does_not_take_the_neighbour():
    # The second detection overlaps object 0 more (0.8 > 0.6), which is taken: a miss in VOC.
    objects = [[0, 0, 10, 10], [0, 4, 10, 14]]
    found = detections([[0, 0, 10, 10], [0, 1, 10, 11]], [0.9, 0.8], [1, 1])
    assert ap_of(found, annotations(objects, [1, 1])) == 0.5


def test_difficult_objects_count_neither_way():
    truth = annotations([BOX, OTHER], [1, 1], [True, False])
    found = detections([BOX, BOX, OTHER], [0.9, 0.8, 0.7], [1, 1, 1])
    result = evaluate_voc([found], [truth]).per_class["cat"]
    assert (result.ap, result.num_gt, result.num_detections) == (1.0, 1, 3)
    assert len(result.recall) == 1
    assert ap_of(detections([], [], []), truth) == 0


def test_only_difficult_objects_is_absent():
    result = evaluate_voc([detections([BOX], [0.9], [1])], [annotations([BOX], [1], [True])])
    assert result.per_class["cat"].ap is None
    assert np.isnan(result.map)
    assert result.to_record()["map"] is None
    assert "mean   absent" in result.table()


def test_a_match_needs_at_least_the_threshold():
    truth, found = annotations([BOX], [1]), detections([[0, 0, 10, 5]], [0.9], [1])
    assert ap_of(found, truth, iou_threshold=0.5) == 1  # IoU exactly 0.5
    assert ap_of(found, truth, iou_threshold=0.5001) == 0


def test_classes_and_photos_do_not_meet():
    truth = [annotations([BOX], [1]), annotations([FAR], [2])]
    found = [detections([FAR, BOX], [0.9, 0.9], [2, 2]), detections([BOX], [0.9], [1])]
    result = evaluate_voc(found, truth)
    assert [result.per_class[name].ap for name in CLASSES] == [0, 0, None]
    assert result.map == 0  # owl has no object and is not averaged


def test_table_and_record():
    result = evaluate_voc([detections([BOX], [0.9], [1])], [annotations([BOX, FAR], [1, 2])])
    lines = result.table().splitlines()
    assert [line.split() for line in lines] == [
        ["class", "AP", "objects", "detections"],
        ["cat", "1.0000", "1", "1"],
        ["dog", "0.0000", "1", "0"],
        ["owl", "absent", "0", "0"],
        ["mean", "0.5000", "2", "1"],
    ]
    assert len(set(map(len, lines))) == 1
    record = json.loads(json.dumps(result.to_record()))
    assert record["per_class"]["owl"] == {"ap": None, "num_gt": 0, "num_detections": 0}
    assert record["map"] == 0.5


def test_wrong_arguments_are_refused():
    found, truth = detections([BOX], [0.9], [1]), annotations([BOX], [1])
    with pytest.raises(ValueError, match="detections of 1 photos but annotations of 2"):
        evaluate_voc([found], [truth, truth])
    with pytest.raises(ValueError, match="nothing to evaluate"):
        evaluate_voc([], [])
    with pytest.raises(ValueError, match="name different classes"):
        evaluate_voc([found], [annotations([BOX], [1], class_names=("owl", "cat", "dog"))])
    with pytest.raises(ValueError, match=r"photo 1 \(b\): other classes"):
        evaluate_voc([found, found], [truth, annotations([BOX], [1], class_names=("cat",), image_id="b")])
    with pytest.raises(ValueError, match="iou_threshold"):
        evaluate_voc([found], [truth], iou_threshold=0)
    with pytest.raises(ValueError, match="method must be"):
        evaluate_voc([found], [truth], method="auc")


@quick
@given(evaluation_sets(), st.sampled_from([0.3, 0.5, 0.75]))
def test_equals_the_textbook(data, iou_threshold):
    found, truth = data
    area = evaluate_voc(found, truth, iou_threshold=iou_threshold)
    points = evaluate_voc(found, truth, iou_threshold=iou_threshold, method="11point")
    for label, name in enumerate(CLASSES, start=1):
        expected = by_the_textbook(found, truth, label, iou_threshold)
        ours = area.per_class[name].ap, points.per_class[name].ap
        if expected is None:
            assert ours == (None, None)
        else:
            np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)


@quick
@given(evaluation_sets())
def test_curves_are_curves(data):
    found, truth = data
    result = evaluate_voc(found, truth)
    for c in result.per_class.values():
        assert c.ap is None or 0 <= c.ap <= 1
        assert (np.diff(c.recall) >= 0).all()
        assert (np.diff(c.scores) <= 0).all()
        assert ((c.precision >= 0) & (c.precision <= 1)).all()
        assert c.recall.max(initial=0) <= 1
    aps = [c.ap for c in result.per_class.values() if c.ap is not None]
    assert np.isnan(result.map) if not aps else result.map == pytest.approx(np.mean(aps))


@quick
@given(evaluation_sets())
def test_the_truth_itself_scores_one(data):
    _, truth = data
    # Objects of one class in one place cannot be told apart: VOC gives both detections to the first.
    truth = [annotations(*unique_objects(t)) for t in truth]
    for c in evaluate_voc([perfect(t) for t in truth], truth).per_class.values():
        assert c.ap is None or c.ap == pytest.approx(1.0, abs=1e-12)


def unique_objects(truth):
    _, first = np.unique(np.column_stack([truth.boxes, truth.labels]), axis=0, return_index=True)
    return truth.boxes[first], truth.labels[first], truth.difficult[first]


@quick
@given(evaluation_sets(distinct=True), st.randoms(use_true_random=False))
def test_order_of_photos_and_detections_does_not_matter(data, random):
    found, truth = data
    before = evaluate_voc(found, truth).to_record()
    order = list(range(len(found)))
    random.shuffle(order)
    shuffled = []
    for i in order:
        inner = list(range(len(found[i])))
        random.shuffle(inner)
        shuffled.append(found[i].take(np.array(inner, dtype=np.int64)))
    assert evaluate_voc(shuffled, [truth[i] for i in order]).to_record() == before


@quick
@given(evaluation_sets())
def test_only_the_order_of_scores_matters(data):
    found, truth = data
    rescaled = [Detections(d.boxes, np.exp(3 * d.scores) - 5, d.labels, d.class_names) for d in found]
    assert evaluate_voc(rescaled, truth).to_record() == evaluate_voc(found, truth).to_record()


@quick
@given(evaluation_sets())
def test_a_last_false_positive_changes_nothing_and_a_first_one_never_helps(data):
    found, truth = data
    before = evaluate_voc(found, truth)

    def with_stray(score):
        first = found[0]
        boxes = np.concatenate([first.boxes, np.tile([90.0, 90.0, 95.0, 95.0], (3, 1))])
        scores = np.concatenate([first.scores, np.full(3, score)])
        labels = np.concatenate([first.labels, [1, 2, 3]])
        return evaluate_voc([Detections(boxes, scores, labels, CLASSES), *found[1:]], truth)

    last, first = with_stray(-1.0), with_stray(2.0)
    for name, c in before.per_class.items():
        assert last.per_class[name].ap == c.ap
        assert (first.per_class[name].ap or 0) <= (c.ap or 0) + 1e-12


# -- recorded results of other tools, on real detections ------------------------------------------


def read_set(truth_folder, detection_folder, class_names, *, size):
    """Read 'class box' and 'class score box' files; boxes inclusive, or x, y, width, height if `size`."""

    def rows(path):
        return (
            [line.split() for line in path.read_text().splitlines() if line.strip()] if path.exists() else []
        )

    def boxes(numbers):
        legacy = np.array(numbers, dtype=np.float64).reshape(-1, 4)
        if size:
            legacy[:, 2:] += legacy[:, :2]
        return legacy + np.array([0, 0, 1, 1])

    found, truth = [], []
    for path in sorted(truth_folder.glob("*.txt")):
        objects, hits = rows(path), rows(detection_folder / path.name)
        labels = [class_names.index(r[0]) + 1 for r in objects]
        difficult = [r[-1] == "difficult" for r in objects]
        truth.append(annotations(boxes([r[1:5] for r in objects]), labels, difficult, class_names, path.stem))
        found_labels = [class_names.index(r[0]) + 1 for r in hits]
        scores = [float(r[1]) for r in hits]
        found.append(detections(boxes([r[2:6] for r in hits]), scores, found_labels, class_names))
    return found, truth


def test_object_detection_metrics(shared_data):
    folder = shared_data / "eval/odm_7img"
    expected = json.loads((folder / "expected.json").read_text())
    found, truth = read_set(folder / "groundtruths", folder / "detections", ("person",), size=True)
    assert (sum(map(len, truth)), sum(map(len, found))) == (15, 24)
    for method, key in (("area", "AP_area"), ("11point", "AP_11pt")):
        result = evaluate_voc(found, truth, iou_threshold=0.3, method=method)
        assert result.map == pytest.approx(expected[key], abs=1e-12)


def test_cartucho(shared_data):
    folder = shared_data / "eval/cartucho_85img"
    expected = json.loads((folder / "expected.json").read_text())
    absent = expected["classes_only_in_detections"]
    names = (*expected["AP"], *absent)
    found, truth = read_set(folder / "ground-truth", folder / "detection-results", names, size=False)
    assert (len(truth), sum(map(len, truth))) == (85, expected["n_gt"])
    assert sum(map(len, found)) == expected["n_det"]
    result = evaluate_voc(found, truth)
    assert {n for n, c in result.per_class.items() if c.ap is None} == set(absent)
    for name, ap in expected["AP"].items():
        assert result.per_class[name].ap == pytest.approx(ap, abs=1e-10)
    assert result.map == pytest.approx(expected["mAP"], abs=1e-12)


def test_all_of_voc2007_test(shared_data):
    # 4952 photos; the truth itself as detections, with scores in random order: every class exactly 1.
    photos: dict[str, list] = {}
    with (shared_data / "eval/voc2007_test_gt.csv").open() as file:
        for row in csv.DictReader(file):
            photos.setdefault(row["image"], []).append(row)
    names = tuple(sorted({row["class"] for rows in photos.values() for row in rows}))
    truth = []
    for image_id, rows in photos.items():
        boxes = np.array([[int(r[k]) for k in ("xmin", "ymin", "xmax", "ymax")] for r in rows]) - [1, 1, 0, 0]
        labels = np.array([names.index(r["class"]) + 1 for r in rows])
        difficult = np.array([r["difficult"] == "1" for r in rows])
        size = int(rows[0]["height"]), int(rows[0]["width"])
        truth.append(Annotations(boxes.astype(np.float32), labels, names, *size, image_id, difficult))
    rng = np.random.default_rng(0)
    found = [Detections(t.boxes, rng.random(len(t)), t.labels, names) for t in truth]
    result = evaluate_voc(found, truth)
    assert len(names) == 20
    assert sum(c.num_gt for c in result.per_class.values()) == 12032
    assert sum(c.num_detections for c in result.per_class.values()) == 14976
    assert result.map == pytest.approx(1.0, abs=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", ["area", "11point"])
def test_a_curve_is_of_finite_numbers_and_its_recall_does_not_fall(method):
    good = np.array([0.25, 0.5, 0.5])
    for bad in (good * np.nan, np.where(good > 0.3, np.inf, good), good * 1j, good.astype(object)):
        with pytest.raises(ValueError, match=r"^recall must be finite numbers"):
            average_precision(bad, good, method)
        with pytest.raises(ValueError, match=r"^precision must be finite numbers"):
            average_precision(good, bad, method)
    with pytest.raises(ValueError, match="recall must not fall"):
        average_precision(good[::-1], good, method)
    with pytest.raises(TypeError, match="recall must be an array"):
        average_precision(good.tolist(), good, method)
