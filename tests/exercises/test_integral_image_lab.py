"""The lab on integral images: the solution passes, and what students get wrong is caught with a hint."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
import numpy as np


def integral_image(image):
    sums = np.zeros((image.shape[0] + 1, image.shape[1] + 1), dtype=np.int64)
    sums[1:, 1:] = image.cumsum(axis=0, dtype=np.int64).cumsum(axis=1)
    return sums


def box_sum(sums, x1, y1, x2, y2):
    return int(sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1])
"""

WRONG = {
    "no row and column of zeros": ("    return sums\n", "    return sums[1:, 1:]\n", "zeros"),
    "the zeros come last": ("sums[1:, 1:] =", "sums[:-1, :-1] =", "zeros come first"),
    "along the rows alone": ("image.cumsum(axis=0, dtype=np.int64)", "image", "along the rows"),
    "down the columns alone": (".cumsum(axis=1)", "", "down the columns"),
    "twice down the columns": (".cumsum(axis=1)", ".cumsum(axis=0)", "running sum"),
    "bytes": (
        "    return sums\n",
        "    return sums.astype(image.dtype)\n",
        "larger type",
    ),
    "sums of bytes": (
        "image.cumsum(axis=0, dtype=np.int64)",
        "image.cumsum(axis=0, dtype=image.dtype)",
        "larger",
    ),
    "sums in words of 16 bits": ("    return sums\n", "    return sums.astype(np.int16)\n", "larger type"),
    "the image is overwritten": ("sums[1:, 1:] =", "image += 1; sums[1:, 1:] = -1 +", "copy"),
    "three reads": (" + sums[y1, x1]", "", "taken away twice"),
    "all taken away": ("+ sums[y1, x1]", "- sums[y1, x1]", "is added"),
    "two reads": (" - sums[y1, x2] - sums[y2, x1] + sums[y1, x1]", " - sums[y1, x1]", "two reads"),
    "without the last row and column": (
        "sums[y2, x2] - sums[y1, x2]",
        "sums[y2 - 1, x2] - sums[y1, x2]",
        "last entry",
    ),
    "inclusive": (
        "sums[y2, x2] - sums[y1, x2] - sums[y2, x1]",
        "sums[y2 - 1, x2 - 1] - sums[y1, x2 - 1] - sums[y2 - 1, x1]",
        "ends before",
    ),
    "columns before rows": (
        "sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1]",
        "sums[x2, y2] - sums[x2, y1] - sums[x1, y2] + sums[x1, y1]",
        "rows come first",
    ),
    "the pixel at the corner is left out": ("+ sums[y1, x1]", "+ sums[y1, x1] - (x1 == x2)", "holds nothing"),
}


def test_the_solution_passes():
    assert failures("integral-image", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("integral-image", SOLUTION, old, new, words)
