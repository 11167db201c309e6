"""The learning curve of a run."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minircnn.viz import draw_stages, draw_training

RATES = [0.1, 0.1, 0.01, 0.01, 0.001]
LOG = [
    {"iteration": i, "loss": 2.0 / i, "classification": 1.0 / i, "seconds": 0.5, "learning_rate": rate}
    for i, rate in enumerate(RATES, start=1)
]
SEEN = [{"iteration": i, "mAP": score, "AP cat": score} for i, score in [(2, 0.1), (4, 0.4), (5, 0.3)]]


def lines(ax, gid):
    return [line for line in ax.lines if line.get_gid() == gid]


def test_losses_lie_above_the_validations_of_the_same_updates():
    losses, validations = draw_training(LOG, SEEN, "a run").axes
    assert losses.get_title(loc="left") == "a run"
    assert [text.get_text() for text in losses.get_legend().get_texts()] == ["loss", "classification"]
    np.testing.assert_array_equal(losses.lines[0].get_ydata(), [line["loss"] for line in LOG])
    (points,) = lines(validations, "mAP")
    np.testing.assert_array_equal(points.get_xydata(), [(2, 0.1), (4, 0.4), (5, 0.3)])
    (best,) = lines(validations, "best")
    assert best.get_xydata().tolist() == [[4, 0.4]]
    assert "best 0.400 at 4" in [text.get_text() for text in validations.texts]


@pytest.mark.parametrize("seen", [[], SEEN])
def test_steps_of_the_learning_rate_are_marked(seen):
    *_, last = axes = draw_training(LOG, seen).axes
    for ax in axes:
        assert [line.get_xdata()[0] for line in lines(ax, "rate")] == [3, 5]
    words = [text.get_text() for text in last.texts]
    assert [word for word in words if "rate" in word] == [" rate 0.01", " rate 0.001"]


def test_a_log_of_an_older_version_and_none_at_all():
    old = [{name: value for name, value in line.items() if name != "learning_rate"} for line in LOG]
    (ax,) = draw_training(old).axes
    assert not lines(ax, "rate")
    assert len(ax.lines) == 2
    assert not draw_training([]).axes[0].lines


@pytest.mark.parametrize("seen", [[], SEEN])
def test_each_stage_has_a_panel_and_validations_are_of_the_last(seen):
    figure = draw_stages({"first": LOG[:2], "second": LOG}, seen, "by turns")
    assert figure.get_suptitle() == "by turns"
    first, second, *validation = figure.axes
    assert [ax.get_title() for ax in (first, second)] == ["first", "second"]
    assert len(first.lines[0].get_ydata()) == 2
    assert not lines(first, "rate")
    for ax in (second, *validation):
        assert [line.get_xdata()[0] for line in lines(ax, "rate")] == [3, 5]
    assert len(validation) == bool(seen)
    assert not draw_stages({}).axes
