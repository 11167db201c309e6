import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex

from minircnn.viz import draw_error, draw_stacked_bars
from minircnn.viz.style import FALSE, MISSED, TRUTH

PHOTO = np.full((60, 90, 3), 128, np.uint8)
HERE, THERE = (np.array([5.0, 5, 40, 40]), "dog 0.93"), (np.array([10.0, 8, 50, 44]), "object: cat")


def test_pieces_stand_one_behind_the_other():
    figure = draw_stacked_bars({"loose": {"cat": 0.1, "dog": 0.3}, "missed": {"cat": 0.2, "dog": None}})
    (ax,) = figure.axes
    loose, missed = ax.containers
    assert [bar.get_x() for bar in loose] == [0, 0]
    assert [bar.get_width() for bar in missed] == pytest.approx([0.2, 0])
    assert [bar.get_x() for bar in missed] == [0.1, 0.3]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cat", "dog"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["loose", "missed"]


def test_bars_without_rows_and_pieces_that_cannot_be_stacked():
    assert not draw_stacked_bars({"loose": {}}).axes[0].patches
    for value in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="loose: a piece of a bar must be at least 0"):
            draw_stacked_bars({"loose": {"cat": value}})


def frames(figure):
    return [
        (to_hex(patch.get_edgecolor()).upper(), patch.get_linestyle()) for patch in figure.axes[0].patches
    ]


@pytest.mark.parametrize(
    ("detection", "truth", "missed", "expected"),
    [
        (HERE, THERE, False, [(TRUTH, "--"), (FALSE, ":")]),
        (HERE, THERE, True, [(MISSED, "--"), (FALSE, ":")]),
        (HERE, None, False, [(FALSE, ":")]),
        (None, THERE, True, [(MISSED, "--")]),
        (None, None, False, []),
    ],
)
def test_an_error_on_its_photo(detection, truth, missed, expected):
    figure = draw_error(PHOTO, detection, truth, missed=missed)
    assert frames(figure) == expected
    words = [own[1] for own in (truth, detection) if own is not None]
    assert [text.get_text() for text in figure.axes[0].texts] == words


def test_tall_and_wide_photos_give_figures_of_one_width():
    widths = {
        draw_error(np.zeros((h, w, 3), np.uint8), HERE, None).get_figwidth() for h, w in ((40, 90), (90, 40))
    }
    assert len(widths) == 1
