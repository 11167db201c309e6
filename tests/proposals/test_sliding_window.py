import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from minircnn.proposals import SlidingWindow, count_rectangles


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.lists(st.integers(1, 60), min_size=1, max_size=3, unique=True),
    st.sampled_from([None, 1, 7]),
    st.sampled_from([0.1, 0.25, 1.0]),
)
def test_count_needs_no_windows_and_windows_fit(height, width, sizes, stride, relative):
    proposer = SlidingWindow(tuple(sizes), relative_stride=relative, stride=stride)
    boxes = proposer.propose(np.zeros((height, width, 3), np.uint8))
    assert boxes.shape == (proposer.count_windows(height, width), 4)
    assert boxes.dtype == np.float32
    assert (boxes >= 0).all()
    assert (boxes <= [width, height, width, height]).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    area = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)) if len(boxes) else np.zeros(0)
    if len(sizes) > 1 and len(area):
        assert area[0] >= area[-1] * 0.5  # largest first, up to rounding
    assert len(np.unique(boxes, axis=0)) <= len(boxes)


def test_one_window_at_every_place():
    """The lecture's count: a window starting at each of 500 × 400 places, those that fit."""
    proposer = SlidingWindow((1,), (1.0,), stride=1)
    assert proposer.count_windows(400, 500) == 200_000
    assert SlidingWindow((100,), (1.0,), stride=1).count_windows(400, 500) == 401 * 301


def test_all_rectangles():
    assert count_rectangles(400, 500) == 10_045_050_000
    naive = sum(1 for y in range(4) for y2 in range(y + 1, 5) for x in range(3) for x2 in range(x + 1, 4))
    assert count_rectangles(4, 3) == naive


def test_wrong_settings():
    wrong = [
        {"sizes": (0,)},
        {"relative_stride": 0},
        {"stride": 0},
        {"aspect_ratios": (-1,)},
        {"stride": 2.5},
    ]
    wrong += [{"sizes": (64, np.nan)}, {"aspect_ratios": (np.inf,)}, {"relative_stride": np.nan}]
    for settings_ in wrong:
        with pytest.raises(ValueError, match=r"SlidingWindow\..* must be "):
            SlidingWindow(**settings_)
