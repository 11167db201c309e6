import base64
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from defusedxml import ElementTree
from PIL import Image

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

from minircnn.viz import Report, draw_boxes, draw_loss_curves, save_figure

PHOTO = np.full((40, 60, 3), 120, np.uint8)


def parse(page):
    """Parse the page as XML, which is stricter than any browser."""
    assert page.startswith("<!DOCTYPE html>")
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>"))


@pytest.fixture
def report():
    photo, curve = draw_boxes(PHOTO, [[5, 5, 30, 30]]), draw_loss_curves({"loss": ([0, 1], [2.0, 1.0])})
    page = Report("Two <detectors> & one photo", "First.\n\nSecond.")
    page.section("Result", "As measured.", table=(["detector", "mAP", "windows"], [["R-CNN", 0.8125, None]]))
    page.section("Pictures", figures=[(photo, 'A "box" <b>here</b>'), (curve, "Loss.")])
    return page.section("End")


def test_page_is_well_formed_and_complete(report):
    root = parse(report.html())
    assert root.findtext("head/title") == "Two <detectors> & one photo"
    assert [p.text for p in root.findall("body/header/p")] == ["First.", "Second."]
    assert [h.text for h in root.iter("h2")] == ["Result", "Pictures", "End"]
    assert [td.text for td in root.iter("td")] == ["R-CNN", "0.812", "–"]
    assert [th.get("class") for th in root.iter("th")] == [None, "number", "number"]
    anchors = {a.get("href").removeprefix("#") for a in root.iter("a")}
    assert anchors == {section.get("id") for section in root.iter("section")}


def test_text_is_escaped(report):
    root = parse(report.html())
    assert root.find(".//figcaption").text == 'A "box" <b>here</b>'
    assert root.find(".//img").get("alt") == 'A "box" <b>here</b>'
    assert not list(root.iter("b"))


def test_pictures_are_embedded_photo_as_png_drawing_as_svg(report):
    photo, curve = (img.get("src") for img in parse(report.html()).iter("img"))
    png = base64.b64decode(photo.removeprefix("data:image/png;base64,"), validate=True)
    with Image.open(io.BytesIO(png)) as picture:
        picture.load()
        assert picture.width > 600
    svg = base64.b64decode(curve.removeprefix("data:image/svg+xml;base64,"), validate=True)
    assert ElementTree.fromstring(svg.decode()).tag.endswith("svg")


def test_page_asks_nothing_of_the_network(report):
    page = report.html()
    assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[\w+/=]+", "", page))
    root = parse(page)
    assert not list(root.iter("script"))
    for element in root.iter():
        for name in ("src", "href"):
            assert element.get(name, "#").startswith(("data:", "#"))


def test_page_is_saved_as_utf8_in_new_folders(report, tmp_path):
    path = report.save(tmp_path / "new" / "report.html")
    assert path.read_text(encoding="utf-8") == report.html()


def test_page_without_sections():
    assert not list(parse(Report("Empty").html()).iter("section"))


def test_numbers_in_tables():
    rows = [[1234567, 1.0, True, np.float32(0.5), np.int64(3)]]
    root = parse(Report("T").section("S", table=(list("abcde"), rows)).html())
    assert [td.text for td in root.iter("td")] == ["1,234,567", "1.000", "True", "0.500", "3"]


def test_uneven_table_is_refused():
    with pytest.raises(ValueError, match="row 1 has 1 cells, the header 2"):
        Report("T").section("S", table=(["a", "b"], [[1, 2], [3]]))


def test_figure_is_saved_by_suffix(tmp_path):
    figure = draw_boxes(PHOTO, [[5, 5, 30, 30]], ["box"])
    png, svg = save_figure(figure, tmp_path / "a" / "x.png", dpi=100), save_figure(figure, tmp_path / "x.SVG")
    with Image.open(png) as picture:
        picture.load()
        assert picture.size == tuple(np.floor(figure.get_size_inches() * 100).astype(int))
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")
    with pytest.raises(ValueError, match=r"saved as \.png or \.svg, not '\.jpg'"):
        save_figure(figure, tmp_path / "x.jpg")


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_figure_gives_the_same_bytes(tmp_path, suffix):
    first, second = (
        save_figure(draw_loss_curves({"loss": ([0, 1], [2.0, 1.0])}), tmp_path / f"{i}{suffix}").read_bytes()
        for i in range(2)
    )
    assert first == second


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("matplotlib", "viz.draw_boxes(np.zeros((4, 4, 3), np.uint8), [])"),
        ("jinja2", "viz.Report('T').html()"),
    ],
)
def test_missing_extra_is_named(module, call):
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        f"import numpy as np\nfrom minircnn import viz\n"
        f"try:\n    {call}\nexcept ImportError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'minircnn[viz]'" in run.stdout


def test_drawing_leaves_no_global_state():
    code = (
        "import sys, matplotlib\nbefore = matplotlib.rcParams.copy()\n"
        "from minircnn import viz\nfigure = viz.draw_loss_curves({'loss': ([0, 1], [2.0, 1.0])})\n"
        "viz.Report('T').section('S', figures=[(figure, '')]).html()\n"
        "assert matplotlib.rcParams.copy() == before\nassert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
