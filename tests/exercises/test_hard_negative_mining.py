"""The lab on hard negatives: the solution passes, wrong answers are caught with a hint that fits."""

import numpy as np
import pytest
from planted_mistakes import check_caught, failures, wrong_answers

from minircnn.exercises.labs.hard_negative_mining import Script

SOLUTION = """
import numpy as np


def mine_hard_negatives(positives, photos, train, hard_above=-1.0001, evict_below=-1.2, retrain_after=2000):
    def fit():
        features = np.array([*positives, *cache])
        labels = np.array([1] * len(positives) + [-1] * len(cache))
        return train(features, labels)

    weight, intercept = np.zeros(positives.shape[1]), 0.0
    cache, added, first = [], 0, True
    for photo in photos:
        for x in photo:
            if x @ weight + intercept > hard_above:
                cache.append(x)
                added += 1
        if first or added > retrain_after:
            weight, intercept = fit()
            cache = [x for x in cache if x @ weight + intercept >= evict_below]
            added, first = 0, False
    return fit()
"""

WRONG = {
    "support vectors evicted": (
        "intercept >= evict_below]",
        "intercept > hard_above]",
        "exactly there they stay",
    ),
    "evicted at the bound": (
        "intercept >= evict_below]",
        "intercept > evict_below]",
        "exactly there they stay",
    ),
    "hard ones evicted": ("intercept >= evict_below]", "intercept <= evict_below]", ""),
    "nothing evicted": (
        "            cache = [x for x in cache if x @ weight + intercept >= evict_below]\n",
        "",
        "exactly there they stay",
    ),
    "evicted by the old SVM": (
        "            weight, intercept = fit()\n",
        "            old, before = weight, intercept\n            weight, intercept = fit()\n"
        "            cache = [x for x in cache if x @ old + before >= evict_below]\n            if 0:\n    ",
        "",
    ),
    "cache not kept": (
        "    for photo in photos:\n",
        "    for photo in photos:\n        cache = []\n",
        "hard is a score",
    ),
    "all negatives are hard": ("if x @ weight + intercept > hard_above", "if True", "hard is a score"),
    "hard at the bound": ("> hard_above", ">= hard_above", "greater than hard_above"),
    "easy ones added": ("> hard_above", "< hard_above", "before any training"),
    "the score of another sign": ("intercept > hard_above", "intercept < -hard_above", "hard is a score"),
    "no intercept": ("x @ weight + intercept > hard_above", "x @ weight > hard_above", ""),
    "trained after every photo": ("first or added > retrain_after", "True", ""),
    "trained at the bound": ("added > retrain_after", "added >= retrain_after", "more than retrain_after"),
    "not trained after the first photo": (
        "first or added > retrain_after",
        "added > retrain_after",
        "after this photo",
    ),
    "not trained at the end": ("    return fit()", "    return weight, intercept", "after this photo"),
    "the count never begins anew": ("added, first = 0, False", "first = False", "since the last training"),
    "the size of the cache counted": (
        "added > retrain_after",
        "len(cache) > retrain_after",
        "since the last training",
    ),
    "positives forgotten": ("[*positives, *cache]", "[*cache, *cache]", ""),
    "labels exchanged": ("[1] * len(positives) + [-1]", "[-1] * len(positives) + [1]", ""),
    "labels 1 and 0": ("+ [-1] * len(cache)", "+ [0] * len(cache)", ""),
    "positives evicted": (
        "            added, first = 0",
        "            positives = np.array([x for x in positives if x @ weight + intercept >= evict_below])"
        ".reshape(-1, positives.shape[1])\n            added, first = 0",
        "positives take part",
    ),
    "nothing returned": ("    return fit()", "    fit()", ""),
}


def test_the_solution_passes():
    assert failures("hard-negative-mining", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("hard-negative-mining", SOLUTION, old, new, words)


def test_a_script_returns_its_answers_in_turn():
    train = Script(([2.0], 1.0), ([3.0], 0.0))
    features, labels = np.array([[5.0], [1.0], [0.0]]), np.array([1, -1, -1])
    found = [train(features, labels) for _ in range(3)]
    assert [(w.tolist(), b) for w, b in found] == [([2.0], 1.0), ([3.0], 0.0), ([3.0], 0.0)]
    assert (train.positives[0], train.negatives[0]) == ([5.0], [0.0, 1.0])


@pytest.mark.parametrize(
    ("features", "labels", "words"),
    [
        (np.zeros(2), np.ones(2), "features"),
        (np.zeros((2, 1)), np.ones(3), "labels"),
        (np.zeros((1, 1)), np.zeros(1), "1 and -1"),
    ],
    ids=["flat", "lengths", "labels"],
)
def test_a_script_refuses_what_no_svm_takes(features, labels, words):
    with pytest.raises(ValueError, match=words):
        Script(([1.0], 0.0))(features, labels)
