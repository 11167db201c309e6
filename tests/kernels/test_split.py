"""The one range cutter: nothing is lost, nothing comes twice."""

from hypothesis import given
from hypothesis import strategies as st

from minircnn.kernels.split import parts_of, split


def pieces(slices):
    return [s.stop - s.start for s in slices]


def joined(slices):
    return [i for s in slices for i in range(s.start, s.stop)]


@given(st.integers(0, 200), st.integers(0, 30))
def test_parts_follow_each_other_and_are_nearly_equal(length, parts):
    slices = split(length, parts=parts)
    assert len(slices) == parts
    if parts:
        assert joined(slices) == list(range(length))
        sizes = pieces(slices)
        assert max(sizes) - min(sizes) <= 1


@given(st.integers(0, 200), st.integers(-1, 30))
def test_pieces_of_a_size_are_full_but_for_the_last(length, size):
    slices = split(length, size=size)
    assert joined(slices) == list(range(length))
    sizes = pieces(slices)
    assert all(n == max(1, size) for n in sizes[:-1])
    assert all(0 < n <= max(1, size) for n in sizes[-1:])


@given(st.integers(0, 200), st.integers(-1, 30))
def test_as_few_parts_as_hold_no_more_than_allowed(length, most):
    parts = parts_of(length, most)
    assert all(s.stop - s.start <= max(1, most) for s in split(length, parts=parts))
    assert parts == 0 or (parts - 1) * max(1, most) < length
