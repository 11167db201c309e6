"""The lab on the smooth L1 loss: the solution passes, wrong answers are caught with a hint that fits."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
import numpy as np


def smooth_l1(prediction, target):
    x = prediction - target
    near = abs(x) < 1
    value = np.where(near, x**2 / 2, abs(x) - 0.5)
    gradient = np.where(near, x, np.sign(x))
    return value.sum(), gradient
"""

WRONG = {
    "the half of the parabola is missing": ("x**2 / 2", "x**2", "half of the square"),
    "the half of the line is missing": ("abs(x) - 0.5", "abs(x)", "a half too high"),
    "the mean": ("value.sum(), gradient", "value.mean(), gradient / x.size", "mean"),
    "the mean, and the slope of the sum": ("value.sum()", "value.mean()", "mean"),
    "no sum": ("value.sum()", "value", "Returns"),
    "the slope along the target": (
        "return value.sum(), gradient",
        "return value.sum(), -gradient",
        "along the target",
    ),
    "target - prediction": ("prediction - target", "target - prediction", "along the target"),
    "the slope of the square": ("np.where(near, x,", "np.where(near, 2 * x,", "differentiate"),
    "a line that rises on both sides": ("np.sign(x)", "1.0", "left of 0"),
    "no slope far away": ("np.sign(x)", "0.0", "both sides of 0"),
    "the parabola everywhere": ("abs(x) < 1", "abs(x) < 100", "lowered by a half"),
    "the line everywhere": ("abs(x) < 1", "abs(x) < 0", "half of the square"),
    "another seam": ("abs(x) < 1", "abs(x) < 0.5", "half of the square"),
    "negative numbers are near": ("near = abs(x) < 1", "near = x < 1", "lowered by a half"),
    "a slope of the sum": ("return value.sum(), gradient", "return value.sum(), gradient.sum()", ""),
    "the value alone": ("value.sum(), gradient", "value.sum()", "Returns"),
    "target overwritten": (
        "x = prediction - target",
        "x = np.subtract(prediction, target, out=target)",
        "copy",
    ),
}


def test_the_solution_passes():
    assert failures("smooth-l1", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("smooth-l1", SOLUTION, old, new, words)
