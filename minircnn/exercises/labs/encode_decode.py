"""Lab: box regression targets, there and back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.exercises.drawing import whole_box


def encode(proposal: Sequence[float], target: Sequence[float]) -> tuple[float, float, float, float]:
    """Return what has to be learned to come from a proposal to the object's box.

    Parameters
    ----------
    proposal, target : sequence of 4 floats
        Boxes x1, y1, x2, y2 in pixels, x1 < x2 and y1 < y2; the width is x2 - x1.

    Returns
    -------
    tuple of 4 floats
        tx, ty: the shift of the centre, in widths and heights of the proposal. tw, th: the natural logarithm
        of the target's width (height) over the proposal's.

    References
    ----------
    Girshick et al. 2014, Rich feature hierarchies, appendix C, equations 6 to 9.
    """
    raise NotImplementedError


def decode(proposal: Sequence[float], offsets: Sequence[float]) -> tuple[float, float, float, float]:
    """Return the box that the offsets make of a proposal; the inverse of `encode`.

    Parameters
    ----------
    proposal : sequence of 4 floats
        A box x1, y1, x2, y2 in pixels.
    offsets : sequence of 4 floats
        tx, ty, tw, th as `encode` returns them. tw and th count as log(1000 / 16) if they are larger, so that
        an untrained network cannot ask for an infinite box. tx and ty, and small tw and th, have no limit.

    Returns
    -------
    tuple of 4 floats
        x1, y1, x2, y2; not clipped to any photo.

    References
    ----------
    Girshick et al. 2014, Rich feature hierarchies, appendix C, equations 1 to 4.
    """
    raise NotImplementedError


def _shifted(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0, 0, 2, 4], [0, 0, 2, 4]
    yield [0, 0, 2, 4], [1, 0, 3, 4]
    yield [0, 0, 2, 4], [0, 1, 2, 5]
    for most in range(2, 20):
        x1, y1, x2, y2 = whole_box(rng, most)
        dx, dy = (int(v) for v in rng.integers(-most, most + 1, 2))
        yield [x1, y1, x2, y2], [x1 + dx, y1 + dy, x2 + dx, y2 + dy]


def _resized(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [1, 1, 3, 3], [0, 0, 4, 4]
    yield [2, 0, 4, 1], [1, 0, 5, 1]
    yield [0, 2, 1, 4], [0, 0, 1, 6]


def _both(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0, 0, 2, 1], [0, 0, 4, 3]
    for most in range(2, 30):
        yield whole_box(rng, most), whole_box(rng, most)


def _shifts(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0, 0, 2, 4], [0, 0, 0, 0]
    yield [0, 0, 2, 4], [0.5, 0, 0, 0]
    yield [0, 0, 2, 4], [0, -0.25, 0, 0]


def _sizes(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0, 0, 2, 4], [0, 0, 1, 0]
    yield [0, 0, 2, 4], [0, 0, 0, -1]
    yield [1, 2, 2, 3], [0, 0, -2, 0.5]


def _all_offsets(rng: np.random.Generator) -> Iterator[Arguments]:
    for most in range(2, 30):
        yield whole_box(rng, most), rng.uniform(-2, 2, 4).round(2).tolist()


def _limited(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0, 0, 1, 1], [0, 0, 5, 0]
    yield [0, 0, 1, 1], [0, 0, 0, 5]
    yield [0, 0, 1, 1], [10, 0, 0, 0]
    yield [0, 0, 1, 1], [0, 0, -7, -7]
    yield [0, 0, 1, 1], [0, 0, 1000, 0]


def _without_logarithm(proposal: Sequence[float], target: Sequence[float]) -> tuple[float, ...]:
    tx, ty, tw, th = textbook.encode(proposal, target)
    return tx, ty, math.exp(tw), math.exp(th)


def _backwards(proposal: Sequence[float], target: Sequence[float]) -> tuple[float, ...]:
    return textbook.encode(target, proposal)


def _from_corners(proposal: Sequence[float], target: Sequence[float]) -> tuple[float, ...]:
    width, height = proposal[2] - proposal[0], proposal[3] - proposal[1]
    sizes = textbook.encode(proposal, target)[2:]
    return (target[0] - proposal[0]) / width, (target[1] - proposal[1]) / height, *sizes


def _in_pixels(proposal: Sequence[float], target: Sequence[float]) -> tuple[float, ...]:
    tx, ty, tw, th = textbook.encode(proposal, target)
    return tx * (proposal[2] - proposal[0]), ty * (proposal[3] - proposal[1]), tw, th


_encode = partial(Part, function="encode", expected=textbook.encode)
_decode = partial(Part, function="decode", expected=textbook.decode)

LABS["encode-decode"] = Lab(
    title="Box regression targets",
    task="four numbers that lead from a proposal to an object, and the box that they lead to",
    page="walkthroughs/box-regression.md#the-equation",
    source="Girshick et al. 2014, appendix C",
    level="easy",
    hint="first compute centre and size of both boxes; everything else follows from these eight numbers.",
    stubs=(encode, decode),
    imports=("import math", "from collections.abc import Sequence"),
    parts=(
        _encode(
            "a box of the same size, shifted",
            cases=_shifted,
            hint="tx is the shift of the centre in widths of the proposal, ty in heights",
        ),
        _encode(
            "a box of another size around the same centre",
            cases=_resized,
            hint="tw is the natural logarithm of target's width over proposal's; equal sizes give 0",
        ),
        _encode(
            "shifted and of another size",
            cases=_both,
            hint="it is the centres that are compared, and the sizes of the proposal that are the unit",
        ),
        _decode(
            "offsets that shift",
            cases=_shifts,
            hint="undo encode: multiply by the proposal's size before you add; keep the box's size",
        ),
        _decode(
            "offsets that resize",
            cases=_sizes,
            hint="undo the logarithm; the centre stays, so each edge moves by half of the change",
        ),
        _decode(
            "offsets that do both",
            cases=_all_offsets,
            hint="the shift is in units of the proposal's size, not of the new one",
        ),
        _decode(
            "very large and very small offsets",
            cases=_limited,
            hint="tw and th are bounded by log(1000 / 16) from above, before exp, and by nothing else",
        ),
    ),
    mistakes=(
        Mistake(
            "encode", _without_logarithm, "the sizes are told by a logarithm of the ratio: equal sizes give 0"
        ),
        Mistake("encode", _backwards, "you go from the target to the proposal; the other way is asked for"),
        Mistake("encode", _from_corners, "you compare corners; the shift of the centre is asked for"),
        Mistake("encode", _in_pixels, "your shift is in pixels; divide by the proposal's width and height"),
    ),
)
