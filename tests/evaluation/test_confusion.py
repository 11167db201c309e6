"""Four figures of a table of counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from minircnn import textbook
from minircnn.evaluation import confusion_matrix, evaluate_class_maps

NAMES = ("cat", "dog", "cow")


def random_maps(seed, photos=3, void=0.2):
    rng = np.random.default_rng(seed)
    shapes = [tuple(rng.integers(1, 7, 2)) for _ in range(photos)]
    most = rng.integers(1, 5)
    truth = [np.where(rng.random(s) < void, 255, rng.integers(0, most, s)).astype(np.uint8) for s in shapes]
    predicted = [
        np.where(rng.random(s) < 0.5, rng.integers(0, 4, s), t % 255)
        for s, t in zip(shapes, truth, strict=True)
    ]
    return truth, predicted


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_the_table_is_scikit_learns(seed):
    truth, predicted = random_maps(seed)
    for t, p in zip(truth, predicted, strict=True):
        known = t != 255
        expected = np.zeros((4, 4), dtype=int)
        if known.any():
            expected = metrics.confusion_matrix(t[known], p[known], labels=range(4))
        np.testing.assert_array_equal(confusion_matrix(t, p, 4), expected)


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_mean_iou_is_that_of_the_loops_and_of_scikit_learn(seed):
    truth, predicted = random_maps(seed)
    result = evaluate_class_maps(predicted, truth, NAMES)
    t = np.concatenate([m[m != 255] for m in truth])
    p = np.concatenate([q[m != 255] for m, q in zip(truth, predicted, strict=True)])
    if not len(t):
        assert np.isnan(
            [result.mean_iou, result.pixel_accuracy, result.mean_accuracy, result.weighted_iou]
        ).all()
        return
    np.testing.assert_allclose(result.mean_iou, textbook.mean_iou(truth, predicted))
    present = np.union1d(t, p)
    iou = metrics.jaccard_score(t, p, labels=present, average=None, zero_division=0)
    np.testing.assert_allclose(result.mean_iou, iou.mean())
    np.testing.assert_allclose(result.pixel_accuracy, metrics.accuracy_score(t, p))
    recall = metrics.recall_score(t, p, labels=np.unique(t), average="macro")
    np.testing.assert_allclose(result.mean_accuracy, recall)
    np.testing.assert_allclose(
        result.weighted_iou, metrics.jaccard_score(t, p, average="weighted", zero_division=0)
    )


def test_a_class_that_is_absent_has_no_figure_and_one_that_is_only_predicted_has_0():
    result = evaluate_class_maps([np.array([[0, 2, 1]])], [np.array([[0, 0, 1]])], NAMES)
    assert result.iou["background"] == 0.5
    assert result.iou["dog"] == 0
    assert np.isnan(result.iou["cow"])
    assert np.isnan(result.accuracy["dog"])
    assert result.mean_iou == 0.5  # of 1/2, 1 and 0
    record = result.to_record()
    assert record["iou"]["cow"] is None
    assert record["mean_iou"] == 0.5
    assert result.table().splitlines()[4].split() == ["cow", "absent", "absent", "0"]


def test_counts_are_summed_before_they_are_divided():
    truth = [np.array([[1, 1, 1, 1]]), np.array([[1, 0]])]
    predicted = [np.array([[1, 1, 1, 1]]), np.array([[0, 0]])]
    iou = evaluate_class_maps(predicted, truth, ("cat",)).iou["cat"]
    assert iou == 4 / 5  # not (1 + 0) / 2


def test_what_is_predicted_on_void_is_all_the_same():
    one, other = np.array([[0, 99]]), np.array([[0, -5]])
    truth = np.array([[0, 255]])
    np.testing.assert_array_equal(confusion_matrix(truth, one, 2), confusion_matrix(truth, other, 2))


@pytest.mark.parametrize(
    ("predicted", "truth", "names", "message"),
    [
        ([], [], NAMES, "predictions of 0 photos"),
        ([np.zeros((1, 2), int)], [], NAMES, "predictions of 1 photos but the truth of 0"),
        ([np.zeros((1, 2), int)], [np.zeros((2, 1), int)], NAMES, r"photo 0: truth is of shape \(2, 1\)"),
        (
            [np.array([[4]])],
            [np.array([[0]])],
            NAMES,
            "photo 0: the prediction holds class 4, and there are 0..3",
        ),
        ([np.array([[0]])], [np.array([[9]])], NAMES, "truth holds class 9"),
        ([np.array([[0.0]])], [np.array([[0]])], NAMES, "the prediction must be whole numbers"),
        ([np.array([[0]])], [np.array([[0]])], ("background",), "'background' is class 0"),
    ],
)
def test_what_does_not_fit_is_refused(predicted, truth, names, message):
    with pytest.raises(ValueError, match=message):
        evaluate_class_maps(predicted, truth, names)


def test_lists_are_no_arrays():
    with pytest.raises(TypeError, match="truth must be an array"):
        confusion_matrix([[0]], np.zeros((1, 1), int), 1)
