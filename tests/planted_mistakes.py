"""A lab's solution, and wrong answers made of it by exchanging a few words."""

import pytest

from minircnn.exercises import LABS, grade


def graded(name, source):
    """Return the results of all parts of lab `name` for a student's file with this text."""
    functions = {}
    exec(compile(source, "answer.py", "exec"), functions)
    return list(grade(LABS[name], functions))


def failures(name, source):
    return [part.failure for part in graded(name, source) if part.failure is not None]


def mutated(source, old, new):
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in the solution"
    return source.replace(old, new)


def wrong_answers(mistakes):
    """Return the decorator that gives a test each of `mistakes`: name -> (old, new, words of the hint)."""
    return pytest.mark.parametrize(("old", "new", "words"), mistakes.values(), ids=mistakes.keys())


def check_caught(name, source, old, new, words):
    """Assert that the mistake makes a part fail, and that the student gets a hint with these words."""
    failed = failures(name, mutated(source, old, new))
    assert failed
    first = failed[0]
    assert first.kind not in ("missing", "not written", "signature"), first
    assert first.call
    assert first.message
    assert words in first.hint, (first.kind, first.hint)
