"""Lab: mean intersection over union of classes of pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.structures import IntArray


def mean_iou(truths: Sequence[IntArray], predictions: Sequence[IntArray], void: int) -> float:
    """Return how well predicted classes of pixels agree with the true ones, over a whole set of photos.

    The IoU of a class is the number of pixels that are of it in both maps, over the number that are of it in
    one of them at least; both are counted through all photos before they are divided. The result is the mean
    over the classes that occur in the truth or are predicted somewhere.

    Parameters
    ----------
    truths : sequence of int arrays (H, W)
        The true class of each pixel, a map for each photo. Photos may be of different sizes.
    predictions : sequence of int arrays (H, W)
        The predicted classes, in the same order.
    void : int
        Pixels whose true class is this number do not count, whatever is predicted there.

    Returns
    -------
    float
        From 0 to 1. One pixel at least counts.

    References
    ----------
    Everingham et al. 2015, The PASCAL Visual Object Classes Challenge: A Retrospective, section 4.2.
    """
    raise NotImplementedError


def _maps(rng: np.random.Generator, classes: int, *shapes: tuple[int, int]) -> Arguments:
    truths = [rng.integers(0, classes, shape) for shape in shapes]
    predictions = [np.where(rng.random(t.shape) < 0.6, t, rng.integers(0, classes, t.shape)) for t in truths]
    return truths, predictions, 255


def _one_photo(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [np.array([[1]])], [np.array([[1]])], 255
    yield [np.array([[1, 2]])], [np.array([[2, 1]])], 255
    yield [np.array([[1, 1, 2]])], [np.array([[1, 2, 2]])], 255
    for classes in (2, 3, 4):
        yield _maps(rng, classes, (2, 3))


def _absent(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [np.array([[0, 0]])], [np.array([[0, 0]])], 255
    yield [np.array([[0, 7]])], [np.array([[0, 0]])], 255
    yield [np.array([[0, 0]])], [np.array([[0, 7]])], 255
    yield [np.array([[3, 9, 9]])], [np.array([[3, 9, 5]])], 255


def _void(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [np.array([[1, 255]])], [np.array([[1, 1]])], 255
    yield [np.array([[1, 255]])], [np.array([[1, 4]])], 255
    yield [np.array([[1, 0, 0]])], [np.array([[1, 1, 1]])], 0
    for _ in range(3):
        truths, predictions, _ = _maps(rng, 3, (3, 4))
        yield [np.where(rng.random(truths[0].shape) < 0.3, 255, truths[0])], predictions, 255


def _several_photos(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [np.array([[1, 1, 1]]), np.array([[1]])], [np.array([[1, 1, 1]]), np.array([[0]])], 255
    yield [np.array([[1, 1]]), np.array([[2]])], [np.array([[1, 2]]), np.array([[2]])], 255
    yield _maps(rng, 3, (1, 4), (2, 2), (3, 1))
    yield _maps(rng, 4, (4, 4), (2, 5), (3, 3), (1, 2))


def _per_photo(truths: Sequence[IntArray], predictions: Sequence[IntArray], void: int) -> float:
    pairs = [(t, p) for t, p in zip(truths, predictions, strict=True) if (t != void).any()]
    return float(np.mean([textbook.mean_iou([t], [p], void) for t, p in pairs]))


def _accuracy(truths: Sequence[IntArray], predictions: Sequence[IntArray], void: int) -> float:
    right = sum(int(((t == p) & (t != void)).sum()) for t, p in zip(truths, predictions, strict=True))
    return right / sum(int((t != void).sum()) for t in truths)


def _true_classes_alone(truths: Sequence[IntArray], predictions: Sequence[IntArray], void: int) -> float:
    known = np.concatenate([t[t != void] for t in truths])
    found = np.concatenate([p[t != void] for t, p in zip(truths, predictions, strict=True)])
    parts = [
        ((known == k) & (found == k)).sum() / ((known == k) | (found == k)).sum() for k in np.unique(known)
    ]
    return float(np.mean(parts))


_part = partial(Part, function="mean_iou", expected=textbook.mean_iou)

LABS["mean-iou"] = Lab(
    title="Mean IoU of classes of pixels",
    task="how well a class for every pixel is predicted",
    page="walkthroughs/the-ladder.md#a-class-for-every-pixel",
    source="Everingham et al. 2015, section 4.2",
    level="easy",
    hint="for each class, which pixels are of it in both maps, and which in one of them at least?",
    stubs=(mean_iou,),
    imports=(
        "from collections.abc import Sequence",
        "",
        "import numpy as np",
        "",
        "from minircnn.structures import IntArray",
    ),
    parts=(
        _part(
            "one photo",
            cases=_one_photo,
            hint="a wrong pixel counts in two classes: in its true one, and in the one that was predicted",
        ),
        _part(
            "classes that are absent",
            cases=_absent,
            hint="a class of one map alone has an IoU of 0, a class of neither has no part in the mean",
        ),
        _part("void", cases=_void, hint="where the truth is void, what is predicted counts for no class"),
        _part(
            "several photos",
            cases=_several_photos,
            hint="sum both counts of a class through all photos, and divide once",
        ),
    ),
    mistakes=(
        Mistake(
            "mean_iou", _per_photo, "you take the mean of each photo's figure; count through all photos first"
        ),
        Mistake("mean_iou", _accuracy, "the share of right pixels is another measure, pixel accuracy"),
        Mistake(
            "mean_iou",
            _true_classes_alone,
            "a class that is predicted and does not occur belongs to the mean, with an IoU of 0",
        ),
    ),
)
