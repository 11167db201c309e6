"""The lab on softmax: the solution passes, wrong answers are caught with a hint that fits."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
import numpy as np


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def softmax_cross_entropy(logits, labels):
    rows = np.arange(len(logits))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = softmax(logits)
    gradient[rows, labels] -= 1
    return -log_p[rows, labels].mean(), gradient / len(logits)
"""

WRONG = {
    "no maximum subtracted": (
        "np.exp(logits - logits.max(axis=1, keepdims=True))",
        "np.exp(logits)",
        "overflows",
    ),
    "the maximum of all rows": (
        "np.exp(logits - logits.max(axis=1, keepdims=True))",
        "np.exp(logits - logits.max())",
        "own maximum",
    ),
    "the sum of all rows": (
        "powers / powers.sum(axis=1, keepdims=True)",
        "powers / powers.sum()",
        "keepdims",
    ),
    "the sum of columns": (
        "powers / powers.sum(axis=1, keepdims=True)",
        "powers / powers.sum(axis=0)",
        "divided by",
    ),
    "sums that do not fit": ("powers / powers.sum(axis=1, keepdims=True)", "powers / powers.sum(axis=1)", ""),
    "powers of 2": ("powers = np.exp(", "powers = np.exp2(", "e to the power"),
    "not divided": (
        "return powers / powers.sum(axis=1, keepdims=True)",
        "return powers",
        "divided by the sum",
    ),
    "the sum of the losses": ("log_p[rows, labels].mean()", "log_p[rows, labels].sum()", "sum over the rows"),
    "sums of both": (
        "return -log_p[rows, labels].mean(), gradient / len(logits)",
        "return -log_p[rows, labels].sum(), gradient",
        "sum over the rows",
    ),
    "the sign of the loss": ("return -log_p", "return log_p", "-log"),
    "the gradient of the sum": ("gradient / len(logits)", "gradient", "1 / R"),
    "downhill": ("gradient / len(logits)", "-gradient / len(logits)", "downhill"),
    "nothing subtracted": ("    gradient[rows, labels] -= 1\n", "", "to be subtracted"),
    "1 subtracted everywhere": ("gradient[rows, labels] -= 1", "gradient -= 1", "derive it"),
    "the columns of all rows": ("gradient[rows, labels] -= 1", "gradient[:, labels] -= 1", "1 / R"),
    "1 subtracted after the mean": (
        "gradient = softmax(logits)",
        "gradient = softmax(logits) * len(logits)",
        "1 / R",
    ),
    "log of a rounded p": (
        "log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))",
        "log_p = np.log(softmax(logits))",
        "log(0)",
    ),
    "an epsilon": (
        "log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))",
        "log_p = np.log(softmax(logits) + 1e-7)",
        "-log",
    ),
    "labels from 1": ("log_p[rows, labels]", "log_p[rows, labels - 1]", "label's column"),
    "logits overwritten": (
        "    powers = np.exp(",
        "    logits -= logits.max()\n    powers = np.exp(",
        "copy",
    ),
}


def test_the_solution_passes():
    assert failures("softmax-cross-entropy", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("softmax-cross-entropy", SOLUTION, old, new, words)
