"""Rectangles listed once, and sums over the bins that share one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn.kernels.maxima.distinct_rectangles import DistinctRectangles, add_bins

HEIGHT, WIDTH, BINS = 3, 4, 5


@st.composite
def bins_of_regions(draw):
    """Draw rectangles (R, B, 4) on small maps, many of them equal, some empty, and each region's map."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    regions, maps = draw(st.integers(0, 40)), draw(st.integers(1, 3))
    sides = rng.integers(0, [HEIGHT + 1, HEIGHT + 1, WIDTH + 1, WIDTH + 1], (regions, BINS, 4))
    return sides, rng.integers(0, maps, regions), (maps, HEIGHT, WIDTH)


def named(sides, image):
    """Name a rectangle so that equal names mean the same pixels."""
    top, bottom, left, right = (int(v) for v in sides)
    return (int(image), top, bottom, left, right) if top < bottom and left < right else (int(image), "empty")


@settings(deadline=None, max_examples=60)
@given(bins_of_regions())
def test_every_bin_finds_its_rectangle(scene):
    rectangles, owner, _ = scene
    distinct = DistinctRectangles(*scene)
    image_of = {row: image for image, rows in distinct.images for row in range(rows.start, rows.stop)}
    assert sorted(image_of) == list(range(distinct.count))
    for r, b in np.ndindex(rectangles.shape[:2]):
        row = distinct.of_bin[r, b]
        assert named(distinct.sides[row], image_of[row]) == named(rectangles[r, b], owner[r])


@settings(deadline=None, max_examples=60)
@given(bins_of_regions())
def test_each_is_listed_once(scene):
    distinct = DistinctRectangles(*scene)
    names = [
        named(distinct.sides[row], image)
        for image, rows in distinct.images
        for row in range(rows.start, rows.stop)
    ]
    if scene[0].shape[0] * BINS <= 64:  # none is frequent enough to be listed again
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("most", [1, 2, 64])
def test_sums_over_the_bins_of_each_rectangle(most, monkeypatch):
    monkeypatch.setattr("minircnn.kernels.maxima.distinct_rectangles.MOST_BINS", most)

    @settings(deadline=None, max_examples=40)
    @given(bins_of_regions())
    def check(scene):
        distinct = DistinctRectangles(*scene)
        rounds = distinct.rounds()
        assert len(rounds) <= most * len(distinct.images)
        of_bin = distinct.of_bin.reshape(-1)
        rows = np.random.default_rng(0).integers(-9, 9, (len(of_bin), 2)).astype(np.float32)
        expected = np.zeros((distinct.count, 2))
        for row, rectangle in zip(rows, of_bin, strict=True):
            expected[rectangle] += row
        sums = np.full((distinct.count, 2), np.nan, np.float32)
        add_bins(rows, rounds, sums)
        np.testing.assert_array_equal(sums, expected)

    check()


def test_many_equal_regions_do_not_make_many_rounds():
    rectangles = np.tile([0, 1, 0, 1], (1000, BINS, 1))
    distinct = DistinctRectangles(rectangles, np.zeros(1000, int), (1, HEIGHT, WIDTH))
    assert len(distinct.rounds()) == 64
    assert distinct.count == -(-1000 * BINS // 64)
