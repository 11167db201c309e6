"""The rows of docs/results.md about the one photo of which the original's boxes are known."""

from xml.etree import ElementTree

import numpy as np
import pytest
from evaluation_records import annotations

from minircnn.evaluation import proposal_recall
from minircnn.imaging import read_image
from minircnn.proposals import SelectiveSearch


def test_ours_and_the_original_boxes_of_the_same_sizes(shared_data):
    folder = shared_data / "demo_voc2007"
    original = np.load(folder / "000004_boxes.npy").astype(np.float64) + np.array([0, 0, 1, 1])
    ours = SelectiveSearch(min_size=0.0).propose(read_image(folder / "JPEGImages/000004.jpg"))
    tree = ElementTree.parse(folder / "Annotations/000004.xml")
    corners = [
        [float(o.findtext(f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax")]
        for o in tree.iter("object")
    ]
    truth = [annotations(np.array(corners) - [1, 1, 0, 0], [1] * len(corners))]
    for boxes, any_size, large, overlap in ((ours, 4278, 2504, 0.713), (original, 2888, 2011, 0.659)):
        kept = boxes[(boxes[:, 2:] - boxes[:, :2] >= 20).all(axis=1)]
        assert (len(boxes), len(kept)) == (any_size, large)
        for chosen in (boxes, kept):
            result = proposal_recall([chosen], truth, (0.5,))
            assert result.recall == (1.0,)
            assert result.mean_best_overlap == pytest.approx(overlap, abs=5e-4)
