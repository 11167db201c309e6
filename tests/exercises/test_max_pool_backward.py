"""The lab on the gradient of max pooling: the solution passes, wrong answers are caught."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
import numpy as np


def max_pool2d_backward(dy, x, k, stride):
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dy.shape):
        top, left = i * stride, j * stride
        window = x[n, c, top : top + k, left : left + k]
        row, column = np.unravel_index(np.argmax(window), window.shape)
        dx[n, c, top + row, left + column] += dy[n, c, i, j]
    return dx
"""

TO_ALL = (
    "        row, column = np.unravel_index(np.argmax(window), window.shape)\n"
    "        dx[n, c, top + row, left + column] += dy[n, c, i, j]\n"
)
WRONG = {
    "overwritten where windows overlap": ("] += dy", "] = dy", "overwrites"),
    "ties given to the last": (
        "np.argmax(window)",
        "window.size - 1 - np.argmax(window.ravel()[::-1])",
        "yours is the last",
    ),
    "ties given to all": (
        TO_ALL,
        "        dx[n, c, top : top + k, left : left + k] += (window == window.max()) * dy[n, c, i, j]\n",
        "yours all get it",
    ),
    "ties shared": (
        TO_ALL,
        "        won = window == window.max()\n"
        "        dx[n, c, top : top + k, left : left + k] += won / won.sum() * dy[n, c, i, j]\n",
        "reading order",
    ),
    "ties column by column": (
        "row, column = np.unravel_index(np.argmax(window), window.shape)",
        "column, row = np.unravel_index(np.argmax(window.T), window.T.shape)",
        "reading order",
    ),
    "the smallest wins": ("np.argmax(window)", "np.argmin(window)", "one pixel"),
    "the largest by its size": ("np.argmax(window)", "np.argmax(abs(window))", "largest of negative"),
    "negative maxima forgotten": (
        "        dx[n, c, top + row",
        "        if window.max() > 0:\n          dx[n, c, top + row",
        "",
    ),
    "gradient to every pixel": (
        TO_ALL,
        "        dx[n, c, top : top + k, left : left + k] += dy[n, c, i, j]\n",
        "one pixel",
    ),
    "gradient shared by all pixels": (
        TO_ALL,
        "        dx[n, c, top : top + k, left : left + k] += dy[n, c, i, j] / k**2\n",
        "one pixel",
    ),
    "the place within the window": (
        "dx[n, c, top + row, left + column]",
        "dx[n, c, row, column]",
        "window i, j begins",
    ),
    "windows k apart": ("top, left = i * stride, j * stride", "top, left = i * k, j * k", ""),
    "1 instead of dy": ("+= dy[n, c, i, j]", "+= 1", "all of dy"),
    "the largest number instead of dy": ("+= dy[n, c, i, j]", "+= window.max()", "all of dy"),
    "rows and columns exchanged": ("row, column = np", "column, row = np", "one pixel"),
    "the first channel only": ("dx[n, c, top", "dx[n, 0, top", "by itself"),
    "the shape that the windows cover": (
        "return dx",
        "return dx[:, :, : (dy.shape[2] - 1) * stride + k]",
        "shape of x",
    ),
    "input overwritten": (
        "        row, column",
        "        x[n, c, top, left] += 0.25\n        row, column",
        "",
    ),
}


def test_the_solution_passes():
    assert failures("max-pool-backward", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("max-pool-backward", SOLUTION, old, new, words)
