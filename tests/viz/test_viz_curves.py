import numpy as np
import pytest

pytest.importorskip("matplotlib")

from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.viz import (
    draw_average_precision,
    draw_bars,
    draw_loss_curves,
    draw_precision_recall,
    draw_sliding_window,
)
from minircnn.viz.curves import smooth


def legend(holder):
    return [text.get_text() for text in holder.get_texts()]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=30), st.integers(1, 9))
def test_smooth_equals_naive_means(values, window):
    naive = [np.mean(values[max(i - window // 2, 0) : i + (window + 1) // 2]) for i in range(len(values))]
    np.testing.assert_allclose(smooth(np.array(values), window), naive, atol=1e-9)


def test_loss_curves_keep_raw_values_under_the_mean():
    iterations = np.arange(0, 400, 4)
    losses = {"total": (iterations, np.ones(100)), "box": (iterations, np.linspace(1, 0, 100))}
    figure = draw_loss_curves(losses, "Losses", window=5)
    (ax,) = figure.axes
    raw = [line for line in ax.lines if line.get_gid() == "raw"]
    assert len(ax.lines) == 4
    np.testing.assert_array_equal(raw[1].get_ydata(), losses["box"][1])
    np.testing.assert_array_equal(raw[1].get_xdata(), iterations)
    assert legend(ax.get_legend()) == ["total", "box"]
    assert ax.get_ylim()[0] == 0


def test_loss_of_one_iteration_and_none():
    (line,) = draw_loss_curves({"loss": ([0], [2.0])}).axes[0].lines
    assert line.get_marker() == "o"
    assert not draw_loss_curves({}).axes[0].lines


def test_loss_curve_lengths_must_agree():
    with pytest.raises(ValueError, match="curve loss"):
        draw_loss_curves({"loss": ([0, 1], [2.0])})


def test_precision_recall_ranks_classes_and_names_absent_ones():
    curve = (np.array([0, 0.5, 1]), np.array([1, 0.9, 0.5]))
    figure = draw_precision_recall({"cat": (*curve, 0.4), "owl": ([], [], None), "dog": (*curve, 0.8)})
    (ax,) = figure.axes
    assert legend(ax.get_legend()) == ["dog: AP 0.800", "cat: AP 0.400", "owl: no ground truth"]
    assert ax.get_title(loc="left") == "Precision and recall, mAP 0.600"
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), np.stack(curve, axis=1))


def test_many_classes_get_a_plot_each():
    curves = {f"class {i}": ([0.0, 1.0], [1.0, 0.5], i / 10) for i in range(9)}
    figure = draw_precision_recall(curves)
    assert len(figure.axes) == 9
    assert figure.axes[0].get_title() == "class 8  0.80"


def test_precision_recall_without_classes():
    assert draw_precision_recall({}).axes[0].get_title(loc="left").endswith("no class has ground truth")


def test_bars_write_their_values():
    figure = draw_bars({"R-CNN": {"cat": 0.5, "dog": None}, "Fast R-CNN": {"cat": 0.75, "cow": 0.25}}, "AP")
    (ax,) = figure.axes
    assert [patch.get_width() for patch in ax.patches] == [0.5, 0, 0, 0.75, 0, 0.25]
    assert [text.get_text() for text in ax.texts] == ["0.50", "absent", "absent", "0.75", "absent", "0.25"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cat", "dog", "cow"]
    assert legend(figure.legends[0]) == ["R-CNN", "Fast R-CNN"]
    assert draw_bars({}).axes


def test_window_counts_are_written_out():
    figure = draw_sliding_window({"every rectangle": 10_045_050_000, "proposals": 2000})
    (ax,) = figure.axes
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.texts] == ["10,045,050,000", "2,000"]
    with pytest.raises(ValueError, match="count of nothing must be positive, got 0"):
        draw_sliding_window({"nothing": 0})


@settings(deadline=None, max_examples=20)
@given(st.lists(st.booleans(), max_size=12))
def test_the_area_drawn_is_the_average_precision(verdicts):
    hits = np.cumsum(verdicts)
    recall = hits / max(sum(verdicts), 1)
    precision = hits / np.arange(1, len(verdicts) + 1)
    (ax,) = draw_average_precision(recall, precision).axes
    area, eleven = (
        function(recall.tolist(), precision.tolist())
        for function in (textbook.area_under_curve, textbook.eleven_point_average)
    )
    assert legend(ax.get_legend())[0] == f"area: {area:.3f}"
    assert legend(ax.get_legend())[2] == f"11 points: mean {eleven:.3f}"
    assert len(ax.lines[1].get_xdata()) == 11
