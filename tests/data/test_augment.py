import numpy as np
import pytest

from minircnn.data import FlippedDataset, Scenes, flip_annotations, flip_image
from minircnn.structures import Annotations


class OneBrightBox:
    """Two photos, each with one bright rectangle and its box."""

    name = "bright"
    class_names = ("box",)
    image_ids = ("p", "q")
    flippable = True
    _boxes = ((1, 2, 7, 5), (0, 0, 3, 9))

    def __len__(self):
        return 2

    def image(self, index):
        image = np.zeros((9, 11, 3), np.uint8)
        x1, y1, x2, y2 = self._boxes[index]
        image[y1:y2, x1:x2] = 200
        return image

    def annotations(self, index):
        boxes = np.array([self._boxes[index]], np.float32)
        return Annotations(boxes, np.array([1]), ("box",), 9, 11, self.image_ids[index], np.array([True]))


def test_mirrored_boxes_lie_on_the_mirrored_objects():
    both = FlippedDataset(OneBrightBox())
    assert len(both) == 4
    assert both.image_ids == ("p", "q", "p_flipped", "q_flipped")
    for index in range(4):
        image, truth = both.image(index), both.annotations(index)
        x1, y1, x2, y2 = truth.boxes[0].astype(int)
        assert (image[y1:y2, x1:x2] == 200).all()
        assert (image > 0).sum() == 3 * (x2 - x1) * (y2 - y1)
        assert truth.image_id == both.image_ids[index]
        assert truth.difficult.tolist() == [True]
        assert truth.boxes.dtype == np.float32


def test_mirroring_twice_is_no_mirroring(rng):
    data = OneBrightBox()
    image = rng.integers(0, 256, (9, 11, 3), dtype=np.uint8)
    np.testing.assert_array_equal(flip_image(flip_image(image)), image)
    truth = data.annotations(0)
    np.testing.assert_array_equal(flip_annotations(flip_annotations(truth)).boxes, truth.boxes)


def test_photos_without_objects():
    empty = Annotations(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), ("box",), 9, 11)
    assert flip_annotations(empty).boxes.shape == (0, 4)


def test_digits_and_what_is_mirrored_already_are_refused():
    with pytest.raises(ValueError, match="no valid example"):
        FlippedDataset(Scenes("val"))
    with pytest.raises(ValueError, match="no valid example"):
        FlippedDataset(FlippedDataset(OneBrightBox()))


@pytest.mark.parametrize("index", [-1, 4])
def test_index_outside(index):
    with pytest.raises(IndexError, match=r"0\.\.3"):
        FlippedDataset(OneBrightBox()).image(index)
