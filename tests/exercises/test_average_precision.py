"""The lab on average precision: the solution passes, wrong answers are caught with a hint that fits."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
from minircnn.textbook import iou


def precision_recall(detections, objects, iou_threshold=0.5):
    to_find = sum(1 for o in objects if not o.difficult)
    recall, precision, found, wrong = [], [], set(), 0
    for d in sorted(detections, key=lambda d: -d.score):
        best, most = None, -1
        for g, o in enumerate(objects):
            if o.photo == d.photo and iou(d.box, o.box) > most:
                best, most = g, iou(d.box, o.box)
        if most >= iou_threshold and objects[best].difficult and best not in found:
            continue
        if most >= iou_threshold and best not in found:
            found.add(best)
        else:
            wrong += 1
        recall.append(len(found) / to_find)
        precision.append(len(found) / (len(found) + wrong))
    return recall, precision


def area_under_curve(recall, precision):
    area, before = 0.0, 0.0
    for i in range(len(recall)):
        area += (recall[i] - before) * max(precision[i:])
        before = recall[i]
    return area
"""

WRONG = {
    "no envelope": ("max(precision[i:])", "precision[i]", "best at this or a higher"),
    "the envelope of the past": ("max(precision[i:])", "max(precision[: i + 1])", "how much recall grows"),
    "the mean precision": (
        "    return area",
        "    return sum(precision) / max(len(precision), 1)",
        "another measure",
    ),
    "the first step forgotten": (
        "area, before = 0.0, 0.0",
        "area, before = 0.0, recall[0] if recall else 0",
        "recall grows",
    ),
    "recall instead of its growth": ("(recall[i] - before) *", "recall[i] *", "recall grows"),
    "the last precision goes on to 1": (
        "    return area",
        "    return area + (1 - before) * (precision[-1] if recall else 0)",
        "recall grows",
    ),
    "empty curves": ("area, before = 0.0, 0.0", "area, before = 0.0 * recall[0], 0.0", "no area"),
    "scores ignored": ("sorted(detections, key=lambda d: -d.score)", "detections", "best score first"),
    "worst score first": ("key=lambda d: -d.score", "key=lambda d: d.score", "worst score"),
    "ties reversed": (
        "sorted(detections, key=lambda d: -d.score)",
        "sorted(detections, key=lambda d: d.score)[::-1]",
        "sort stably",
    ),
    "more than the threshold": (
        "if most >= iou_threshold and best not",
        "if most > iou_threshold and best not",
        "equals the threshold",
    ),
    "a fixed threshold": ("if most >= iou_threshold and best not", "if most >= 0.5 and best not", "passed"),
    "duplicates are right": (
        "if most >= iou_threshold and best not in found:\n            found",
        "if most >= iou_threshold:\n            found",
        "is taken is wrong",
    ),
    "duplicates do not count": (
        "        else:\n            wrong += 1",
        "        elif most < iou_threshold:\n            wrong += 1",
        "",
    ),
    "the next free object": ("if o.photo == d.photo and", "if g not in found and o.photo == d.photo and", ""),
    "the first object that fits": (
        "iou(d.box, o.box) > most",
        "best is None and iou(d.box, o.box) >= iou_threshold",
        "",
    ),
    "photos ignored": ("o.photo == d.photo and ", "", "own photo"),
    "difficult ones to be found": (
        "sum(1 for o in objects if not o.difficult)",
        "len(objects)",
        "not to be found",
    ),
    "difficult ones wrong": (
        "            continue\n",
        "            most = -1\n",
        "",
    ),
    "difficult ones left out before": (
        "for g, o in enumerate(objects):\n",
        "for g, o in enumerate(objects):\n            if o.difficult:\n                continue\n",
        "difficult",
    ),
    "the last of equal objects": ("iou(d.box, o.box) > most", "iou(d.box, o.box) >= most", "to the first"),
    "precision first": ("return recall, precision", "return precision, recall", "recall comes first"),
    "recall over the detections so far": (
        "len(found) / to_find",
        "len(found) / (len(found) + wrong)",
        "share of the objects",
    ),
    "precision over all detections": ("(len(found) + wrong)", "len(detections)", "so far"),
    "recall over the detections": ("len(found) / to_find", "len(found) / len(detections)", ""),
    "precision over the objects": ("len(found) / (len(found) + wrong)", "len(found) / len(objects)", ""),
    "entries for right ones only": (
        "            wrong += 1\n",
        "            wrong += 1\n            continue\n",
        "lowers precision",
    ),
}


def test_the_solution_passes():
    assert failures("average-precision", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("average-precision", SOLUTION, old, new, words)
