import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minircnn import Scene
from minircnn.imaging import voc_palette
from minircnn.viz import draw_class_maps, draw_ladder

PHOTO = np.full((12, 20, 3), 90, np.uint8)
NAMES = ("grass", "cat", "dog")


def scene():
    masks = np.zeros((4, 12, 20), dtype=bool)
    masks[0, 8:] = True  # grass
    masks[1, 2:8, 1:7] = True
    masks[2, 2:8, 10:14] = True
    masks[3, 4:9, 15:20] = True
    void = np.zeros((12, 20), dtype=bool)
    void[0] = True
    return Scene(masks, np.array([1, 2, 2, 3]), NAMES, ("grass",), void)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def pixel(ax, y, x):
    return ax.images[0].get_array()[y, x].astype(int)


def test_six_answers_from_one_record():
    figure = draw_ladder(PHOTO, scene(), "mine")
    axes = figure.axes
    assert [ax.get_title().split(":")[0] for ax in axes] == [
        "classification",
        "localization",
        "detection",
        "semantic",
        "instance",
        "panoptic",
    ]
    assert "cat" in axes[0].get_title()
    assert figure.texts[0].get_text() == "mine"
    assert [len(ax.patches) for ax in axes[:3]] == [0, 1, 3]
    assert tuple(axes[1].patches[0].get_bbox().extents) == (1, 2, 7, 8)
    assert legend(figure) == ["background", "grass", "cat", "dog", "void"]
    semantic, instance, panoptic = axes[3:]
    assert (pixel(semantic, 5, 3) == pixel(semantic, 5, 12)).all()  # both cats
    assert (pixel(instance, 5, 3) != pixel(instance, 5, 12)).any()
    assert (pixel(panoptic, 5, 3) != pixel(panoptic, 5, 12)).any()
    assert (pixel(instance, 10, 3) == pixel(instance, 10, 8)).all()  # no object there
    np.testing.assert_allclose(pixel(semantic, 5, 3), 0.8 * voc_palette()[2] + 0.2 * 90, atol=1)
    np.testing.assert_allclose(pixel(panoptic, 10, 8), 0.8 * voc_palette()[1] + 0.2 * 90, atol=1)
    np.testing.assert_allclose(pixel(panoptic, 0, 4), 0.8 * voc_palette()[255] + 0.2 * 90, atol=1)


def test_a_photo_without_things():
    empty = Scene(np.zeros((0, 12, 20), dtype=bool), np.zeros(0, dtype=int), NAMES)
    figure = draw_ladder(PHOTO, empty)
    assert "nothing" in figure.axes[0].get_title()
    assert legend(figure) == ["background"]


def test_class_maps_side_by_side():
    truth = scene().class_map()
    found = np.where(truth == 3, 2, truth)
    figure = draw_class_maps(PHOTO, {"truth": truth, "found": found}, NAMES)
    assert [ax.get_title() for ax in figure.axes] == ["truth", "found"]
    assert legend(figure) == ["background", "grass", "cat", "dog", "void"]
    first, second = figure.axes
    assert (pixel(first, 6, 17) != pixel(second, 6, 17)).any()
    assert (pixel(first, 5, 3) == pixel(second, 5, 3)).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="the photo is 12 × 19, the scene 12 × 20"):
        draw_ladder(PHOTO[:, 1:], scene())
    with pytest.raises(ValueError, match=r"found: a map of shape \(3, 3\)"):
        draw_class_maps(PHOTO, {"found": np.zeros((3, 3), int)}, NAMES)
    with pytest.raises(ValueError, match="found: class 4 has no name; there are 3"):
        draw_class_maps(PHOTO, {"found": np.full((12, 20), 4)}, NAMES)
