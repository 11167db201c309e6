"""What a bag of words has to show: the words of the photo, those in a region, and what they say of it."""

from __future__ import annotations

from typing import cast

import numpy as np

from minircnn.cli.explain.steps import EXPLAINERS, Followed, Step, proposals_step, scores_step
from minircnn.detectors.bag_of_words import BagOfWords, WordsView
from minircnn.features.word_votes import word_votes
from minircnn.imaging import warp_regions
from minircnn.structures import FloatArray
from minircnn.viz import draw_votes, draw_warps, draw_word_places, draw_words

_WORDS, _PATCHES = 6, 8
_SIDE = 48  # pixels of a patch as it is drawn


@EXPLAINERS.register("bag-of-words")
def bag_of_words_steps(followed: Followed) -> list[Step]:
    """Explain in the order in which it runs."""
    detector, view = cast(BagOfWords, followed.detector), cast(WordsView, followed.view)
    best = int(followed.best(1)[0])
    features = detector.svms.coef_.shape[1]
    return [
        _vocabulary(detector),
        _words(view, detector),
        proposals_step(followed),
        _region(followed, view, detector, best),
        scores_step(
            followed,
            "SVM scores",
            f"The histograms of the words in the cells of a region, {features:,} numbers, are weighed by one "
            "linear SVM per class; a score above 0 means yes.",
        ),
        _votes(followed, view, detector, best),
    ]


def _vocabulary(detector: BagOfWords) -> Step:
    """Show words as they are kept."""
    return Step(
        "vocabulary",
        "The vocabulary",
        f"Before any photo is looked at there are {len(detector.vocabulary):,} words: means of descriptors "
        "of patches that look alike, found by k-means in the training photos. A star shows in "
        "which directions a patch gets brighter, in each of its 4 × 4 cells.",
        draw_words(detector.vocabulary.centers),
        "The first of them.",
        f"{len(detector.vocabulary):,} words of {detector.dense.length} numbers",
    )


def _words(view: WordsView, detector: BagOfWords) -> Step:
    """Show patches of this photo that became the same word."""
    words = view.words.words
    used, counts = np.unique(words, return_counts=True)
    # flat patches, and words seen once, show nothing
    many = used[(counts >= _PATCHES) & detector.vocabulary.centers[used].any(axis=1)]
    chosen = many[np.linspace(0, len(many) - 1, min(_WORDS, len(many))).round().astype(int)]
    chosen = chosen if len(chosen) else used[:1]
    boxes = np.concatenate([_patches(view, detector, int(word)) for word in chosen])
    crops = warp_regions(view.image, boxes, _SIDE, context=0, fill=(127.0, 127.0, 127.0))
    sizes, height, width = words.shape
    return Step(
        "words",
        "Patches become words",
        f"At each of {height} × {width} points the photo is described in patches of {sizes} "
        f"size{'s' if sizes > 1 else ''}, and each patch is replaced by its nearest word. What a word cannot "
        "tell apart, the detector cannot either.",
        draw_warps(crops, title="Patches of this photo, a word in each row", columns=_PATCHES),
        "Each row shows patches that got the same word; grey lies outside of the photo.",
        f"{words.size:,} patches, {len(used):,} different words",
    )


def _patches(view: WordsView, detector: BagOfWords, word: int) -> FloatArray:
    """Return the places (n, 4) of patches with this word in the photo, from all over it."""
    size, row, column = np.nonzero(view.words.words == word)
    some = np.linspace(0, len(size) - 1, _PATCHES).round().astype(int)
    x, y = view.words.grid.columns[column[some]] + 0.5, view.words.grid.rows[row[some]] + 0.5
    half = 2 * np.asarray(detector.dense.cells)[size[some]]
    return np.stack([x - half, y - half, x + half, y + half], axis=1) / view.scale


def _points(view: WordsView) -> tuple[FloatArray, FloatArray]:
    """Return the points (h·w, 2) of the photo, and the words (h·w,) of its patches of the first size."""
    x, y = np.meshgrid(view.words.grid.columns + 0.5, view.words.grid.rows + 0.5)
    return np.stack([x.ravel(), y.ravel()], axis=1) / view.scale, view.words.words[0].ravel()


def _region(followed: Followed, view: WordsView, detector: BagOfWords, best: int) -> Step:
    """Show the words in the best region."""
    box = followed.proposals[best]
    cells = [f"{n} × {n}" for n in detector.pyramid.levels]
    counts = view.words.histograms(box[None] * np.float32(view.scale))[0, 0]
    return Step(
        "histogram",
        "A region is a histogram",
        "How often each word occurs in a region is all that is kept of it; where, only as far as the "
        f"cells of its pyramid tell: {', '.join(cells)}. All regions read from one table of sums.",
        draw_word_places(followed.image, *_points(view), box),
        "The most frequent words in the best region, a colour each; of patches of the first size.",
        f"{int(counts.sum()):,} words, {int((counts > 0).sum())} different ones",
    )


def _votes(followed: Followed, view: WordsView, detector: BagOfWords, best: int) -> Step:
    """Show what the words of the best region say for its class."""
    label, box = followed.label(best), followed.proposals[best]
    weight = np.asarray(detector.svms.coef_[label - 1])
    votes = word_votes(view.words, box * np.float32(view.scale), weight, detector.pyramid)
    total, intercept = float(votes.sum()), float(detector.svms.intercept_[label - 1])
    name = detector.class_names[label - 1]
    return Step(
        "votes",
        "Words vote",
        "The score of a linear SVM is a sum over words, so each point of the region has its share in it, for "
        "the class or against it.",
        draw_votes(followed.image, votes, box, f"What the words of the best region say for {name}"),
        f"The votes sum to {total:.2f}, with the SVM's intercept of {intercept:.2f} to the score.",
        f"{name}: {total:.2f} + {intercept:.2f} = {total + intercept:.2f}",
    )
