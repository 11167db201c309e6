"""Every widget, used by keyboard and pointer in a browser without a window, says the package's numbers."""

import html
import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from docs.widget_data import merge_tree, mining, photo, windows
from docs.widgets import TITLES, widget
from minircnn import textbook
from minircnn.boxes import anchors_inside, nms_explained
from minircnn.textbook.boxes import encode, iou
from minircnn.textbook.warping import crop_span

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "widgets"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="neither Chromium nor Chrome is installed")

BOXES = np.array([[10, 10, 50, 90], [12, 12, 52, 92], [25, 10, 65, 90], [70, 10, 90, 60]], dtype=float)
SCORES = np.array([0.9, 0.8, 0.7, 0.6])
OBJECTS = [[10, 10, 50, 90], [70, 10, 90, 60]]
CSP = "default-src 'none'; script-src file: 'unsafe-inline'; style-src file: 'unsafe-inline'; img-src data:"


def stripes():
    """Return a photo (100, 120, 3) of six bright blocks."""
    blocks = np.array(
        [[[230, 40, 40], [40, 200, 60], [50, 60, 220]], [[240, 220, 40], [30, 30, 30], [200, 60, 210]]]
    )
    return blocks.repeat(50, axis=0).repeat(40, axis=1).astype(np.uint8)


def places():
    shown = photo(stripes())
    return [
        widget("iou", boxes=[[10, 10, 40, 50], [20, 5, 50, 45]], width=72, height=60),
        widget("merge-tree", merge_tree(stripes())),
        widget("crops", photo=shown, box=[20, 20, 60, 40]),
        widget("box-coding", proposal=[10, 10, 50, 90], target=[20, 10, 60, 50], width=120, height=100),
        widget("receptive-field", photo=shown, networks={name: windows(name) for name in ("vgg16", "tiny")}),
        widget(
            "roi-pooling",
            map=np.arange(16).reshape(4, 4),
            regions=[[0, 0, 21, 21], [0, 10, 31, 31]],
            stride=10,
            bins=[2, 2],
        ),
        widget("nms", photo=shown, boxes=BOXES, scores=SCORES, threshold=0.3),
        widget("precision-recall", photo=shown, objects=OBJECTS, boxes=BOXES, scores=SCORES),
        widget("smooth-l1", error=1.5),
        widget("hard-negatives", mining()),
        widget("anchors", photo=shown, object=[20, 20, 52, 52], stride=10, cell=[3, 3], scale=3.5),
    ]


def page(body):
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    scripts = [
        f"{FOLDER}/{name}.js" for name in re.findall(r"^  - widgets/([\w-]+)\.js$", config, re.MULTILINE)
    ]
    tags = "".join(f'<script src="{path}"></script>' for path in scripts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{CSP}"><title>Widgets</title>'
        f'<script src="{Path(__file__).with_name("drive.js")}"></script>'
        f'<link rel="stylesheet" href="{FOLDER}/widgets.css"></head>'
        f'<body class="md-typeset">{body}{tags}</body></html>'
    )


