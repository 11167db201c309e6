import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minircnn.structures import Annotations, Detections
from minircnn.viz import draw_boxes, draw_detections, judge
from minircnn.viz.labels import add_labels
from minircnn.viz.style import (
    BOX_COLOURS,
    CORRECT,
    FALSE,
    MISSED,
    class_colours,
    ink_on,
    photo_panels,
    show_image,
)

CLASSES = ("cat", "dog")
PHOTO = np.full((120, 200, 3), 90, np.uint8)


def detections(boxes, scores, labels):
    return Detections(
        np.array(boxes, float).reshape(-1, 4), np.array(scores, float), np.array(labels, int), CLASSES
    )


def truth(boxes, labels, difficult=None):
    extra = {} if difficult is None else {"difficult": np.array(difficult)}
    return Annotations(
        np.array(boxes, float).reshape(-1, 4), np.array(labels, int), CLASSES, 120, 200, **extra
    )


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def frames(figure, gid):
    patches = [patch for patch in figure.axes[0].patches if patch.get_gid() == gid]
    return {tuple(patch.get_bbox().extents) for patch in patches}, patches


def test_detections_above_the_score_are_drawn_where_they_are():
    found = detections([[10, 20, 60, 80], [100, 5, 150, 45], [0, 0, 9, 9]], [0.9, 0.5, 0.49], [1, 2, 1])
    figure = draw_detections(PHOTO, found)
    extents, patches = frames(figure, "detection")
    assert extents == {(10, 20, 60, 80), (100, 5, 150, 45)}
    assert texts(figure) == ["cat 0.90", "dog 0.50"]
    from matplotlib.colors import to_hex

    assert [to_hex(p.get_edgecolor()).upper() for p in patches] == list(BOX_COLOURS[:2])
    assert figure.texts[0].get_text() == "2 detections with a score of at least 0.5"


def test_the_photo_fills_its_panel_pixel_for_pixel():
    figure = draw_detections(PHOTO, Detections.empty(CLASSES))
    ax = figure.axes[0]
    assert ax.images[0].get_extent() == [0, 200, 120, 0]
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 200), (120, 0))
    size = ax.get_window_extent()
    assert size.width / size.height == pytest.approx(200 / 120)


def test_verdicts_follow_the_voc_rule():
    objects = truth([[0, 0, 50, 50], [100, 0, 150, 50], [0, 60, 50, 110]], [1, 2, 1], [False, False, True])
    found = detections(
        [[0, 0, 50, 50], [0, 0, 50, 50], [100, 0, 150, 50], [0, 60, 50, 110], [160, 60, 199, 119]],
        [0.7, 0.9, 0.8, 0.75, 0.6],
        [1, 1, 1, 1, 2],
    )
    verdict = judge(found, objects)
    # the stronger of two equal boxes claims the object, the other is a duplicate; a cat is no dog
    assert verdict.correct.tolist() == [False, True, False, False, False]
    assert verdict.ignored.tolist() == [False, False, False, True, False]
    assert verdict.found.tolist() == [True, False, False]


@pytest.mark.parametrize(("shift", "hit"), [(0.0, True), (25.0, False)])
def test_a_match_needs_half_overlap(shift, hit):
    verdict = judge(detections([[shift, 0, 50 + shift, 50]], [0.9], [1]), truth([[0, 0, 50, 50]], [1]))
    assert bool(verdict.correct[0]) is hit


def test_an_overlap_of_exactly_the_threshold_matches():
    found, objects = detections([[0, 0, 50, 50]], [0.9], [1]), truth([[0, 0, 50, 100]], [1])
    assert judge(found, objects, 0.5).correct.all()


def test_correct_false_and_missed_differ_in_colour_and_line_style():
    objects = truth([[0, 0, 50, 50], [100, 0, 150, 50]], [1, 2])
    found = detections([[0, 0, 50, 50], [60, 60, 90, 110]], [0.9, 0.8], [1, 1])
    figure = draw_detections(PHOTO, found, objects)
    _, (right, wrong) = frames(figure, "detection")
    _, (met, missed) = frames(figure, "truth")
    assert (right.get_linestyle(), wrong.get_linestyle()) == ("-", ":")
    assert (met.get_linestyle(), missed.get_linestyle()) == ("--", "--")
    from matplotlib.colors import to_hex

    drawn = [to_hex(p.get_edgecolor()).upper() for p in (right, wrong, missed)]
    assert drawn == [CORRECT, FALSE, MISSED]
    assert "missed: dog" in texts(figure)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["correct (1)", "false (1)", "missed (1)", "ground truth"]
    assert figure.texts[0].get_text() == "1 correct, 1 false, 1 missed"


def test_a_difficult_object_is_never_missed():
    figure = draw_detections(
        PHOTO, Detections.empty(CLASSES), truth([[0, 0, 50, 50]], [1], [True]), title="named"
    )
    assert figure.texts[0].get_text() == "named"
    assert not texts(figure)
    assert figure.legends[0].get_texts()[-1].get_text() == "difficult: not counted"


def test_nothing_found_and_nothing_there():
    figure = draw_detections(PHOTO, Detections.empty(CLASSES), truth([], []))
    assert not figure.axes[0].patches


def overlapping_pairs(ax):
    extents = [text.get_window_extent() for text in ax.texts]
    return [(i, j) for i, a in enumerate(extents) for j, b in enumerate(extents[:i]) if a.overlaps(b)]


