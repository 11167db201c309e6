"""A record of detections is shown as a picture where its photo is known, else as a table."""

import base64
import io
import pickle
import re
import sys

import numpy as np
import pytest
from PIL import Image
from small_detectors import fast_rcnn

from minircnn.proposals import SlidingWindow
from minircnn.structures import Detections

PHOTO = np.full((60, 90, 3), 200, np.uint8)
FOUND = Detections(
    np.array([[10, 10, 50, 40], [20.26, 5, 80, 55]]),
    np.array([0.9, 0.25]),
    np.array([2, 1]),
    ("cat", "<dog>"),
)


def picture(html):
    (data,) = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"', html)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


@pytest.fixture(scope="module")
def detector():
    return fast_rcnn(("cat", "dog"), SlidingWindow())


def test_two_lines_show_a_picture(detector):
    found = detector.detect(PHOTO)
    assert found.image is PHOTO
    assert found.shown_from == detector.usual_min_score
    assert picture(found._repr_html_()).shape[1] == pytest.approx(900, abs=2)


def test_what_was_chosen_is_shown_and_nothing_else():
    from_half = picture(FOUND.on(PHOTO).above(0.5)._repr_html_())
    everything = picture(FOUND.on(PHOTO)._repr_html_())
    one = picture(FOUND.on(PHOTO).take(np.array([0]))._repr_html_())
    assert 'alt="1 detections"' not in everything
    assert from_half.shape == everything.shape
    assert (from_half != everything).any()
    assert (one != everything).any()
    assert picture(Detections.empty(("cat",)).on(PHOTO)._repr_html_()).size


def test_without_a_photo_there_is_a_table():
    html = FOUND._repr_html_()
    assert "<img" not in html
    assert re.findall(r"<td>(.*?)</td>", html)[:3] == ["&lt;dog&gt;", "0.900", "10.0"]
    assert "20.3" in html
    many = Detections(np.zeros((40, 4)), np.zeros(40), np.ones(40, int), ("cat",))._repr_html_()
    assert many.count("<tr>") == 31
    assert "40 detections, 10 more than shown" in many


def test_without_matplotlib_there_is_a_table(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert FOUND.on(PHOTO)._repr_html_() == FOUND._repr_html_()


def test_the_photo_can_be_left_away(detector):
    assert detector.detect(PHOTO, keep_image=False).image is None
    assert detector.detect(PHOTO, proposals=np.zeros((0, 4), np.float32)).image is PHOTO
    assert FOUND.on(PHOTO).on(None).image is None


def test_the_photo_is_no_part_of_what_is_printed_and_goes_along_when_stored():
    shown = FOUND.on(PHOTO)
    assert repr(shown) == repr(FOUND)
    assert shown.to_records() == FOUND.to_records()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(shown)).image, PHOTO)


@pytest.mark.parametrize("odd", [PHOTO[..., 0], PHOTO / 255, "photo.jpg", PHOTO[..., :2]])
def test_only_a_photo_is_a_photo(odd):
    with pytest.raises(ValueError, match=r"detections: image must be \(H, W, 3\) of uint8"):
        FOUND.on(odd)
