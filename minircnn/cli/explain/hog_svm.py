"""What HOG + SVM has to show: gradients, histograms, what the SVM looks for, scores at several scales."""

from __future__ import annotations

from typing import cast

import numpy as np

from minircnn.cli.explain.steps import EXPLAINERS, Followed, Step, scores_step
from minircnn.detectors import HogSVM
from minircnn.features import Level
from minircnn.structures import FloatArray
from minircnn.viz import draw_boxes, draw_gradients, draw_hog, draw_hog_weights, draw_score_maps

_MAPS = 4  # levels that are drawn
_ALIKE = 1.3  # scales that differ by less look alike
_WINDOWS = 6


@EXPLAINERS.register("hog-svm")
def hog_svm_steps(followed: Followed) -> list[Step]:
    """Explain in the order of the paper's figure 1."""
    detector = cast(HogSVM, followed.detector)
    label = followed.label(int(followed.best(1)[0]))
    steps = [_gradients(followed, detector), _histograms(followed, detector), _weights(detector, label)]
    levels = list(detector.levels(followed.image))
    if levels:
        steps.append(_pyramid(followed, detector, label, levels))
    return [
        *steps,
        _windows(followed, detector),
        scores_step(
            followed,
            "Scores",
            "One linear SVM per class has weighed every window; a score above 0 means yes. A window's box is "
            "the window without its margin, cut where it leaves the photo.",
        ),
    ]


def _gradients(followed: Followed, detector: HogSVM) -> Step:
    height, width = followed.image.shape[:2]
    root = (
        " Grey levels are replaced by their square roots first."
        if detector.windows.hog.gamma == "sqrt"
        else ""
    )
    return Step(
        "gradients",
        "Gradients",
        "At every pixel: right neighbour minus left, lower minus upper, in the colour channel where this is "
        f"strongest. How bright or which colour a thing is, is gone; its outline stays.{root}",
        draw_gradients(followed.image, detector.windows.hog),
        "Bright: a strong gradient.",
        f"{height * width:,} gradients",
    )


def _histograms(followed: Followed, detector: HogSVM) -> Step:
    hog = detector.windows.hog
    rows, columns = hog.blocks(*followed.image.shape[:2])
    return Step(
        "histograms",
        "Histograms of oriented gradients",
        f"The photo is cut into cells of {hog.cell} × {hog.cell} pixels. In each, pixels vote for one of "
        f"{hog.bins} orientations with the strength of their gradients. Cells are normalized together in "
        f"blocks of {hog.block} × {hog.block}, so that light and contrast matter no more.",
        draw_hog(followed.image, hog),
        "Strokes lie along the edges, across the gradients.",
        f"{rows} × {columns} blocks of {hog.block_dim} numbers",
    )


def _weights(detector: HogSVM, label: int) -> Step:
    windows, name = detector.windows, detector.class_names[label - 1]
    width, height = windows.window
    return Step(
        "weights",
        f"What the SVM of {name} looks for",
        f"A window of {width} × {height} pixels has {windows.hog.window_sum(height, width)} = {windows.dim:,}"
        " numbers. The SVM has a weight for each: what speaks for an object, and what against it.",
        draw_hog_weights(detector.svms.coef_[label - 1], windows, f"Weights of {name}"),
        "The dotted frame is the object; around it lies the margin of the window.",
        f"{windows.dim:,} weights and a bias",
    )


def _pyramid(
    followed: Followed, detector: HogSVM, label: int, levels: list[tuple[Level, FloatArray]]
) -> Step:
    """Show the scores of one class at the levels where they are highest."""
    best = [float(scores[label - 1].max()) for _, scores in levels]
    order = _apart(levels, best)
    name, total = detector.class_names[label - 1], sum(scores[0].size for _, scores in levels)
    maps = []
    for number in order:
        level, scores = levels[number]
        corners = np.array([[0, 0], [s - 1 for s in scores.shape[1:]]])
        first, last = detector.windows.boxes(level, corners)
        x, y = ((first[i] + first[i + 2]) / 2 for i in (0, 1))
        right, down = ((last[i] + last[i + 2]) / 2 for i in (0, 1))
        step = np.array([level.scale_x, level.scale_y]) * detector.windows.stride / 2
        box = np.array([x - step[0], y - step[1], right + step[0], down + step[1]])
        maps.append((_words(detector, level), scores[label - 1], box))
    rows = [
        [_words(detector, level), f"{level.width} × {level.height}", f"{scores[0].size:,}", score]
        for (level, scores), score in zip(levels, best, strict=True)
    ]
    return Step(
        "pyramid",
        "The photo at many scales",
        "Windows have one size, so the photo is shrunk again and again. All windows of a level are scored at "
        "once: each block is multiplied with the weights of every place in a window, and all is added up.",
        draw_score_maps(followed.image, maps, f"Scores of {name} at the centres of windows"),
        "Levels with high scores, bright; colors mean the same in all.",
        f"{total:,} windows on {len(levels)} levels",
        (["window in the photo", "level", "windows", f"best score of {name}"], rows),
    )


def _apart(levels: list[tuple[Level, FloatArray]], best: list[float]) -> list[int]:
    """Return a few levels with a high score, none much like another, in their order."""
    chosen: list[int] = []
    for number in np.argsort([-score for score in best], kind="stable").tolist():
        level = levels[number][0]
        sizes = [(level.scale_x / levels[n][0].scale_x, level.scale_y / levels[n][0].scale_y) for n in chosen]
        if len(chosen) < _MAPS and all(max(x, 1 / x, y, 1 / y) >= _ALIKE for x, y in sizes):
            chosen.append(number)
    return sorted(chosen)


def _words(detector: HogSVM, level: Level) -> str:
    """Return how large a window of a level is in the photo."""
    width, height = detector.windows.window
    return f"windows of {width * level.scale_x:.0f} × {height * level.scale_y:.0f}"


def _windows(followed: Followed, detector: HogSVM) -> Step:
    """Show the best windows as they were looked at, with their margin."""
    best = followed.best(_WINDOWS)
    boxes = detector.windows.around(followed.proposals[best].astype(np.float64))
    return Step(
        "windows",
        "Best windows",
        "What surrounds an object helps to tell it, so a window is larger than the object that it is for.",
        draw_boxes(
            followed.image,
            boxes,
            [followed.name(int(r)) for r in best],
            f"The {len(best)} best windows that lie apart",
        ),
        "With their margin.",
        f"best: {followed.name(int(best[0]))}",
    )