def test_labels_of_one_place_avoid_each_other(rng):
    corner = rng.uniform(30, 50, (8, 2))
    boxes = np.hstack([corner, corner + rng.uniform(40, 70, (8, 2))])
    found = detections(boxes, np.linspace(0.9, 0.6, 8), [1, 2] * 4)
    assert overlapping_pairs(draw_detections(PHOTO, found).axes[0]) == []


def test_labels_stay_on_the_photo(rng):
    corner = rng.uniform(-5, 180, (20, 2)) * [1, 0.6]
    boxes = np.hstack([corner, corner + 20])
    _, (ax,) = photo_panels((120, 200), [""])
    add_labels(ax, boxes, [f"word {i}" for i in range(20)], ["#FFFFFF"] * 20)
    panel = ax.get_window_extent()
    for text in ax.texts:
        extent = text.get_window_extent()
        assert panel.x0 - 1 <= extent.x0
        assert extent.x1 <= panel.x1 + 1
        assert panel.y0 - 1 <= extent.y0
        assert extent.y1 <= panel.y1 + 1


def test_boxes_with_labels():
    figure = draw_boxes(PHOTO, [[1, 2, 30, 40]], ["here"], "Boxes", colour="#0072B2", linestyle="--")
    (patch,) = figure.axes[0].patches
    assert tuple(patch.get_bbox().extents) == (1, 2, 30, 40)
    assert texts(figure) == ["here"]
    assert not draw_boxes(PHOTO, []).axes[0].patches


def test_boxes_name_what_does_not_fit():
    with pytest.raises(
        ValueError, match="1 boxes need as many colours and labels, got 1 colours and 2 labels"
    ):
        draw_boxes(PHOTO, [[1, 2, 30, 40]], ["a", "b"])
    with pytest.raises(ValueError, match=r"boxes must have shape \(R, 4\)"):
        draw_boxes(PHOTO, [[1, 2, 30]])
    with pytest.raises(ValueError, match=r"must be an \(H, W, 3\) array of uint8"):
        draw_boxes(PHOTO.astype(float), [])


@pytest.mark.parametrize("shape", [(400, 100), (100, 400), (32, 32)])
def test_title_and_legend_fit_any_photo(shape):
    photo = np.zeros((*shape, 3), np.uint8)
    figure = draw_detections(photo, Detections.empty(CLASSES), truth([[0, 0, 9, 9]], [1], [True]))
    figure.draw_without_rendering()
    for artist in (figure.texts[0], figure.legends[0]):
        extent = artist.get_window_extent()
        assert extent.x0 >= 0
        assert extent.x1 <= figure.bbox.x1
    assert not figure.legends[0].get_window_extent().overlaps(figure.axes[0].get_window_extent())


@pytest.mark.parametrize(("colour", "ink"), [("#F0E442", "#000000"), ("#0072B2", "#FFFFFF")])
def test_ink_contrasts(colour, ink):
    assert ink_on(colour) == ink


def test_classes_of_one_photo_differ_in_colour_while_there_are_enough():
    assert class_colours([9, 2, 9]) == {2: BOX_COLOURS[1], 9: BOX_COLOURS[2]}
    assert len(set(class_colours(range(1, 8)).values())) == 7
    assert len(class_colours(range(1, 21))) == 20
    assert class_colours([]) == {}


@pytest.mark.parametrize("bad", [np.nan, None, "0.5", 1j])
def test_thresholds_are_numbers(bad):
    """No overlap is below NaN: everything would be correct."""
    box, names = np.array([[1, 1, 9, 9.0]]), ("cat",)
    found, truth = (
        Detections(box, np.ones(1), np.array([1]), names),
        Annotations(box, np.array([1]), names, 9, 9),
    )
    with pytest.raises(ValueError, match="iou_threshold must be"):
        judge(found, truth, bad)
    with pytest.raises(ValueError, match="min_score must be"):
        draw_detections(np.zeros((9, 9, 3), np.uint8), found, min_score=bad)


def test_scores_without_a_sign_are_judged_in_order():
    box, names = np.array([[1, 1, 9, 9.0], [1, 1, 9, 9]]), ("cat",)
    found = Detections(box, np.array([0, 9], np.uint8), np.array([1, 1]), names)
    truth = Annotations(box[:1], np.array([1]), names, 9, 9)
    assert judge(found, truth).correct.tolist() == [False, True]


def test_a_photo_larger_than_any_picture_is_shown_smaller():
    """By means over squares of 2 x 2 pixels; boxes stay in pixels of the photo, odd sides too."""
    large = np.zeros((101, 3111, 3), np.uint8)
    large[:, 1000:] = 200
    figure = draw_boxes(large, np.array([[1000.0, 0, 3111, 101]]))
    (ax,) = figure.axes
    shown = ax.images[0]
    assert shown.get_array().shape == (51, 1556, 3)
    assert tuple(shown.get_extent()) == (0, 3112, 102, 0)
    assert (shown.get_array()[:, 500:] == 200).all()
    assert not shown.get_array()[:, :500].any()
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 3111), (101, 0))


@pytest.mark.parametrize("image", [np.zeros((20, 3111)), np.zeros((20, 3111), np.uint8)])
def test_a_large_map_is_shown_as_it_is(image):
    _, (ax,) = photo_panels(image.shape, [""])
    show_image(ax, image)
    assert ax.images[0].get_array().shape == image.shape
    assert tuple(ax.images[0].get_extent()) == (0, 3111, 20, 0)
