"""The lab on convolution: the solution passes, wrong answers are caught with a hint that fits."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
import numpy as np


def conv2d(x, weight, bias, stride=1, padding=0):
    n, c, h, w = x.shape
    o, _, k, _ = weight.shape
    padded = np.zeros((n, c, h + 2 * padding, w + 2 * padding))
    padded[:, :, padding : padding + h, padding : padding + w] = x
    oh = (h + 2 * padding - k) // stride + 1
    ow = (w + 2 * padding - k) // stride + 1
    y = np.zeros((n, o, oh, ow))
    for i in range(n):
        for f in range(o):
            for r in range(oh):
                for s in range(ow):
                    top, left = r * stride, s * stride
                    patch = padded[i, :, top : top + k, left : left + k]
                    y[i, f, r, s] = (patch * weight[f]).sum() + bias[f]
    return y
"""

WRONG = {
    "the filter turned": ("patch * weight[f]", "patch * weight[f, :, ::-1, ::-1]", "turned by 180"),
    "the filter transposed": ("patch * weight[f]", "patch * weight[f].transpose(0, 2, 1)", "not turned"),
    "stride ignored": ("top, left = r * stride, s * stride", "top, left = r, s", "r · stride"),
    "stride along rows only": (
        "top, left = r * stride, s * stride",
        "top, left = r * stride, s",
        "r · stride",
    ),
    "stride ignored in the shape": (
        "oh = (h + 2 * padding - k) // stride + 1",
        "oh = h + 2 * padding - k + 1",
        "",
    ),
    "padding on one side": (
        "padded[:, :, padding : padding + h, padding : padding + w] = x",
        "padded[:, :, :h, :w] = x",
        "all four sides",
    ),
    "padding ignored in the shape": ("oh = (h + 2 * padding - k)", "oh = (h + padding - k)", "2 · padding"),
    "padded with edge values": (
        "padded[:, :, padding : padding + h, padding : padding + w] = x",
        "padded = np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2), 'edge')",
        "zeros",
    ),
    "no bias": (" + bias[f]", "", "bias is missing"),
    "one bias for all": ("+ bias[f]", "+ bias[0]", "its own bias"),
    "the bias added to each product": (
        "(patch * weight[f]).sum() + bias[f]",
        "(patch * weight[f] + bias[f]).sum()",
        "its own bias",
    ),
    "the first channel only": ("(patch * weight[f]).sum()", "(patch[0] * weight[f, 0]).sum()", "all of them"),
    "the mean of the products": ("(patch * weight[f]).sum()", "(patch * weight[f]).mean()", "upper left"),
    "the last window forgotten": (
        "ow = (w + 2 * padding - k) // stride + 1",
        "ow = (w + 2 * padding - k) // stride",
        "upper left",
    ),
    "windows over the edge": (
        "oh = (h + 2 * padding - k) // stride + 1",
        "oh = -(-(h + 2 * padding - k) // stride) + 1",
        "",
    ),
    "rows for columns": ("ow = (w + 2 * padding - k) // stride + 1", "ow = oh", "rows go along H"),
    "the first photo only": ("    for i in range(n):", "    for i in range(1):", "treated alike"),
    "the first filter for all": ("patch * weight[f]", "patch * weight[0]", "its own bias"),
}


def test_the_solution_passes():
    assert failures("conv-forward", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("conv-forward", SOLUTION, old, new, words)
