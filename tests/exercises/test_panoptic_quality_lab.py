"""The lab panoptic quality: the solution passes, and what students get wrong is caught with a hint."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
import numpy as np


def panoptic_quality(truth, true_labels, predicted, labels):
    counts = {label: [0.0, 0.0, 0] for label in [*true_labels, *labels]}
    matched = set()
    for g, label in enumerate(true_labels, 1):
        hit = False
        for p, other in enumerate(labels, 1):
            both = ((truth == g) & (predicted == p)).sum()
            either = ((truth == g) | ((predicted == p) & (truth != 0))).sum()
            if label == other and both / either > 0.5:
                counts[label][0] += both / either
                counts[label][1] += 1
                counts[label][2] += 1
                matched.add(p)
                hit = True
        if not hit:
            counts[label][1] += 0.5
            counts[label][2] += 1
    for p, label in enumerate(labels, 1):
        on_void = ((truth == 0) & (predicted == p)).sum()
        if p not in matched and not on_void > 0.5 * (predicted == p).sum():
            counts[label][1] += 0.5
            counts[label][2] += 1
    own = [iou / below for iou, below, number in counts.values() if number]
    return float(sum(own) / len(own))
"""

WRONG = {
    "a half is a match": ("both / either > 0.5", "both / either >= 0.5", "two could have it"),
    "any overlap is a match": ("both / either > 0.5", "both > 0", "a match counts by its IoU"),
    "a stricter match": ("both / either > 0.5", "both / either > 0.75", "a match counts by its IoU"),
    "a match counts by one": (
        "counts[label][0] += both / either",
        "counts[label][0] += 1",
        "not by 1",
    ),
    "the overlap in pixels": ("counts[label][0] += both / either", "counts[label][0] += both", "by its IoU"),
    "misses do not count": (
        "        if not hit:\n            counts[label][1] += 0.5",
        "        if not hit:\n            counts[label][1] += 1e-12",
        "½ below the line",
    ),
    "a miss counts by one": (
        "        if not hit:\n            counts[label][1] += 0.5",
        "        if not hit:\n            counts[label][1] += 1",
        "½ below the line",
    ),
    "false alarms do not count": (
        "if p not in matched and not",
        "if False and not",
        "½ below the line",
    ),
    "of whatever class": ("label == other and ", "", "match within a class"),
    "all classes in one": (
        "    own = [iou / below for iou, below, number in counts.values() if number]\n",
        "    own = [sum(c[0] for c in counts.values()) / sum(c[1] for c in counts.values())]\n",
        "the mean over them",
    ),
    "void belongs to the union": ("((predicted == p) & (truth != 0))", "(predicted == p)", "in no union"),
    "void of the prediction": (
        "((predicted == p) & (truth != 0))",
        "((predicted == p) & (predicted != 0))",
        "in no union",
    ),
    "on void is a false alarm": (
        "not on_void > 0.5 * (predicted == p).sum()",
        "True",
        "excuses",
    ),
    "half on void is excused": ("not on_void > 0.5", "not on_void >= 0.5", "no false alarm"),
    "a touch of void is excused": ("not on_void > 0.5", "not on_void > 0.0", "no false alarm"),
    "an excused class counts": (
        "for iou, below, number in counts.values() if number]",
        "if below else 0.0 for iou, below, number in counts.values()]",
        "no class by itself",
    ),
    "SQ alone": (
        "    own = [iou / below for iou, below, number in counts.values() if number]\n",
        "    hits = {k: sum(k == l for p, l in enumerate(labels, 1) if p in matched) for k in counts}\n"
        "    own = [counts[k][0] / max(hits[k], 1) for k in counts if counts[k][2]]\n",
        "SQ alone",
    ),
}


def test_the_solution_passes():
    assert failures("panoptic-quality", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("panoptic-quality", SOLUTION, old, new, words)
