"""Random boxes for the property tests."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


@st.composite
def integer_boxes(draw, min_count=0, max_count=12, limit=24, min_side=0):
    """Integer-valued float64 boxes in [0, limit]; sums and products of them are exact."""
    count = draw(st.integers(min_count, max_count))
    corners = draw(hnp.arrays(np.int64, (count, 2), elements=st.integers(0, limit - min_side)))
    sides = draw(hnp.arrays(np.int64, (count, 2), elements=st.integers(min_side, limit)))
    return np.concatenate([corners, np.minimum(corners + sides, limit)], axis=1).astype(np.float64)


@st.composite
def real_boxes(draw, min_count=0, max_count=12, min_side=1.0, limit=1000.0):
    count = draw(st.integers(min_count, max_count))
    corners = draw(hnp.arrays(np.float64, (count, 2), elements=st.floats(-limit, limit)))
    sides = draw(hnp.arrays(np.float64, (count, 2), elements=st.floats(min_side, limit)))
    return np.concatenate([corners, corners + sides], axis=1)


@st.composite
def scored_boxes(draw, max_count=30, distinct=False):
    """Boxes and scores; few different scores, so that ties happen, unless `distinct`."""
    boxes = draw(integer_boxes(max_count=max_count, min_side=1))
    if distinct:
        return boxes, np.array(draw(st.permutations(range(len(boxes)))), dtype=np.float64)
    scores = draw(st.lists(st.integers(0, 5), min_size=len(boxes), max_size=len(boxes)))
    return boxes, np.array(scores, dtype=np.float64)


@st.composite
def awkward_boxes(draw, max_count=40):
    """Boxes that try a search for neighbours: crowds, doubles, without area, tiny ones beside huge ones.

    Sides and shifts are small integers times a power of two, the same for all boxes or drawn for each.
    """
    count = draw(st.integers(0, max_count))
    corners = draw(hnp.arrays(np.int64, (count, 2), elements=st.integers(-8, 8)))
    sides = draw(hnp.arrays(np.int64, (count, 2), elements=st.integers(-1, 6)))
    exponents = st.integers(-12, 12)
    if draw(st.booleans()):
        scale = 2.0 ** draw(exponents) * np.ones((count, 1))
    else:
        scale = 2.0 ** draw(hnp.arrays(np.int64, (count, 1), elements=exponents))
    places = draw(hnp.arrays(np.int64, (count, 2), elements=st.sampled_from([0, 0, 0, 5, 1000, 10**6])))
    low = places + corners * scale
    return np.concatenate([low, low + sides * scale], axis=1)
