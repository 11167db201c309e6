"""The lab on suppression: the solution passes, wrong answers are caught with a hint that fits."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
from minircnn.textbook import iou


def nms(boxes, scores, iou_threshold):
    candidates = sorted(range(len(scores)), key=lambda i: -scores[i])
    kept = []
    while candidates:
        best = candidates.pop(0)
        kept.append(best)
        candidates = [i for i in candidates if not iou(boxes[best], boxes[i]) > iou_threshold]
    return kept
"""

WRONG = {
    "removed at the threshold": ("> iou_threshold", ">= iou_threshold", "equals the threshold"),
    "worst first": ("-scores[i]", "scores[i]", "worst score"),
    "scores ignored": (", key=lambda i: -scores[i]", "", "scores decide"),
    "ties from behind": (
        "sorted(range(len(scores)), key=lambda i: -scores[i])",
        "sorted(range(len(scores)), key=lambda i: (-scores[i], -i))",
        "equal scores",
    ),
    "reversed sort": (
        "sorted(range(len(scores)), key=lambda i: -scores[i])",
        "sorted(range(len(scores)), key=lambda i: scores[i])[::-1]",
        "equal scores",
    ),
    "removed boxes remove": (
        "    while candidates:\n"
        "        best = candidates.pop(0)\n"
        "        kept.append(best)\n"
        "        candidates = [i for i in candidates if not iou(boxes[best], boxes[i]) > iou_threshold]\n"
        "    return kept",
        "    for n, i in enumerate(candidates):\n"
        "        if all(iou(boxes[j], boxes[i]) <= iou_threshold for j in candidates[:n]):\n"
        "            kept.append(i)\n"
        "    return kept",
        "that have been removed still remove",
    ),
    "the last that stays removes alone": (
        "    while candidates:\n"
        "        best = candidates.pop(0)\n"
        "        kept.append(best)\n"
        "        candidates = [i for i in candidates if not iou(boxes[best], boxes[i]) > iou_threshold]\n",
        "    for i in candidates:\n"
        "        if not kept or iou(boxes[kept[-1]], boxes[i]) <= iou_threshold:\n"
        "            kept.append(i)\n",
        "every one that stays",
    ),
    "a list shortened while it is read": (
        "        best = candidates.pop(0)\n"
        "        kept.append(best)\n"
        "        candidates = [i for i in candidates if not iou(boxes[best], boxes[i]) > iou_threshold]\n",
        "        best = candidates[0]\n"
        "        kept.append(best)\n"
        "        for i in candidates:\n"
        "            if iou(boxes[best], boxes[i]) > iou_threshold:\n"
        "                candidates.remove(i)\n",
        "build a new list",
    ),
    "only the next one is looked at": (
        "candidates = [i for i in candidates if not",
        "candidates = [i for n, i in enumerate(candidates) if n or not",
        "every other one stays",
    ),
    "those that overlap are kept": ("if not iou(", "if iou(", "every other one stays"),
    "in the order of the input": ("return kept", "return sorted(kept)", "another order"),
    "boxes instead of rows": ("return kept", "return boxes[kept]", ""),
    "a mask": ("return kept", "return [i in kept for i in range(len(scores))]", "Returns"),
    "places in the sorted list": (
        "return kept",
        "ranks = sorted(range(len(scores)), key=lambda i: -scores[i])\n    return [*map(ranks.index, kept)]",
        "places in the sorted list",
    ),
    "the first alone": ("    while candidates:", "    if candidates:", "every other one stays"),
    "a fixed threshold": ("> iou_threshold", "> 0.5", "threshold"),
    "empty input": ("    kept = []", "    kept = []\n    scores.max()", "nothing stays"),
    "negative scores dropped": (
        "range(len(scores))",
        "(i for i in range(len(scores)) if scores[i] > 0)",
        "scores decide",
    ),
    "scores struck out in place": (
        "    while candidates:\n"
        "        best = candidates.pop(0)\n"
        "        kept.append(best)\n"
        "        candidates =",
        "    while candidates:\n"
        "        best = candidates.pop(0)\n"
        "        scores[best] = -1\n"
        "        kept.append(best)\n"
        "        candidates =",
        "copy",
    ),
}


def test_the_solution_passes():
    assert failures("nms", SOLUTION) == []


def test_rows_may_be_an_array_of_whole_numbers():
    solution = "import numpy as np\n" + SOLUTION.replace("return kept", "return np.array(kept, dtype=int)")
    assert failures("nms", solution) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("nms", SOLUTION, old, new, words)
