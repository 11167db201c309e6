"""max(x, 0) in place, whatever the length and layout."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn.kernels import rectify
from minircnn.kernels.rectify import rectify_in_place


@settings(deadline=None)
@given(st.integers(0, 70), st.integers(1, 9), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_negative_numbers_become_zero_and_nothing_else_changes(rows, columns, dtype, some_channels):
    whole = np.random.default_rng(rows).standard_normal((rows, 2 * columns)).astype(dtype)
    whole[: rows // 5] = np.nan
    before = whole.copy()
    x = whole[:, :columns] if some_channels else whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rectify, "RUN", 8)  # shorter than the rows, or longer
        rectify_in_place(x)
    changed = before[:, : x.shape[1]]
    np.testing.assert_array_equal(x, np.where(changed < 0, 0, changed))
    np.testing.assert_array_equal(whole[:, x.shape[1] :], before[:, x.shape[1] :])
