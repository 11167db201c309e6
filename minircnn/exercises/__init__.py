"""Labs: the lecture's algorithms to be written by a student, graded without a network or a teacher.

A lab states its functions completely; :func:`stub_text` writes them without bodies. :func:`check` compares a
student's file with :mod:`minircnn.textbook`, on cases from small to large, and shows the smallest that fails.
"""

from minircnn.exercises import labs as _labs  # noqa: F401  (fills LABS)
from minircnn.exercises.base import LABS, Lab, Mistake, Part
from minircnn.exercises.grading import grade
from minircnn.exercises.results import Failure, PartResult, Report
from minircnn.exercises.running import check
from minircnn.exercises.stubs import stub_name, stub_text

__all__ = [
    "LABS",
    "Failure",
    "Lab",
    "Mistake",
    "Part",
    "PartResult",
    "Report",
    "check",
    "grade",
    "stub_name",
    "stub_text",
]
