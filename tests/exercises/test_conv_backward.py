"""The lab on the gradients of a convolution: the solution passes, wrong answers are caught."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
import numpy as np


def conv2d_backward(dy, x, weight, stride=1, padding=0):
    n, c, h, w = x.shape
    k = weight.shape[2]
    around = (padding, padding)
    padded = np.pad(x, ((0, 0), (0, 0), around, around))
    dpadded, dweight = np.zeros(padded.shape), np.zeros(weight.shape)
    for i, o, r, s in np.ndindex(dy.shape):
        rows, columns = slice(r * stride, r * stride + k), slice(s * stride, s * stride + k)
        dpadded[i, :, rows, columns] += dy[i, o, r, s] * weight[o]
        dweight[o] += dy[i, o, r, s] * padded[i, :, rows, columns]
    dbias = dy.sum(axis=(0, 2, 3))
    return dpadded[:, :, padding : padding + h, padding : padding + w], dweight, dbias
"""

WRONG = {
    "dbias without dy": (
        "dbias = dy.sum(axis=(0, 2, 3))",
        "dbias = np.full(len(weight), dy[:, 0].size)",
        "every output",
    ),
    "dbias of one photo": (
        "dbias = dy.sum(axis=(0, 2, 3))",
        "dbias = dy[0].sum(axis=(1, 2))",
        "sums over photos",
    ),
    "dbias a mean": ("dy.sum(axis=(0, 2, 3))", "dy.mean(axis=(0, 2, 3))", "every output"),
    "dbias kept four-dimensional": ("axis=(0, 2, 3))", "axis=(0, 2, 3), keepdims=True)", ""),
    "dweight overwritten": ("dweight[o] += dy", "dweight[o] = dy", "sum dy times"),
    "dweight without the pixel": (
        "dy[i, o, r, s] * padded[i, :, rows, columns]",
        "dy[i, o, r, s]",
        "times that pixel",
    ),
    "dweight turned": (
        "padded[i, :, rows, columns]\n",
        "padded[i, :, rows, columns][:, ::-1, ::-1]\n",
        "turned by 180",
    ),
    "dweight a mean over photos": (" dweight, dbias\n", " dweight / n, dbias\n", "over the photos"),
    "means over photos": (
        "dbias = dy.sum(axis=(0, 2, 3))",
        "dbias = dy.sum(axis=(0, 2, 3)) / n\n    dweight = dweight / n",
        "mean over the photos",
    ),
    "dweight of the map without zeros": (
        "padded = np.pad(x, ((0, 0), (0, 0), around, around))",
        "padded = np.pad(x, ((0, 0), (0, 0), around, around), 'edge')",
        "zeros count",
    ),
    "dx overwritten where windows overlap": (
        "dpadded[i, :, rows, columns] += dy",
        "dpadded[i, :, rows, columns] = dy",
        "do not overwrite",
    ),
    "dx with a turned filter": ("* weight[o]", "* weight[o, :, ::-1, ::-1]", "turned by 180"),
    "dx without the weight": ("dy[i, o, r, s] * weight[o]", "dy[i, o, r, s]", "times weight"),
    "stride ignored": (
        "slice(r * stride, r * stride + k), slice(s * stride, s * stride + k)",
        "slice(r, r + k), slice(s, s + k)",
        "r · stride",
    ),
    "padding cut on one side": ("padding : padding + h, padding : padding + w]", ":h, :w]", "all four sides"),
    "padding left on": (
        "dpadded[:, :, padding : padding + h, padding : padding + w]",
        "dpadded",
        "all four sides",
    ),
    "the order of the gradients": (
        "return dpadded[:, :, padding : padding + h, padding : padding + w], dweight, dbias",
        "return dweight, dpadded[:, :, padding : padding + h, padding : padding + w], dbias",
        "",
    ),
    "dx alone": ("], dweight, dbias", "]", "Returns"),
}


def test_the_solution_passes():
    assert failures("conv-backward", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("conv-backward", SOLUTION, old, new, words)
