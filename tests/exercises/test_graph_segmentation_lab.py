"""The lab on graph segmentation: the solution passes, wrong answers are caught with a hint that fits."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
import numpy as np


def graph_segmentation(image, k, min_size):
    h, w = image.shape
    edges = []
    for dy, dx in [(0, 1), (1, 0), (1, 1), (1, -1)]:
        for y in range(h - dy):
            for x in range(w):
                if 0 <= x + dx < w:
                    edges.append((abs(image[y, x] - image[y + dy, x + dx]), y * w + x, (y + dy) * w + x + dx))
    edges.sort(key=lambda edge: edge[0])
    parent, size, internal = list(range(h * w)), [1] * (h * w), [0.0] * (h * w)

    def root(p):
        while parent[p] != p:
            p = parent[p]
        return p

    def join(a, b):
        parent[b] = a
        size[a] += size[b]

    for weight, p, q in edges:
        a, b = root(p), root(q)
        if a != b and weight <= min(internal[a] + k / size[a], internal[b] + k / size[b]):
            join(a, b)
            internal[a] = weight
    for _, p, q in edges:
        a, b = root(p), root(q)
        if a != b and (size[a] < min_size or size[b] < min_size):
            join(a, b)
    numbers = {}
    labels = [numbers.setdefault(root(p), len(numbers)) for p in range(h * w)]
    return np.array(labels).reshape(h, w)
"""

BOUND = "min(internal[a] + k / size[a], internal[b] + k / size[b])"
WRONG = {
    "k not divided by the size": (BOUND, "min(internal[a] + k, internal[b] + k)", "divided by the size"),
    "k outside the minimum": (BOUND, "min(internal[a], internal[b]) + k", "divided by the size"),
    "k over the sum of the sizes": (
        BOUND,
        "min(internal[a], internal[b]) + k / (size[a] + size[b])",
        "weight is at most k",
    ),
    "k multiplied": (
        BOUND,
        "min(internal[a] + k * size[a], internal[b] + k * size[b])",
        "divided by the size",
    ),
    "the larger bound": ("<= min(", "<= max(", "stricter"),
    "one region asked": (BOUND, "internal[a] + k / size[a]", ""),
    "internal forgotten": ("            internal[a] = weight\n", "", "internal of a joined"),
    "internal added up": ("internal[a] = weight", "internal[a] += weight", ""),
    "less than the bound": ("weight <= min(", "weight < min(", "at most, not less than"),
    "size not added": ("size[a] += size[b]", "size[a] += 1", ""),
    "size of the pixel asked": ("k / size[a], internal", "k / size[p], internal", ""),
    "four neighbours": ("[(0, 1), (1, 0), (1, 1), (1, -1)]", "[(0, 1), (1, 0)]", "eight neighbours"),
    "one diagonal": ("(1, 1), (1, -1)]", "(1, 1)]", "eight neighbours"),
    "edges not sorted": ("    edges.sort(key=lambda edge: edge[0])\n", "", ""),
    "heaviest first": ("key=lambda edge: edge[0]", "key=lambda edge: -edge[0]", ""),
    "equal edges by their pixels": (
        "edges.sort(key=lambda edge: edge[0])",
        "edges.sort(key=lambda edge: (edge[0], edge[1], edge[2]))",
        "sort stably",
    ),
    "a signed difference": (
        "abs(image[y, x] - image[y + dy, x + dx])",
        "(image[y, x] - image[y + dy, x + dx])",
        "",
    ),
    "squared differences": (
        "abs(image[y, x] - image[y + dy, x + dx])",
        "(image[y, x] - image[y + dy, x + dx]) ** 2",
        "weight is at most k",
    ),
    "both must be small": ("min_size or size[b]", "min_size and size[b]", "either"),
    "small regions left": (
        "if a != b and (size[a] < min_size or size[b] < min_size)",
        "if False",
        "second round",
    ),
    "at most min_size": (
        "size[a] < min_size or size[b] < min_size",
        "size[a] <= min_size or size[b] <= min_size",
        "fewer than",
    ),
    "roots as numbers": ("numbers.setdefault(root(p), len(numbers))", "root(p)", "roots are no numbers"),
    "numbers from 1": ("len(numbers))", "len(numbers) + 1)", "number from 0"),
    "parents instead of roots": (
        "numbers.setdefault(root(p), len(numbers))",
        "numbers.setdefault(parent[p], len(numbers))",
        "",
    ),
    "a flat list": (".reshape(h, w)", "", ""),
}


def test_the_solution_passes():
    assert failures("graph-segmentation", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("graph-segmentation", SOLUTION, old, new, words)
