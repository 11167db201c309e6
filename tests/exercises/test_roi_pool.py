"""The lab on RoI pooling: the solution passes, wrong answers are caught with a hint that fits."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
import math

import numpy as np


def bins(low, high, scale, parts, limit):
    first = math.floor(low * scale + 0.5)
    last = math.floor((high - 1) * scale + 0.5)
    count = max(last - first + 1, 1)
    edges = []
    for i in range(parts):
        begin, end = first + math.floor(i * count / parts), first + math.ceil((i + 1) * count / parts)
        edges.append((min(max(begin, 0), limit), min(max(end, 0), limit)))
    return edges


def roi_pool(features, rois, image_index, output_size, scale):
    _, channels, height, width = features.shape
    y = np.zeros((len(rois), channels, *output_size))
    where = np.full((*y.shape, 2), -1)
    for r, (x1, y1, x2, y2) in enumerate(rois):
        rows = bins(y1, y2, scale, output_size[0], height)
        columns = bins(x1, x2, scale, output_size[1], width)
        for c in range(channels):
            for p, (top, bottom) in enumerate(rows):
                for q, (left, right) in enumerate(columns):
                    if top < bottom and left < right:
                        window = features[image_index[r], c, top:bottom, left:right]
                        i, j = np.unravel_index(np.argmax(window), window.shape)
                        y[r, c, p, q] = window[i, j]
                        where[r, c, p, q] = top + i, left + j
    return y, where


def roi_pool_backward(dy, where, image_index, shape):
    dx = np.zeros(shape)
    for r, c, p, q in np.ndindex(dy.shape):
        row, column = where[r, c, p, q]
        if row >= 0:
            dx[image_index[r], c, row, column] += dy[r, c, p, q]
    return dx
"""

FIRST, LAST = "first = math.floor(low * scale + 0.5)", "last = math.floor((high - 1) * scale + 0.5)"
ROUNDED = f"{FIRST}\n    {LAST}"
WRONG = {
    "halves to even": (
        ROUNDED,
        "first, last = round(low * scale), round((high - 1) * scale)",
        "even numbers",
    ),
    "cut off": (ROUNDED, "first, last = int(low * scale), int((high - 1) * scale)", ""),
    "floor": (ROUNDED, "first, last = math.floor(low * scale), math.floor((high - 1) * scale)", "cut off"),
    "floor of the first": (FIRST, "first = math.floor(low * scale)", "at the first cell"),
    "floor of the last": (LAST, "last = math.floor((high - 1) * scale)", "at the last cell"),
    "the last pixel one too far": ("(high - 1) * scale", "high * scale", "x2 - 1"),
    "scale forgotten": ("scale + 0.5)\n    last", "1 + 0.5)\n    last", "a half is rounded up"),
    "divided by scale": ("math.floor(low * scale", "math.floor(low / scale", "a half is rounded up"),
    "the last cell left out": ("last - first + 1", "last - first", "last - first + 1"),
    "no row at least": ("max(last - first + 1, 1)", "last - first + 1", "at least one row"),
    "bins end at a floor": (
        "first + math.ceil((i + 1) * count / parts)",
        "first + (i + 1) * count // parts",
        "a ceil",
    ),
    "bins begin at a ceil": ("first + math.floor(i * count / parts)", "first - -i * count // parts", ""),
    "bins from the map's edge": (
        "begin, end = first + math.floor(i * count / parts), first + math.ceil",
        "begin, end = math.floor(i * count / parts), math.ceil",
        "first cell",
    ),
    "the region is cut at the map": (
        "    count = max(",
        "    first, last = max(first, 0), min(last, limit - 1)\n    count = max(",
        "not the region",
    ),
    "x for y": (
        "bins(y1, y2, scale, output_size[0], height)",
        "bins(x1, x2, scale, output_size[0], height)",
        "",
    ),
    "P and Q exchanged": (
        "for r, (x1, y1, x2, y2) in enumerate(rois):",
        "output_size = output_size[::-1]\n    for r, (x1, y1, x2, y2) in enumerate(rois):",
        "P bins along",
    ),
    "the mean": ("y[r, c, p, q] = window[i, j]", "y[r, c, p, q] = window.mean()", "largest number"),
    "0 at least": ("y[r, c, p, q] = window[i, j]", "y[r, c, p, q] = max(window[i, j], 0)", "not 0"),
    "empty bins are minus infinity": (
        "y = np.zeros((len(rois), channels, *output_size))",
        "y = np.full((len(rois), channels, *output_size), -np.inf)",
        "gives 0",
    ),
    "ties given to the last": (
        "np.argmax(window)",
        "window.size - 1 - np.argmax(window.ravel()[::-1])",
        "first in reading",
    ),
    "places within the bin": ("= top + i, left + j", "= i, j", "on the map"),
    "places column first": ("= top + i, left + j", "= left + j, top + i", "row and column"),
    "empty bins at 0, 0": ("np.full((*y.shape, 2), -1)", "np.zeros((*y.shape, 2), dtype=int)", "-1, -1"),
    "the first photo only": ("features[image_index[r], c", "features[0, c", "image_index"),
    "gradient overwritten": ("row, column] += dy", "row, column] = dy", "overwrites"),
    "gradient of empty bins to the last cell": (
        "        if row >= 0:\n            dx",
        "        dx",
        "leave such bins out",
    ),
    "gradient to the first photo": ("dx[image_index[r], c", "dx[0, c", "own photo"),
    "gradient to all channels": ("dx[image_index[r], c, row", "dx[image_index[r], :, row", "own photo"),
    "1 instead of dy": ("+= dy[r, c, p, q]", "+= 1", "each dy goes"),
    "places as floats": ("np.full((*y.shape, 2), -1)", "np.full((*y.shape, 2), -1.0)", "Returns"),
}


def test_the_solution_passes():
    assert failures("roi-pool", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("roi-pool", SOLUTION, old, new, words)
