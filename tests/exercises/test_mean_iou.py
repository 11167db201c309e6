"""The lab mean IoU: the solution passes, and what students get wrong is caught with a hint that fits."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
def mean_iou(truths, predictions, void):
    both, either = {}, {}
    for truth, predicted in zip(truths, predictions):
        known = truth != void
        t, p = truth[known], predicted[known]
        for label in set(t.tolist()) | set(p.tolist()):
            both[label] = both.get(label, 0) + ((t == label) & (p == label)).sum()
            either[label] = either.get(label, 0) + ((t == label) | (p == label)).sum()
    return float(sum(both[label] / either[label] for label in either) / len(either))
"""

WRONG = {
    "the mean of the photos": (
        SOLUTION,
        """
def mean_iou(truths, predictions, void):
    figures = []
    for truth, predicted in zip(truths, predictions):
        known = truth != void
        t, p = truth[known], predicted[known]
        labels = set(t.tolist()) | set(p.tolist())
        figures.append(
            sum(((t == k) & (p == k)).sum() / ((t == k) | (p == k)).sum() for k in labels) / len(labels)
        )
    return float(sum(figures) / len(figures))
""",
        "through all photos first",
    ),
    "classes of the truth alone": (
        "set(t.tolist()) | set(p.tolist())",
        "set(t.tolist())",
        "belongs to the mean",
    ),
    "classes of the prediction alone": (
        "set(t.tolist()) | set(p.tolist())",
        "set(p.tolist())",
        "of one map alone",
    ),
    "the sum of both areas": (
        "((t == label) | (p == label)).sum()",
        "(t == label).sum() + (p == label).sum()",
        "counts in two classes",
    ),
    "recall": ("((t == label) | (p == label)).sum()", "max((t == label).sum(), 1)", "counts in two classes"),
    "pixel accuracy": (
        "sum(both[label] / either[label] for label in either) / len(either)",
        "sum(both.values()) / sum((t != void).sum() for t in truths)",
        "another measure",
    ),
    "void is a class": ("known = truth != void", "known = truth == truth", "where the truth is void"),
    "void is 255": ("truth != void", "truth != 255", "where the truth is void"),
    "void of the prediction": (
        "known = truth != void",
        "known = predicted != void",
        "where the truth is void",
    ),
    "background does not count": (
        "for label in either) / len(either)",
        "for label in either if label) / max(len(set(either) - {0}), 1)",
        "counts in two classes",
    ),
    "the last photo": ("both[label] = both.get(label, 0) +", "both[label] =", "divide once"),
    "the sum of the classes": (" / len(either))", ")", "counts in two classes"),
}


def test_the_solution_passes():
    assert failures("mean-iou", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("mean-iou", SOLUTION, old, new, words)
