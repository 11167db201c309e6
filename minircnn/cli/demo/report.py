"""The page that the demonstration writes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minircnn.cli.demo.contest import WINDOWS, Contestant, Trained
from minircnn.cli.pages import Captioned, best_balance, detection_pictures, mistakes, precision_recall_figure
from minircnn.cli.propose import hierarchy_figure
from minircnn.proposals import SelectiveSearch, count_rectangles
from minircnn.structures import DetectionDataset
from minircnn.viz import Report, draw_bars, draw_loss_curves, draw_proposals, draw_sliding_window

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADER = (
    "detector",
    "photos",
    "mAP@.5",
    "training s",
    "s/photo",
    "CNN s",
    "boxes",
    "CNN passes",
)

PHOTOS = "photos"
"""Folder of some test photos, for the commands that want one."""

_SHOWN = 4  # photos of each detector
_OBJECTS = 3  # least number of objects in a photo that is shown
_MISTAKEN = 3


def comparison_rows(contestants: Sequence[Contestant]) -> list[list[Any]]:
    """Return the rows of the side-by-side table, to be shown under `HEADER`."""
    return [
        [
            c.name,
            len(c.dataset),
            float(c.result.map),
            None if c.training_seconds is None else round(c.training_seconds),
            float(c.proposal_seconds + c.detect_seconds),
            float(c.detect_seconds),
            round(c.recall.num_proposals),
            round(c.passes),
        ]
        for c in contestants
    ]


def demo_report(
    contestants: Sequence[Contestant], runs: Sequence[Trained], dataset: DetectionDataset, *, quick: bool
) -> Report:
    """Build the page from what was measured: a contestant for each run, then those of the few photos."""
    detectors, windows = contestants[: len(runs)], contestants[-1]
    names = [c.name for c in detectors]
    page = Report(
        f"{', '.join(names[:-1])} and {names[-1]}, side by side",
        "All were trained on this machine, from random weights, on the same photos and, where they are given "
        "proposals, with the same: handwritten digits on crops of photographs. They were then tested on "
        "photos and digits they had never seen.\n\n"
        + ("This was the quick demonstration: too short a training for good detectors." if quick else ""),
    )
    # the first photos with several objects: one alone shows little
    counts = [len(truth) for truth in detectors[0].outcome.annotations]
    shown = sorted(range(len(counts)), key=lambda i: counts[i] < _OBJECTS)[:_SHOWN]
    text = _result_text(detectors, contestants[-2], windows)
    page.section("Result", text, table=(HEADER, comparison_rows(contestants)))
    balances = [best_balance(c.outcome, c.detector.usual_min_score) for c in detectors]
    for contestant, balance in zip(detectors, balances, strict=True):
        page.section(
            f"What {contestant.name} finds",
            balance.explain(),
            detection_pictures(dataset, contestant.outcome, shown, balance.score),
        )
    _add_proposals(page, detectors, dataset, shown[0])
    logged = [(c, run) for c, run in zip(detectors, runs, strict=True) if run.log]
    page.section(
        "Training",
        "What the networks lose, update by update. Where SVMs and box regressions judge in the end, they are "
        "fitted afterwards to what the network has learned, and have no such curve.",
        [(_loss_figure(c.name, run), c.name) for c, run in logged],
    )
    page.section(
        "Class by class",
        "Average precision at IoU 0.5: the area under the curve of precision against recall.",
        [
            *((precision_recall_figure(c.result, c.name), f"{c.name}, best class first.") for c in detectors),
            (_class_figure(detectors), "The area under each curve."),
        ],
    )
    page.section(
        "What goes wrong",
        "The test photos with the most mistakes.",
        [
            (figure, f"{c.name}: {caption}")
            for c, balance in zip(detectors, balances, strict=True)
            for figure, caption in mistakes(dataset, c.outcome, count=_MISTAKEN, min_score=balance.score)
        ],
    )
    return page.section("What next", _next_text(runs[0]))


def _result_text(detectors: Sequence[Contestant], judge: Contestant, windows: Contestant) -> str:
    others = [c for c in detectors if c.passes == 0]
    detectors = [c for c in detectors if c.passes > 0]
    fastest = min(detectors, key=lambda c: (not c.is_given, c.detect_seconds))
    passes = "; ".join(
        f"{c.name}: {c.passes:,.0f}"
        + ("" if c is fastest else f", {c.detect_seconds / fastest.detect_seconds:.1f} times as long")
        + ("" if c.is_given else ", which makes its proposals, too")
        for c in detectors
    )
    return (
        "Passes of the convolutional layers for a photo, and time behind the same proposals beside the "
        f"fastest, {fastest.name}. {passes}.\n\n{_classical_text(others)}"
        f"The sliding window judges all of {windows.recall.num_proposals:,.0f} windows with the classifier "
        f"of {judge.detector.title}. That takes long, so it ran on the first {len(windows.dataset)} photos "
        "only; the row above it is that detector on the same ones.\n\n"
        "Times, boxes and passes are means per photo on this machine, proposals timed in one process; "
        "the column CNN s leaves out those that a detector is given."
    )


def _classical_text(others: Sequence[Contestant]) -> str:
    """Return what is to be said of detectors without a network, as a paragraph; nothing if there are none."""
    if not others:
        return ""
    *first, last = (c.name for c in others)
    names = f"{', '.join(first)} and {last}" if first else last
    times = "; ".join(f"{c.name}: {c.detect_seconds:.3f} s, mAP {c.result.map:.3f}" for c in others)
    return f"Without a network, features made by hand: {names}. {times}.\n\n"


def _add_proposals(
    page: Report, detectors: Sequence[Contestant], dataset: DetectionDataset, index: int
) -> None:
    """Show where to look: what was searched for all, and what detectors propose themselves."""
    given = [c for c in detectors if c.is_given][:1]
    if given:
        page.section(
            "Where to look: proposals",
            "Selective search starts from small regions of one colour and merges the most similar neighbours "
            "over and over; the box around every region on the way is a proposal. "
            f"{given[0].recall.recall[0]:.1%} of the test digits have a proposal that overlaps them by an "
            "IoU of at least 0.5: no detector that starts from these boxes can find more.",
            _proposal_figures(given[0], dataset, index),
        )
    for c in detectors:
        if not c.is_given:
            page.section(
                f"Where {c.name} looks",
                f"{c.detector.proposal_source} names {c.recall.num_proposals:,.0f} boxes a photo: "
                f"{c.recall.recall[0]:.1%} of the test digits have one that overlaps them by an IoU of at "
                "least 0.5.",
                [_proposals_drawn(c, dataset, index)],
            )


def _proposals_drawn(contestant: Contestant, dataset: DetectionDataset, index: int) -> Captioned:
    image, truth = dataset.image(index), dataset.annotations(index)
    figure = draw_proposals(image, contestant.outcome.proposals[index], truth.boxes)
    return figure, dataset.image_ids[index]


def _proposal_figures(contestant: Contestant, dataset: DetectionDataset, index: int) -> list[Captioned]:
    image, figures = dataset.image(index), [_proposals_drawn(contestant, dataset, index)]
    proposer = contestant.detector.proposer
    if isinstance(proposer, SelectiveSearch):
        hierarchy = proposer.search(image).hierarchies[0]
        figures.append((hierarchy_figure(image, hierarchy), "How regions grow together."))
    height, width = image.shape[:2]
    counts = {
        "every rectangle": count_rectangles(height, width),
        "sliding window": WINDOWS.count_windows(height, width),
        "proposals": max(contestant.recall.num_proposals, 1),
    }
    figures.append((draw_sliding_window(counts), "Why proposals: the CNN cannot look everywhere."))
    return figures


def _loss_figure(name: str, run: Trained) -> Figure:
    iterations = [line["iteration"] for line in run.log]
    kinds = ("loss", "classification", "localisation", "objectness", "anchors")
    losses = [key for key in kinds if key in run.log[0]]
    return draw_loss_curves({key: (iterations, [line[key] for line in run.log]) for key in losses}, name)


def _class_figure(contestants: Sequence[Contestant]) -> Figure:
    series = {c.name: {name: r.ap for name, r in c.result.per_class.items()} for c in contestants}
    return draw_bars(series, "Average precision per class", xlabel="AP at IoU 0.5")


def _next_text(run: Trained) -> str:
    folder = run.folder.resolve()  # the page may be read from anywhere
    photos = folder.parent / PHOTOS
    explain = shlex.join(["minircnn", "explain", str(folder), str(photos / "test_00000.png")])
    detect = shlex.join(["minircnn", "detect", str(folder), str(photos)])
    return (
        f"One photo through every step: {explain}\n\n"
        f"The detector on any photos: {detect}\n\n"
        "Look over your own photos with their boxes, where DATA stands for a PASCAL VOC folder or a COCO "
        "file: minircnn check-data DATA\n\n"
        f"Train on them: minircnn train {run.detector.name} DATA --out runs/own"
    )