def dump(path, folder):
    """Return the page as it stands after its scripts have run, in a browser 390 pixels wide."""
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
    ]
    where = [
        f"--user-data-dir={folder}",
        "--window-size=390,900",
        "--virtual-time-budget=20000",
        "--dump-dom",
    ]
    done = subprocess.run(
        [BROWSER, *options, *where, path.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    found = re.search(r'<pre id="said">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(html.unescape(found[1]))


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    path = folder / "page.html"
    path.write_text(page("".join(places())), encoding="utf-8")
    return dump(path, folder / "profile")


def floats(text):
    return [float(word) for word in re.findall(r"-?\d+(?:\.\d+)?", text)]


def test_nothing_fails_and_nothing_is_fetched(seen):
    assert seen["faults"] == []
    assert set(seen["said"]) == set(TITLES)


def test_what_fails_or_is_fetched_would_be_noticed(tmp_path):
    outside = '<script>new Image().src = "https://example.org/a.png"; console.error("oh");</script>'
    broken = widget("iou", boxes=[[10, 10, 40, 50]])  # the second is missing
    path = tmp_path / "page.html"
    path.write_text(page(outside + broken), encoding="utf-8")
    faults = dump(path, tmp_path / "profile")["faults"]
    assert any(fault.startswith("blocked: https://example.org") for fault in faults)
    assert "console.error: oh" in faults
    assert any(fault.startswith("console.error: widget iou:") for fault in faults)


def test_every_control_has_a_name_and_the_keyboard_reaches_it(seen):
    assert seen["access"]["controls"] > 50
    assert seen["access"]["nameless"] == []
    assert seen["access"]["unreachable"] == 0


def test_the_page_is_no_wider_than_a_phone(seen):
    assert seen["access"]["wide"] <= 0


def test_iou(seen):
    a, b = [10, 10, 40, 50], [20, 5, 50, 45]
    steps = [(a, b)]
    b = [30, 5, 60, 45]
    steps.append((a, b))
    a = [20, 15, 50, 55]
    steps.append((a, b))
    a = [20, 15, 50, 51]
    steps.append((a, b))
    steps.append(([20, 15, 51, 52], [30, 5, 61, 46]))  # the last pixels too
    said = [floats(text)[-1] for text in seen["said"]["iou"]]
    np.testing.assert_allclose(said, [iou(*pair) for pair in steps], atol=5.1e-4)


def test_merge_tree(seen):
    first, no_bars, moved, last, bars = seen["said"]["merge-tree"]
    assert "not merged yet" in first
    assert no_bars == ["–"] * 4
    assert moved.startswith("region ")
    tree = merge_tree(stripes())
    assert f"{len(tree['boxes'])} boxes in all, 1 region now" in last
    assert "12000 pixels, box 0, 0, 120, 100" in last
    np.testing.assert_allclose([float(bar) for bar in bars], tree["terms"][-1], atol=5.1e-4)


def test_crops(seen):
    first, centres, without, _ = seen["said"]["crops"]
    columns, rows = crop_span(20, 60, 20, 120, 227, 16, "warp"), crop_span(20, 40, 40, 100, 227, 16, "warp")
    frame = [columns.end - columns.begin, rows.end - rows.begin]
    assert floats(first)[:7] == [40, 20, 195, 227, *frame, 227]
    assert floats(without)[:7] == [30, 20, 227, 227, 30, 20, 227]
    assert len(centres) == 4
    for pixel in centres[1:]:  # the middle of the box is on the border of red and green
        assert pixel[2] < 100
        assert pixel[3] == 255


def test_box_coding(seen):
    for text, target in zip(
        seen["said"]["box-coding"],
        ([20, 10, 60, 50], [30, 10, 70, 50], [30, -10, 70, 70]),
        strict=True,
    ):
        proposal = [10, 10, 50, 90]
        said = floats(text)
        np.testing.assert_allclose(said[:4], encode(proposal, target), atol=5.1e-4)
        np.testing.assert_allclose(said[4:8], target, atol=0.051)
        assert said[8] == pytest.approx(iou(proposal, target), abs=5.1e-4)


def test_receptive_field(seen):
    corner, right, tiny = seen["said"]["receptive-field"]
    assert "8 × 7 cells. Cell column 0, row 0" in corner
    assert "sees 196 × 196 pixels" in corner
    assert "column 3, row 0" in right
    assert floats(right)[4] - floats(corner)[4] == 3 * 16
    assert "beyond the photo" in corner
    assert "sees 26 × 26 pixels" in tiny


def test_roi_pooling(seen):
    text, tables, shared, small, four, one_cell, zeros, fine, two = seen["said"]["roi-pooling"]
    assert "the cell of 9 gets 2" in text
    assert tables == "5 6 9 10 9 11 13 15"
    assert shared == 5  # the middle row and column of 3 × 3 cells
    assert "pixels 0, 0, 9, 9: x 0.00 to 0.80 cells, rounded 0 to 1" in small
    assert "no cell gets more than 1" in small
    assert four == "0 1 4 5"
    assert "pixels 0, 0, 5, 5: x 0.00 to 0.40 cells, rounded 0 to 0" in one_cell
    assert "the cell of 0 gets 4" in one_cell
    assert zeros == "0 0 0 0"
    assert "x 0.00 to 1.00 cells, rounded 0 to 1" in fine  # at a stride of 4, in one row of bins
    assert two == "4 5"


@pytest.mark.parametrize(("where", "threshold"), [(1, 0.3), (-1, 0.9)])
def test_nms(seen, where, threshold):
    kept, removed_by = nms_explained(BOXES, SCORES, threshold)
    rows = seen["said"]["nms"][where]
    assert [int(stays.split()[0]) - 1 for _, stays, _ in rows] == kept.tolist()
    for k, (_, _, removes) in zip(kept, rows, strict=True):
        expected = [
            f"{i + 1} (IoU {iou(BOXES[k], BOXES[i]):.3f})" for i in range(4) if removed_by[i] == k != i
        ]
        assert removes == (", ".join(expected) or "nobody")


def test_nms_step_by_step(seen):
    _, _, start, rows, step, _ = seen["said"]["nms"]
    assert "0 kept, 0 removed, 4 left" in start
    assert rows == 0
    assert "step 1 of 2: 1 kept, 2 removed, 1 left" in step


def test_precision_and_recall(seen):
    first, rows, fewer, moved, after = seen["said"]["precision-recall"]
    assert [row[3] for row in rows] == ["correct", "duplicate", "too loose", "correct"]
    assert floats(first)[-1] == 0.75
    assert "From score 0.75 on: 1 right, 1 wrong, 1 of 2 objects not found" in fewer
    assert [row[3] for row in after] == ["too loose", "correct", "too loose", "correct"]
    assert floats(moved)[-1] == 0.5


def test_smooth_l1(seen):
    said = [floats(text)[1:] for text in seen["said"]["smooth-l1"]]  # after the 1 of L1
    paper, inside, narrow = [[v for i, v in enumerate(one) if i != 2] for one in said]  # and the 2 of L2
    assert paper == [1, 1, 1.125, 1.5]
    assert inside == [0.125, -0.5, 0.125, -0.5]
    assert narrow == [0.375, -1, 0.125, -0.5]


def test_anchors(seen):
    first, rows, moved, moved_rows, other, last_row = seen["said"]["anchors"]
    base = textbook.base_anchors(10, [1 / 2, 1, 2], [3.5, 7, 14])
    anchors = textbook.grid_anchors(base, 10, 12, 10)
    usable = anchors_inside(anchors, (100, 120))

    def expected(target):
        labels, _ = textbook.label_anchors(anchors, np.array([target], float), usable)
        return labels, [iou(anchor, target) for anchor in anchors.tolist()]

    labels, overlaps = expected([20, 20, 52, 52])
    own = slice((3 * 12 + 3) * 9, (3 * 12 + 4) * 9)
    assert f"12 × 10 cells: 1080 anchors, {usable.sum()} inside. Objects {(labels == 1).sum()}," in first
    assert floats(first)[-1] == pytest.approx(max(np.array(overlaps)[usable]), abs=5.1e-4)
    np.testing.assert_allclose([float(row[1]) for row in rows], overlaps[own], atol=5.1e-4)
    assert [row[2].startswith("object") for row in rows] == (labels[own] == 1).tolist()
    labels, overlaps = expected([30, 20, 62, 52])
    assert f"Objects {(labels == 1).sum()}, ignored" in moved
    np.testing.assert_allclose([float(row[1]) for row in moved_rows], overlaps[own], atol=5.1e-4)
    assert last_row[2] == "nothing: crosses the border"
    assert other != moved  # at another scale


def test_hard_negatives(seen):
    first, trained, last, rows, back = seen["said"]["hard-negatives"]
    data = mining()
    assert "no SVM yet, so all of them): 22" in first
    assert "Trained on 22 negatives" in trained
    assert len(rows) == len(data["rounds"])
    assert last.startswith("Trained on")
    assert back.startswith("All photos are seen")
    for (_, _, _, _, _, cache), (_, _, added, on, _, _) in itertools.pairwise(rows):
        assert on == "–" or int(on) == int(cache) + int(added)
