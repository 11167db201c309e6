"""Cascades in XML: what is read, and what is refused by name."""

from contextlib import suppress

import numpy as np
import pytest
from skimage.data import lbp_frontal_face_cascade_filename

from minircnn.heads.cascade import CascadeFileError, judge_windows, read_cascade

HAAR = """<?xml version="1.0"?>
<opencv_storage><cascade type_id="opencv-cascade-classifier">
<stageType>BOOST</stageType><featureType>HAAR</featureType><height>4</height><width>6</width>
<stageParams><maxWeakCount>1</maxWeakCount></stageParams>
<featureParams><maxCatCount>0</maxCatCount></featureParams><stageNum>1</stageNum>
<stages><_><maxWeakCount>1</maxWeakCount><stageThreshold>0.5</stageThreshold>
<weakClassifiers><_><internalNodes>0 -1 0 1.0e-01</internalNodes><leafValues>0. 1.</leafValues></_>
</weakClassifiers></_></stages>
<features><_><rects><_>0 0 6 4 -1.</_><_>3 0 3 4 2.</_></rects><tilted>0</tilted></_></features>
</cascade></opencv_storage>
"""
OLD = """<?xml version="1.0"?><opencv_storage>
<haarcascade type_id="opencv-haar-classifier"><size>20 20</size><stages/></haarcascade></opencv_storage>"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "some.xml"
        path.write_text(text)
        return path

    return write


def test_a_small_file_by_hand(file):
    cascade = read_cascade(file(HAAR))
    assert (cascade.height, cascade.width, cascade.stages, cascade.margin) == (4, 6, 1, 1)
    bright_right = np.zeros((1, 4, 6), np.uint8)
    bright_right[:, :, 3:] = 100
    depth, margin = judge_windows(np.concatenate([bright_right, bright_right[:, :, ::-1]]), cascade)
    np.testing.assert_array_equal(depth, [1, 0])
    np.testing.assert_allclose(margin, [0.5, -0.5], atol=2e-5)


def test_the_file_of_scikit_image_with_its_misspelt_tag():
    cascade = read_cascade(lbp_frontal_face_cascade_filename())
    assert (cascade.kind, cascade.stages, len(cascade.node_feature)) == ("lbp", 20, 139)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("</opencv_storage>", "", "is damaged or no XML file"),
        (HAAR, OLD, r"is a cascade in the format before OpenCV 2\.4, which is not read"),
        (HAAR, "<annotation/>", "holds no cascade: its root is <annotation>"),
        (HAAR, "", "is damaged or no XML file"),
        (HAAR, "\x00\x01 no text", "is damaged or no XML file"),
        ("HAAR</f", "HOG</f", "has HOG features; HAAR and LBP can be read"),
        ("BOOST", "SVM", "has stages of type SVM"),
        ("<maxCatCount>0", "<maxCatCount>256", "has maxCatCount 256"),
        ("0 -1 0 1.0e-01", "0 -1 0", "internalNodes holds 3 numbers, no multiple of 4"),
        ("0 -1 0 1.0e-01", "0 -1 7 1.0e-01", "asks a feature that is none of the 1"),
        ("0 -1 0 1.0e-01", "0 -1 0 nan", "not finite"),
        ("0 -1 0 1.0e-01", "0 3 0 1.0e-01", "leads to a node or a leaf"),
        ("0. 1.</leaf", "0.</leaf", "a tree of 1 nodes has 1 leafValues"),
        ("6 4 -1.", "9 4 -1.", "a feature leaves the window of 6×4"),
        ("6 4 -1.", "six 4 -1.", "invalid literal"),
        ("0 -1 0 1.0e-01", "0 -1 0 1e39", "not finite"),
        ("6 4 -1.", "6 4 nan", "weight of a rectangle is not finite"),
        ("6 4 -1.", "6 4 1e39", "weight of a rectangle is not finite"),
        ("0 0 6 4 -1.", "5 3 -3 -3 -1.", "has no width or height"),
        ("0 0 6 4 -1.", "0 0 6 0 -1.", "has no width or height"),
        ("0 0 6 4 -1.", "0 0 6 4", "a rectangle has 4 numbers"),
        ("<_>0 0 6 4 -1.</_><_>3 0 3 4 2.</_>", "", "a feature has 0 rectangles"),
        ("<rects>", "<rects>" + 2 * "<_>0 0 6 4 -1.</_>", "a feature has 4 rectangles"),
        ("<stageNum>1<", "<stageNum>2<", "its stageNum is 2, but there are 1 stages"),
        ("<_><maxWeakCount>1<", "<_><maxWeakCount>3<", "but there are 1 weak classifiers"),
        ("<height>4</height>", "", "<cascade> lacks <height>"),
        ("<stageThreshold>0.5</stageThreshold>", "", "lacks <stageThreshold>"),
        ("<_><maxWeakCount>1</maxWeakCount>", "<x>", "is damaged"),
    ],
)
def test_other_files_are_refused_by_name(file, old, new, words):
    path = file(HAAR.replace(old, new))
    with pytest.raises(CascadeFileError, match=words) as caught:
        read_cascade(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("sides", ["2 2 -1 -1", "0 0 0 1"])
def test_patterns_of_blocks_without_pixels_are_refused(file, sides):
    text = HAAR.replace("HAAR", "LBP").replace("<maxCatCount>0", "<maxCatCount>256")
    text = text.replace("0 -1 0 1.0e-01", "0 -1 0" + " 1" * 8)
    begin, end = text.index("<rects>"), text.index("</tilted>") + len("</tilted>")
    good = text[:begin] + "<rect>0 0 2 1</rect>" + text[end:]
    assert read_cascade(file(good)).kind == "lbp"
    with pytest.raises(CascadeFileError, match="has no width or height"):
        read_cascade(file(good.replace("0 0 2 1", sides)))


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.xml"):
        read_cascade(tmp_path / "none.xml")


def test_entities_are_not_expanded(file):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    with pytest.raises(CascadeFileError, match="is damaged or no XML file"):
        read_cascade(file(HAAR.replace("<opencv_storage>", f"{bomb}<opencv_storage>&b;")))


def test_every_cut_and_flip_is_refused_or_read(file, rng):
    for _ in range(60):
        text = bytearray(HAAR.encode())
        if rng.random() < 0.5:
            text = text[: rng.integers(0, len(text))]
        else:
            text[rng.integers(0, len(text))] = rng.integers(32, 127)
        with suppress(CascadeFileError):
            assert read_cascade(file(text.decode())).stages == 1
