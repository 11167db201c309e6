"""TIDE's definitions as plain loops over one photo: the oracle of the tests."""

from minircnn.boxes import box_iou


def overlap(a, b):
    return float(box_iou(a[None], b[None])[0, 0])


def share_inside(box, region):
    """Return the share of `box` that lies in `region`."""
    width = min(box[2], region[2]) - max(box[0], region[0])
    height = min(box[3], region[3]) - max(box[1], region[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return max(width, 0) * max(height, 0) / area


def judge_by_loops(found, truth, t_f, t_b):
    """Return kind and object of every detection, which are ignored, and which objects are found or missed."""
    objects = [g for g in range(len(truth)) if not truth.difficult[g]]
    ranked = sorted(range(len(found)), key=lambda d: -found.scores[d])
    taken = {}  # object -> detection
    for d in ranked:
        best, best_iou = None, t_f
        for g in objects:
            iou = overlap(found.boxes[d], truth.boxes[g])
            free_and_right = g not in taken and truth.labels[g] == found.labels[d]
            if free_and_right and iou >= best_iou and (best is None or iou > best_iou):
                best, best_iou = g, iou
        if best is not None:
            taken[best] = d

    kinds, matched, mends = [], [], {}
    for d in range(len(found)):
        kinds.append(None)
        matched.append(-1)
        right, wrong = (
            [(0.0, 0)],
            [(0.0, 0)],
        )  # (IoU, object), counted from the back: the first of equals wins
        for g in objects:
            side = right if truth.labels[g] == found.labels[d] else wrong
            side.append((overlap(found.boxes[d], truth.boxes[g]), -g))
        (right_iou, right_object), (wrong_iou, wrong_object) = max(right), max(wrong)
        if d in taken.values():
            kinds[d] = "correct"
            matched[d] = next(g for g, own in taken.items() if own == d)
        elif t_b <= right_iou <= t_f:
            kinds[d], matched[d] = "localization", -right_object
        elif wrong_iou >= t_f:
            kinds[d], matched[d] = "classification", -wrong_object
        elif right_iou > t_f:
            kinds[d], matched[d] = "duplicate", -right_object
        elif right_iou <= t_b and wrong_iou <= t_b:
            kinds[d] = "background"
        else:
            kinds[d], matched[d] = "both", -wrong_object

    for d in ranked:
        if kinds[d] in ("localization", "classification") and matched[d] not in taken:
            mends.setdefault(matched[d], d)
    ignored = [
        kinds[d] != "correct"
        and any(
            truth.difficult[g]
            and truth.labels[g] == found.labels[d]
            and share_inside(found.boxes[d], truth.boxes[g]) > t_f
            for g in range(len(truth))
        )
        for d in range(len(found))
    ]
    missed = [g for g in objects if g not in taken and g not in mends]
    return kinds, matched, ignored, sorted(mends.values()), sorted(taken), missed
