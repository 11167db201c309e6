"""Names of classes and photos are data: shown as they are, whatever characters they are made of."""

import io

import numpy as np
import pytest

from minircnn.files import read_text
from minircnn.structures import Annotations, Detections
from minircnn.viz import (
    Report,
    draw_bars,
    draw_boxes,
    draw_detections,
    draw_loss_curves,
    draw_precision_recall,
    draw_sampled_rois,
    draw_sliding_window,
    draw_warps,
    save_figure,
)
from minircnn.viz.style import literal

NAMES = [
    "$x$",
    "$$",
    r"$\frac{$",
    r"a \$ b",
    "^_{",
    "a_b",
    "100 %",
    r"\alpha",
    "\udcff",
    "\x1b[1m",
    "_hidden",
]
PHOTO = np.full((60, 80, 3), 128, np.uint8)
BOX = np.array([[5, 5, 40, 50]], np.float32)
ONE = np.ones(1, np.int64)
LINE = (np.array([0.0, 1.0]), np.array([1.0, 0.5]))

FIGURES = {
    "detections": lambda name: draw_detections(
        PHOTO, Detections(BOX, np.ones(1, np.float32), ONE, (name,)), title=name
    ),
    "missed": lambda name: draw_detections(
        PHOTO, Detections.empty((name,)), Annotations(BOX, ONE, (name,), 60, 80)
    ),
    "boxes": lambda name: draw_boxes(PHOTO, BOX, [name], name),
    "warps": lambda name: draw_warps(PHOTO[None], [name], name),
    "rois": lambda name: draw_sampled_rois(PHOTO, BOX, ONE, title=name, class_names=[name]),
    "losses": lambda name: draw_loss_curves({name: LINE}, name, ylabel=name),
    "curves": lambda name: draw_precision_recall({name: (*LINE, 0.5)}, name),
    "many curves": lambda name: draw_precision_recall({f"{name}{i}": (*LINE, 0.5) for i in range(8)}, name),
    "bars": lambda name: draw_bars({name: {name: 0.5}, "b": {name: 0.2}}, name, xlabel=name),
    "windows": lambda name: draw_sliding_window({name: 10.0}, name, xlabel=name),
}


@pytest.mark.parametrize("figure", FIGURES)
def test_every_name_can_be_drawn(figure):
    for name in NAMES:
        FIGURES[figure](name).savefig(io.BytesIO(), format="png", dpi=30)


@pytest.mark.parametrize("name", [name for name in NAMES if name.isprintable()])
def test_a_name_is_drawn_as_it_is(name):
    from matplotlib.text import Text

    shown, is_math = Text(0, 0, literal(name))._preprocess_math(literal(name))
    assert (shown, is_math) == (name, False)


def test_a_class_whose_name_begins_with_a_low_line_stands_in_the_legend():
    figure = draw_precision_recall({"_hidden": (*LINE, 0.5), "seen": (*LINE, 0.4)})
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert [text.split(":")[0].strip() for text in texts] == ["_hidden", "seen"]


def test_a_page_takes_a_photo_name_that_is_no_text(tmp_path):
    page = Report("photo \udcff.jpg", "also \udcff").section("\udcff", table=(["\udcff"], [["\udcff"]]))
    assert "photo ?.jpg" in read_text(page.save(tmp_path / "page.html"))


def test_pictures_and_pages_say_what_wrote_them(tmp_path):
    from PIL import Image

    with Image.open(save_figure(draw_boxes(PHOTO, BOX), tmp_path / "a" / "x.png")) as picture:
        assert picture.info["Software"] == "minircnn"
    assert '<meta name="generator" content="minircnn" />' in Report("page").html()


def test_a_picture_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    (tmp_path / "x.png").write_bytes(b"before")

    def cut(self, file, **options):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", cut)
    with pytest.raises(OSError, match="disk full"):
        save_figure(draw_boxes(PHOTO, BOX), tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes() == b"before"
