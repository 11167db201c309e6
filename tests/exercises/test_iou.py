"""The lab IoU: the solution passes, and what students get wrong is caught with a hint that fits."""

from planted_mistakes import check_caught, failures, wrong_answers

SOLUTION = """
def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    area_a = (a[2] - a[0]) * (a[3] - a[1])
    area_b = (b[2] - b[0]) * (b[3] - b[1])
    return shared / (area_a + area_b - shared)
"""

WRONG = {
    "lengths of inclusive pixels": (
        SOLUTION,
        """
def iou(a, b):
    width = max(min(a[2], b[2]) - max(a[0], b[0]) + 1, 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]) + 1, 0)
    area_a = (a[2] - a[0] + 1) * (a[3] - a[1] + 1)
    area_b = (b[2] - b[0] + 1) * (b[3] - b[1] + 1)
    return width * height / (area_a + area_b - width * height)
""",
        "+1",
    ),
    "shared area counted twice": ("area_b - shared", "area_b", "counted twice"),
    "twice the shared area over the sum": (
        "shared / (area_a + area_b - shared)",
        "2 * shared / (area_a + area_b)",
        "another measure",
    ),
    "over the smaller area": ("(area_a + area_b - shared)", "min(area_a, area_b)", "one of the areas"),
    "over the first area": ("(area_a + area_b - shared)", "area_a", "counts the shared area once"),
    "negative lengths": (
        "width <= 0 or height <= 0",
        "width == 0 or height == 0",
        "if the boxes do not meet",
    ),
    "two negative lengths": ("width <= 0 or height <= 0", "width * height <= 0", "positive product"),
    "no area": ("width <= 0 or height <= 0", "width < 0 or height < 0", "0 / 0"),
    "x for y": ("min(a[3], b[3]) - max(a[1], b[1])", "min(a[2], b[2]) - max(a[0], b[0])", "counts the"),
    "edges of the hull": (
        "min(a[2], b[2]) - max(a[0], b[0])",
        "max(a[2], b[2]) - min(a[0], b[0])",
        "shared area once",
    ),
    "whole numbers": ("return shared /", "return shared //", "shared area once"),
    "fractions cut off": (
        "def iou(a, b):\n",
        "def iou(a, b):\n    a, b = map(int, a), map(int, b)\n    a, b = list(a), list(b)\n",
        "no whole numbers",
    ),
    "the intersection": ("return shared / (area_a + area_b - shared)", "return shared", "shared area once"),
    "nothing returned": ("    return shared /", "    shared /", "Returns"),
    "an array": ("return shared / (area_a", "return [shared] / (area_a", "python -i"),
}


def test_the_solution_passes():
    assert failures("iou", SOLUTION) == []


@wrong_answers(WRONG)
def test_a_wrong_answer_is_caught(old, new, words):
    check_caught("iou", SOLUTION, old, new, words)
