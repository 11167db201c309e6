import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minircnn.features import HogSettings, HogWindows, cell_histograms, hog_blocks
from minircnn.viz import draw_gradients, draw_hog, draw_hog_weights, draw_rounds, draw_score_maps


def ramp(height, width):
    """A photo that gets brighter to the right."""
    row = np.linspace(0, 250, width).astype(np.uint8)
    return np.broadcast_to(row[None, :, None], (height, width, 3)).copy()


def strokes(ax):
    (lines,) = (c for c in ax.collections if c.get_gid() == "stroke")
    return np.array(lines.get_segments()), lines.get_colors()


def test_a_stroke_lies_along_the_edge_and_in_its_cell():
    figure = draw_hog(ramp(32, 48), HogSettings(soft_bins=False))
    segments, _ = strokes(figure.axes[1])
    along = segments[:, 1] - segments[:, 0]
    assert (np.abs(along[:, 1]) > 4 * np.abs(along[:, 0])).all()  # edges of a ramp stand upright
    middle = segments.mean(axis=1)
    np.testing.assert_allclose((middle - 4) % 8, 0, atol=1e-9)
    assert len(segments) == 4 * 6


def test_brighter_strokes_have_more_votes():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
    settings = HogSettings()
    segments, colours = strokes(draw_hog(photo, settings).axes[1])
    cells = cell_histograms(hog_blocks(photo, settings), settings)
    assert len(segments) == (cells / cells.max() > 0.06).sum()
    np.testing.assert_allclose(
        np.sort(colours[:, 3])[::-1][:5], np.sort(cells.ravel())[::-1][:5] / cells.max()
    )


def test_large_photos_are_shrunk_and_tiny_ones_have_no_strokes():
    assert draw_hog(ramp(300, 1280)).axes[1].get_xlim() == (0, 640)
    assert len(strokes(draw_hog(ramp(8, 8)).axes[1])[0]) == 0
    assert len(draw_gradients(ramp(5, 5)).axes) == 2


def test_weights_for_and_against_are_parted():
    windows = HogWindows((32, 48), (8, 8))
    weights = np.zeros(windows.dim)
    weights[0], weights[36 * 4] = 2.0, -1.0
    figure = draw_hog_weights(weights, windows, "Weights")
    (in_favour, strong), (against, weak) = (strokes(ax) for ax in figure.axes)
    assert len(in_favour) == 1
    assert strong[0, 3] == 1.0  # one block holds the cell in the corner
    assert 0 < len(against) <= 1
    assert weak[:, 3].max() < 1
    with pytest.raises(ValueError, match="a window has 540 numbers, got 3 weights"):
        draw_hog_weights([1, 2, 3], windows)


def test_score_maps_lie_where_their_windows_do():
    maps = [(f"map {i}", np.full((3, 4), float(i)), np.array([10.0, 5, 30, 20])) for i in range(3)]
    figure = draw_score_maps(ramp(40, 60), maps, "Scores")
    heat = figure.axes[1].images[1]
    assert tuple(heat.get_extent()) == (10, 30, 20, 5)
    assert heat.get_clim() == (0, 2)
    assert figure.axes[1].get_xlim() == (0, 60)


def test_rounds_show_what_is_new_and_how_good_it_got():
    records = [
        {
            "round": i,
            "hard": 5 * i,
            "negatives": 10 + 5 * i,
            "objects": 4,
            "recall": 0.5 + 0.25 * i,
            "false_alarms": 0.0,
        }
        for i in range(3)
    ]
    left, right = draw_rounds(records, "run").axes
    assert [bar.get_height() for bar in left.patches] == [10, 10, 10, 0, 5, 10]
    np.testing.assert_allclose(right.lines[0].get_ydata(), [50, 75, 100])
