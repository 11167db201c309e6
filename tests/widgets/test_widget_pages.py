"""What the pages and the site need to hold a widget."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from docs.widget_data import photo, shrunk, windows
from docs.widgets import TITLES, widget

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "widgets"
SHARED = {"widgets", "controls", "drawing", "boxes"}
FILES = sorted(FOLDER.iterdir())


def embedded(html):
    return json.loads(re.search(r'<script type="application/json">(.*)</script>', html)[1])


def test_data_and_options_are_in_the_page():
    html = widget("nms", {"boxes": np.arange(4.0)}, threshold=np.float64(0.3), text="</script><b>")
    assert embedded(html) == {"boxes": [0, 1, 2, 3], "threshold": 0.3, "text": "</script><b>"}
    assert html.count("</script>") == 1
    assert '<div class="widget" data-widget="nms" role="group"' in html
    assert "<noscript>Suppression step by step" in html
    assert embedded(widget("iou")) == {}


@pytest.mark.parametrize(
    ("name", "data", "options", "error", "message"),
    [
        ("cascade", None, {}, ValueError, "no widget 'cascade'; there are iou, merge-tree"),
        ("nms", {"boxes": []}, {"boxes": []}, ValueError, "boxes given twice"),
        ("nms", {"scores": [float("nan")]}, {}, ValueError, "JSON compliant"),
        ("nms", {"scores": {1, 2}}, {}, TypeError, "ready for JSON, got set"),
    ],
)
def test_what_cannot_be_shown_is_refused(name, data, options, error, message):
    with pytest.raises(error, match=message):
        widget(name, data, **options)


def test_every_widget_has_a_title_a_script_and_a_place():
    scripts = {path.stem for path in FILES if path.suffix == ".js"}
    assert scripts == SHARED | set(TITLES)
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    loaded = re.findall(r"^  - widgets/([\w-]+)\.js$", config, re.MULTILINE)
    assert set(loaded) == scripts
    assert set(loaded[:4]) == SHARED  # before those that use them
    assert re.search(r"^extra_css: .*\bwidgets/widgets.css", config, re.MULTILINE)
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))
    assert {name for name in TITLES if f'widget("{name}"' not in pages.replace("\n    ", "")} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_of_a_widget_asks_for_another(path):
    text = path.read_text(encoding="utf-8")
    assert (
        re.findall(r"https?:|//\w|@import|\bimport\b|\bfetch\b|XMLHttpRequest|WebSocket|url\((?!#)", text)
        == []
    )


def test_photos_are_small_and_inside_the_page():
    image = np.zeros((300, 451, 3), np.uint8)
    small = shrunk(image, 300)
    assert small.shape == (200, 300, 3)
    shown = photo(small)
    assert (shown["width"], shown["height"]) == (300, 200)
    assert shown["src"].startswith("data:image/jpeg;base64,")


def test_a_network_that_branches_has_no_row_of_windows():
    with pytest.raises(ValueError, match="squeezenet1_1: fire2 is neither"):
        windows("squeezenet1_1")
