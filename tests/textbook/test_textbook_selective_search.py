"""Selective search from the photo's pixels to its boxes, in loops and as it runs."""

import numpy as np
import pytest

from minircnn import textbook
from minircnn.imaging import convert
from minircnn.proposals import SelectiveSearch, Strategy


@pytest.fixture
def photo():
    """Two coloured things on a noisy ground, 24 × 32."""
    rng = np.random.default_rng(4)
    image = rng.integers(90, 130, (24, 32, 3))
    image[3:13, 4:15] = np.array([200, 60, 40]) + rng.integers(-20, 20, (10, 11, 3))
    image[10:21, 18:29] = np.array([40, 90, 180]) + rng.integers(-20, 20, (11, 11, 3))
    return image.astype(np.uint8)


@pytest.mark.parametrize("strategy", [Strategy("HSV", "CTSF", 20), Strategy("Lab", "TSF", 30)])
def test_equals_the_proposals(photo, strategy):
    expected = SelectiveSearch(strategies=(strategy,), min_size=0).search(photo)
    boxes = textbook.selective_search(convert(photo, strategy.colour), strategy.k, strategy.similarities)
    assert len(boxes) > 8
    np.testing.assert_array_equal(boxes, expected.hierarchies[0].boxes)
    np.testing.assert_array_equal(np.unique(boxes, axis=0), np.unique(expected.boxes, axis=0))
