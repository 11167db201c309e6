import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minircnn.viz import draw_corner_grid, draw_maxima_table, draw_tiles


def of_kind(ax, gid):
    return [patch.get_bbox() for patch in ax.patches if patch.get_gid() == gid]


def test_tiles_of_the_input_overlap_and_those_of_the_output_do_not():
    (ax,) = draw_tiles(1, 2).axes
    first, second = of_kind(ax, "input")
    assert first.x1 - second.x0 == pytest.approx(2, abs=0.3)
    first, second = of_kind(ax, "output")
    assert (first.x1 + 0.15, first.x0 - 0.15) == pytest.approx((5, 1))
    assert first.x1 + 0.15 == pytest.approx(second.x0 - 0.15)


def table_of(cells):
    levels = [np.asarray(cells)]
    for step in (1, 2):
        levels.append(np.maximum(levels[-1][:-step], levels[-1][step:]))
    return levels


@pytest.mark.parametrize(
    ("first", "last", "windows"), [(1, 7, [(1, 5), (3, 7)]), (2, 6, [(2, 6)]), (4, 5, [(4, 5)])]
)
def test_the_windows_drawn_cover_the_interval(first, last, windows):
    (ax,) = draw_maxima_table(table_of([3, 1, 4, 1, 5, 9, 2, 6]), first, last).axes
    bars = [line.get_xdata() for line in ax.lines if line.get_gid() == "window"]
    assert [(round(begin), round(end)) for begin, end in bars] == windows
    assert [(round(frame.x0), round(2**frame.y0)) for frame in of_kind(ax, "asked")] == [
        (begin, end - begin) for begin, end in windows
    ]


def test_an_interval_that_the_table_cannot_answer_is_refused():
    levels = table_of([3, 1, 4, 1, 5, 9, 2, 6, 5, 3])
    with pytest.raises(ValueError, match="interval of the 10 cells, got 3 to 11"):
        draw_maxima_table(levels, 3, 11)
    with pytest.raises(ValueError, match="9 cells need windows of 8, the table ends at 4"):
        draw_maxima_table(levels, 0, 9)


def test_the_corner_grid_marks_what_is_compared():
    corners = np.array([[0.0, 0], [10, 5], [90, 80]])
    (ax,) = draw_corner_grid(corners, [0, 0, 40, 30], np.array([0, 1])).axes
    everything, near = ax.collections
    np.testing.assert_array_equal(everything.get_offsets(), corners)
    np.testing.assert_array_equal(near.get_offsets(), corners[:2])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["3 boxes", "compared: 2"]
