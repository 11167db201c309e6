"""The lab on box regression targets: the solution passes, wrong answers are caught with a hint that fits."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
import math


def encode(proposal, target):
    px, py, pw, ph = seen(proposal)
    gx, gy, gw, gh = seen(target)
    return (gx - px) / pw, (gy - py) / ph, math.log(gw / pw), math.log(gh / ph)


def decode(proposal, offsets):
    px, py, pw, ph = seen(proposal)
    tx, ty, tw, th = offsets
    tw, th = min(tw, math.log(1000 / 16)), min(th, math.log(1000 / 16))
    w, h = pw * math.exp(tw), ph * math.exp(th)
    x, y = px + tx * pw, py + ty * ph
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def seen(box):
    w, h = box[2] - box[0], box[3] - box[1]
    return box[0] + w / 2, box[1] + h / 2, w, h
"""

WRONG = {
    "no logarithm": ("math.log(gw / pw), math.log(gh / ph)", "gw / pw, gh / ph", "equal sizes give 0"),
    "a logarithm of another base": (
        "math.log(gw / pw), math.log(gh",
        "math.log2(gw / pw), math.log2(gh",
        "natural",
    ),
    "the ratio upside down": ("math.log(gw / pw)", "math.log(pw / gw)", "target's width over proposal's"),
    "from the target": (
        "(gx - px) / pw, (gy - py) / ph, math.log(gw / pw), math.log(gh / ph)",
        "(px - gx) / gw, (py - gy) / gh, math.log(pw / gw), math.log(ph / gh)",
        "from the target to the proposal",
    ),
    "in pixels": ("(gx - px) / pw, (gy - py) / ph", "gx - px, gy - py", "in pixels"),
    "corners": (
        "(gx - px) / pw, (gy - py) / ph",
        "(target[0] - proposal[0]) / pw, (target[1] - proposal[1]) / ph",
        "corners",
    ),
    "in units of the target": ("(gx - px) / pw", "(gx - px) / gw", "sizes of the proposal"),
    "width for height": ("(gy - py) / ph", "(gy - py) / pw", "ty in heights"),
    "shift added in pixels": ("px + tx * pw", "px + tx", "multiply by the proposal's size"),
    "no exponential": ("pw * math.exp(tw)", "pw * (1 + tw)", "undo the logarithm"),
    "an edge is the centre": ("return x - w / 2, y - h / 2", "return x, y", "multiply by the proposal"),
    "the corner stays": (
        "return x - w / 2, y - h / 2, x + w / 2, y + h / 2",
        "left, top = x - pw / 2, y - ph / 2\n    return left, top, left + w, top + h",
        "each edge",
    ),
    "shift in new sizes": ("px + tx * pw, py + ty * ph", "px + tx * w, py + ty * h", "not of the new one"),
    "no limit": ("min(tw, math.log(1000 / 16)), min(th, math.log(1000 / 16))", "tw, th", "bounded by"),
    "a limit of 1000 / 16 itself": ("min(tw, math.log(1000 / 16))", "min(tw, 1000 / 16)", "bounded by"),
    "a limit from below too": (
        "tw, th = min(tw",
        "tw, th = max(tw, -4), max(th, -4)\n    tw, th = min(tw",
        "nothing else",
    ),
    "a limit of the shift": (
        "tx, ty, tw, th = offsets",
        "tx, ty, tw, th = (min(t, 4.135) for t in offsets)",
        "nothing else",
    ),
    "one number less": ("math.log(gw / pw), math.log(gh / ph)", "math.log(gw / pw)", ""),
}


def test_the_solution_passes():
    assert failures("encode-decode", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("encode-decode", SOLUTION, old, new, words)
