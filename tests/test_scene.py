"""One record of masks, from which every rung of the ladder is derived."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import PanopticMap, Scene, Segment
from minircnn.boxes import flip_boxes
from minircnn.scene import VOID

NAMES = ("cat", "dog", "grass", "sky")


@st.composite
def scenes(draw):
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(0, 4))
    masks = rng.random((count, height, width)) < draw(st.sampled_from([0.1, 0.5, 0.9]))
    masks[:, rng.integers(height), rng.integers(width)] = True
    labels = rng.integers(1, 3, count)
    if count and draw(st.booleans()):
        labels[0] = 3  # at most one segment of a class of stuff
    void = rng.random((height, width)) < 0.2 if draw(st.booleans()) else None
    difficult = rng.random(count) < 0.3
    return Scene(masks, labels, NAMES, ("grass", "sky"), void, difficult)


def renumbered(ids):
    """Return a map with its numbers in the order of their first pixel, 0 staying 0."""
    numbers = {0: 0}
    return np.array([[numbers.setdefault(int(i), len(numbers)) for i in row] for row in ids])


def panoptic_facts(scene):
    """Return what a panoptic map says of every pixel, without its numbers."""
    made = scene.panoptic()
    crowd = np.isin(made.ids, [s.id for s in made.segments if s.crowd])
    return made.class_map(VOID), renumbered(made.ids), crowd


@settings(deadline=None)
@given(scenes())
def test_what_is_derived_is_mirrored_with_the_scene(scene):
    mirrored = scene.flipped()
    np.testing.assert_array_equal(mirrored.class_map(), scene.class_map()[:, ::-1])
    np.testing.assert_array_equal(mirrored.instance_map(), scene.instance_map()[:, ::-1])
    np.testing.assert_array_equal(mirrored.panoptic().ids, scene.panoptic().ids[:, ::-1])
    for made, given_ in [(mirrored.objects(), scene.objects()), (mirrored.largest(), scene.largest())]:
        np.testing.assert_array_equal(made.boxes, flip_boxes(given_.boxes, scene.width))
        np.testing.assert_array_equal(made.labels, given_.labels)
        np.testing.assert_array_equal(made.areas, given_.areas)
    assert mirrored.label_set() == scene.label_set()
    np.testing.assert_array_equal(mirrored.flipped().masks, scene.masks)


@settings(deadline=None)
@given(scenes(), st.data())
def test_what_is_derived_is_cropped_with_the_scene(scene, data):
    top = data.draw(st.integers(0, scene.height - 1))
    left = data.draw(st.integers(0, scene.width - 1))
    bottom = data.draw(st.integers(top + 1, scene.height))
    right = data.draw(st.integers(left + 1, scene.width))
    cropped, window = scene.cropped(top, left, bottom, right), np.s_[top:bottom, left:right]
    np.testing.assert_array_equal(cropped.class_map(), scene.class_map()[window])
    np.testing.assert_array_equal(
        renumbered(cropped.instance_map()), renumbered(scene.instance_map()[window])
    )
    made = scene.panoptic()
    facts = panoptic_facts(cropped)
    np.testing.assert_array_equal(facts[0], made.class_map(VOID)[window])
    np.testing.assert_array_equal(facts[1], renumbered(made.ids[window]))
    alive = [int(label) for mask, label in zip(scene.masks, scene.labels, strict=True) if mask[window].any()]
    assert cropped.label_set() == tuple(sorted({label for label in alive if label < 3}))
    for box, mask in zip(cropped.objects().boxes, cropped.masks[cropped.is_thing], strict=True):
        x1, y1, x2, y2 = box.astype(int)
        assert mask[y1:y2, x1:x2].sum() == mask.sum()
        assert mask[y1].any()
        assert mask[y2 - 1].any()
        assert mask[:, x1].any()
        assert mask[:, x2 - 1].any()


@settings(deadline=None)
@given(scenes())
def test_panoptic_segments_tile_the_photo(scene):
    made = scene.panoptic()
    void = np.zeros(made.ids.shape, dtype=bool) if scene.void is None else scene.void
    np.testing.assert_array_equal(made.ids == 0, void)
    assert sum(int(made.mask(s).sum()) for s in made.segments) == int((~void).sum())
    np.testing.assert_array_equal(made.class_map(VOID), scene.class_map())
    again = Scene.from_panoptic(made)
    np.testing.assert_array_equal(again.class_map(), scene.class_map())
    np.testing.assert_array_equal(renumbered(again.instance_map()), renumbered(scene.instance_map()))


def small():
    masks = np.zeros((3, 4, 6), dtype=bool)
    masks[0, 2:] = True  # grass
    masks[1, 1:4, 0:3] = True  # a cat, 9 pixels
    masks[2, 1:3, 2:5] = True  # a dog in front of it, 6 pixels
    return Scene(masks, np.array([3, 1, 2]), NAMES, ("grass", "sky"))


def test_every_rung_of_a_small_scene():
    scene = small()
    assert scene.label_set() == (1, 2)
    assert scene.largest().labels.tolist() == [1]
    objects = scene.objects()
    assert objects.class_names == ("cat", "dog")
    assert objects.boxes.tolist() == [[0, 1, 3, 4], [2, 1, 5, 3]]
    assert objects.areas.tolist() == [9, 6]
    assert scene.class_map().tolist() == [
        [0, 0, 0, 0, 0, 0],
        [1, 1, 2, 2, 2, 0],
        [1, 1, 2, 2, 2, 3],
        [1, 1, 1, 3, 3, 3],
    ]
    assert scene.instance_map().max() == 2
    assert [(s.id, s.label) for s in scene.panoptic().segments] == [(1, 3), (2, 1), (3, 2), (4, 0)]


def test_labels_of_objects_leave_no_gap_for_stuff():
    scene = replace(small(), class_names=("grass", "sky", "cat", "dog"), labels=np.array([1, 3, 4]))
    objects = scene.objects()
    assert objects.class_names == ("cat", "dog")
    assert objects.labels.tolist() == [1, 2]


def test_difficult_things_are_no_answer_to_what_is_largest():
    scene = replace(small(), difficult=np.array([False, True, False]))
    assert scene.largest().labels.tolist() == [2]
    assert len(replace(small(), difficult=np.array([False, True, True])).largest()) == 0


def test_a_segment_that_is_hidden_has_a_box_and_no_pixel():
    scene = small()
    hidden = replace(scene, masks=scene.masks[[0, 2, 2]], labels=np.array([3, 1, 2]))
    assert len(hidden.objects()) == 2
    assert [s.id for s in hidden.panoptic().segments] == [1, 3, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": np.ones((3, 4, 6))}, "masks must be"),
        ({"masks": np.zeros((3, 4, 6), dtype=bool)}, r"segment 0 \(grass\) has no pixel"),
        ({"labels": np.array([0, 1, 2])}, "labels must lie in 1..4"),
        ({"labels": np.array([1, 2])}, "labels must have shape"),
        ({"labels": np.array([3, 3, 1])}, "'grass' is stuff, and has 2 segments"),
        ({"stuff": ("sea",)}, "stuff 'sea' is not among"),
        ({"void": np.zeros((4, 6))}, "void must be"),
        ({"difficult": np.ones(3)}, "difficult must be true or false"),
        ({"class_names": tuple(map(str, range(255)))}, "255 classes, and a class map holds 254"),
    ],
)
def test_what_is_no_scene_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(small(), **change)


@pytest.mark.parametrize("window", [(0, 0, 0, 6), (0, 0, 4, 7), (-1, 0, 4, 6)])
def test_a_window_beyond_the_photo_is_refused(window):
    with pytest.raises(ValueError, match="no window of a photo 4 high and 6 wide"):
        small().cropped(*window)


@pytest.mark.parametrize(
    ("ids", "segments", "stuff", "message"),
    [
        ([[1, 2]], (Segment(1, 1),), (), "the id 2 has pixels, and no segment"),
        ([[1, 1]], (Segment(1, 1), Segment(3, 1)), (), "segment 3 has no pixel"),
        ([[1, 1]], (Segment(1, 1), Segment(1, 2)), (), "two segments have the id 1"),
        ([[1, 1]], (Segment(1, 5),), (), "segment 1 has class 5 of 4"),
        ([[1, 1]], (Segment(1, 1),), ("sea",), "stuff 'sea' is not among"),
        ([[1.0, 1.0]], (Segment(1, 1),), (), "array of whole numbers"),
    ],
)
def test_what_is_no_panoptic_map_is_refused(ids, segments, stuff, message):
    with pytest.raises(ValueError, match=message):
        PanopticMap(np.array(ids), segments, NAMES, stuff)


def test_a_segment_has_a_positive_id():
    with pytest.raises(ValueError, match=r"segment 0\.id must be at least 1"):
        Segment(0, 1)


def test_names_of_segments():
    made = small().panoptic()
    assert [made.name(s) for s in made.segments] == ["grass", "cat", "dog", "background"]
    assert [made.is_thing(s.label) for s in made.segments] == [False, True, True, False]
