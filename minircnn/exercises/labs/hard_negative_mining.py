"""Lab: hard negative mining."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Functions, Lab, Part
from minircnn.structures import FloatArray, IntArray


def mine_hard_negatives(
    positives: FloatArray,
    photos: Iterable[FloatArray],
    train: Callable[[FloatArray, IntArray], tuple[FloatArray, float]],
    hard_above: float = -1.0001,
    evict_below: float = -1.2,
    retrain_after: int = 2000,
) -> tuple[FloatArray, float]:
    """Return the SVM of one class, trained on its objects and on the negatives that it finds hard.

    A cache of negatives begins empty, the SVM with weight 0 and intercept 0. For each photo in turn:

    1. Its negatives whose score is *greater* than `hard_above` go into the cache.
    2. If this is the first photo, or *more* than `retrain_after` negatives have been added since the last
       training, the SVM is trained on all positives and the whole cache. Then every negative of the cache
       whose score under the *new* SVM is below `evict_below` is dropped (equal stays), and the count of added
       ones begins at 0 again.

    At the end the SVM is trained once more, on all positives and what is in the cache, and returned.

    Parameters
    ----------
    positives : float array (P, D)
        Features of the class's objects. They are never dropped.
    photos : iterable of float arrays (R, D)
        Features of each photo's negatives; R may be 0. To be gone through once.
    train : callable
        ``weight, intercept = train(features, labels)`` trains an SVM: features (P + negatives, D), the
        positives first, labels (P + negatives,) of 1 and -1. The score of x is ``x @ weight + intercept``.
    hard_above, evict_below : float
        Bounds of the score.
    retrain_after : int
        Bound of the number of negatives added.

    Returns
    -------
    weight : float array (D,)
    intercept : float
        Those that the last training returned.

    Notes
    -----
    ``Script(([2.0], -1.0), ...)``, imported above, is a `train` for trying: it returns these weights and
    intercepts in turn, and the last ones again and again.

    References
    ----------
    Girshick et al. 2014, Rich feature hierarchies, section 2.3; Felzenszwalb et al. 2010, section 4.
    """
    raise NotImplementedError


class Script:
    """A training that returns what stands in its script, and keeps what it was given."""

    def __init__(self, *answers: tuple[Sequence[float], float]) -> None:
        self.answers = answers
        self.negatives: list[list[Any]] = []  # of each training, in the order of their numbers
        self.positives: list[list[Any]] = []

    def __call__(self, features: FloatArray, labels: IntArray) -> tuple[FloatArray, float]:
        """Return the next weight (D,) and intercept of the script."""
        rows, signs = np.asarray(features, dtype=float), np.asarray(labels)
        if rows.ndim != 2 or signs.shape != rows.shape[:1]:
            raise ValueError(
                f"train wants features (n, D) and labels (n,), got {rows.shape} and {signs.shape}"
            )
        if not np.isin(signs, (-1, 1)).all():
            raise ValueError(f"train wants labels 1 and -1, got {sorted(set(signs.tolist()))}")
        rows = rows[:, 0] if rows.shape[1] == 1 else rows  # numbers are easier to read than lists of one
        self.positives.append(sorted(rows[signs > 0].tolist()))
        self.negatives.append(sorted(rows[signs < 0].tolist()))
        weight, intercept = self.answers[min(len(self.negatives), len(self.answers)) - 1]
        return np.array(weight, dtype=float), float(intercept)

    def __repr__(self) -> str:
        return f"Script({', '.join(map(repr, self.answers))})"


_ALWAYS = ([1.0], 0.0)  # the score of x is x


def _given(
    photos: Sequence[Sequence[float]], *script: tuple[list[float], float], positives: Sequence[float] = (5,),
    hard: float = -1.0, evict: float = -100.0, after: int = 100,
) -> Arguments:  # fmt: skip
    """Return the arguments for features of one number."""
    negatives = [np.array(photo, dtype=float).reshape(-1, 1) for photo in photos]
    return np.array(positives, dtype=float).reshape(-1, 1), negatives, Script(*script), hard, evict, after


def _first_photo(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _given([[0]], _ALWAYS)
    yield _given([[1, 2]], _ALWAYS)
    yield _given([[0, 3, 3]], _ALWAYS)


def _later_photos(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _given([[0], [1]], _ALWAYS)
    yield _given([[0], [-3]], _ALWAYS)
    yield _given([[0], [-1]], _ALWAYS)
    yield _given([[0], [3, -1, 0]], ([-1.0], 1.0))
    yield _given([[0], [-1.0001, -1]], _ALWAYS, hard=-1.0001)


def _evicted(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _given([[-3]], _ALWAYS, evict=-2)
    yield _given([[-2]], _ALWAYS, evict=-2)
    yield _given([[-3, 0, -2, -4]], _ALWAYS, evict=-2)
    yield _given([[3, -3]], ([-1.0], 0.0), evict=-2)


def _retrained(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _given([[0], [1], [2]], _ALWAYS, after=1)
    yield _given([[0], [1, 2], [3]], _ALWAYS, after=1)
    yield _given([[0, 0, 0], [1], [2], [3]], _ALWAYS, after=1)
    yield _given([[0], [-5, -5, -5], [1]], _ALWAYS, after=1)
    yield _given([[0], [1, 1], [2], [3, 3]], _ALWAYS, after=2)


def _new_svm(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _given([[0], [1, 2]], ([1.0], 0.0), ([-1.0], 0.0), evict=-1.5, after=1)
    yield _given([[0], [1, 3], [2, -3]], ([1.0], 0.0), ([-1.0], 1.0), evict=-1.5, after=1)
    yield _given([[0], [4], [-4]], ([1.0], 0.0), ([-1.0], 0.0), evict=-2, after=0)


def _positives(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _given([[0]], _ALWAYS, positives=[-9])
    yield _given([[0], [1]], _ALWAYS, positives=[-9, 3, -1], evict=-2, after=0)


def _empty(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _given([[]], _ALWAYS)
    yield _given([[], [1, -3]], _ALWAYS)
    yield _given([[0], [], [1]], _ALWAYS, after=0)
    yield _given([[-5]], _ALWAYS, evict=-2)


def _features(rng: np.random.Generator) -> Iterator[Arguments]:
    for length in (1, 2, 3):
        photos = [rng.integers(-3, 4, (n, length)).astype(float) for n in (2, 3, 1, 4)]
        answers = [
            (rng.integers(-2, 3, length).astype(float).tolist(), float(rng.integers(-2, 3))) for _ in range(4)
        ]
        yield np.ones((2, length)), photos, Script(*answers), -1.0, -1.5, length


_NAMES = ("weight", "intercept", "the negatives of each training", "the positives of each training")


def _run(functions: Functions, positives: Any, photos: Any, script: Script, *bounds: float) -> Any:
    answer = functions["mine_hard_negatives"](positives, photos, script, *bounds)
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise TypeError("weight and intercept are to be returned" + (", got None" if answer is None else ""))
    return *answer, script.negatives, script.positives


def _expected(*arguments: Any) -> Any:
    return _run({"mine_hard_negatives": textbook.mine_hard_negatives}, *arguments)


_part = partial(Part, function="mine_hard_negatives", expected=_expected, run=_run, returns=_NAMES, only=2)

LABS["hard-negative-mining"] = Lab(
    title="Hard negative mining",
    task="an SVM that goes through all photos and learns from the negatives that it gets wrong",
    page="walkthroughs/svms.md#hard-negative-mining",
    source="Girshick et al. 2014, section 2.3",
    level="medium",
    hint="keep the cache as a list of rows; write a small function that puts positives and cache together.",
    stubs=(mine_hard_negatives,),
    imports=(
        "from collections.abc import Callable, Iterable",
        "",
        "import numpy as np",
        "",
        "from minircnn.exercises.labs.hard_negative_mining import Script",
        "from minircnn.structures import FloatArray, IntArray",
    ),
    parts=(
        _part(
            "the first photo",
            cases=_first_photo,
            hint="before any training all scores are 0: is 0 hard? Train after this photo, and at the end",
        ),
        _part(
            "hard ones of later photos",
            cases=_later_photos,
            hint="hard is a score greater than hard_above, under the SVM of that moment",
        ),
        _part(
            "easy ones are dropped",
            cases=_evicted,
            hint="after each training those that score below evict_below go; exactly there they stay",
        ),
        _part(
            "when it is trained again",
            cases=_retrained,
            hint="count what was *added* since the last training: are these more than retrain_after?",
        ),
        _part(
            "dropped by the new SVM",
            cases=_new_svm,
            hint="the scores that decide who is dropped are those of the SVM just trained",
        ),
        _part(
            "positives stay",
            cases=_positives,
            only=3,
            hint="positives take part in every training, whatever they score",
        ),
        _part(
            "photos without negatives",
            cases=_empty,
            hint="the cache may be empty: features are then the positives alone",
        ),
        _part(
            "several features",
            cases=_features,
            only=None,
            hint="a score is x @ weight + intercept; what is returned comes from the last training",
        ),
    ),
)
