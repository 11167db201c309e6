"""The field ``segmentation`` of COCO, and what is refused in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minircnn.data import decode_runs, encode_runs, format_runs, parse_runs, read_segmentation
from minircnn.data.fields import MISSING, FieldError


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=5))
def test_a_mask_survives_its_text(rows):
    mask = np.array(rows)
    runs = encode_runs(mask)
    assert parse_runs(format_runs(runs)) == runs
    np.testing.assert_array_equal(decode_runs(runs, *mask.shape), mask)


def test_runs_go_down_the_columns():
    assert decode_runs([2, 3, 1], 3, 2).tolist() == [[False, True], [False, True], [True, False]]


def test_several_outlines_are_joined():
    parts = [[0, 0, 1, 0, 1, 2, 0, 2], [2, 0, 3, 0, 3, 2, 2, 2]]
    assert read_segmentation(parts, 2, 4).tolist() == [[True, False, True, False]] * 2


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (MISSING, "there is no segmentation: outlines or run lengths"),
        ([], r"segmentation is \[\]"),
        ("path", "segmentation is 'path'"),
        ([[0, 0, 3, 3]], r"segmentation\[0\] is \[0, 0, 3, 3\], not .* three corners"),
        ([[0, 0, 3, 0, 3, 3], [1, 1, 2, 2, 3]], r"segmentation\[1\] is"),
        ([[0, 0, 3, 0, 3, "x"]], r"segmentation\[0\]\[5\] is 'x', not a number"),
        ([[0, 0, 3, 0, 3, float("nan")]], r"segmentation\[0\] holds nan"),
        ([[0, 0, 3, 0, 3, 1e12]], r"holds 1e\+12, which is no place near the photo"),
        ({"counts": [12]}, r"size of the run lengths is missing, and the photo is \[3, 4\]"),
        ({"size": [4, 3], "counts": [12]}, r"is \[4, 3\], and the photo is \[3, 4\]"),
        ({"size": [3, 4]}, "counts are missing"),
        ({"size": [3, 4], "counts": [11]}, "add up to 11 pixels, not to 3 · 4"),
        ({"size": [3, 4], "counts": [13, -1]}, "negative length -1"),
        ({"size": [3, 4], "counts": [11.5, 0.5]}, r"counts\[0\] is 11.5, not a whole number"),
        ({"size": [3, 4], "counts": "<!"}, "no text of run lengths"),
        ({"size": [3, 4], "counts": "d"}, "end in the middle of a number"),
        ({"size": [3, 4], "counts": "o" * 30}, "no text of run lengths"),
    ],
)
def test_what_is_no_segmentation_is_refused(value, message):
    with pytest.raises(FieldError, match=message):
        read_segmentation(value, 3, 4)
