"""A set in COCO's form with the twelve figures of pycocotools 2.0.11, recorded for where it is missing."""

import json

import numpy as np
import pytest

from minircnn.data import COCODataset
from minircnn.evaluation import evaluate_coco, read_coco_detections

RECORDED = {
    "numbers": [
        0.5012550354414324,
        0.5914841484148414,
        0.4920440258311546,
        0.5867168649638074,
        0.4334323432343234,
        -1.0,
        0.3593406593406594,
        0.7802197802197802,
        0.7802197802197802,
        0.8000000000000002,
        0.75,
        -1.0,
    ],
    "texts": [
        0.5076119088214183,
        0.5987048284660399,
        0.5137809579277255,
        0.5988053952454069,
        0.39439238566713813,
        -1.0,
        0.3593406593406594,
        0.7802197802197802,
        0.7802197802197802,
        0.8000000000000002,
        0.75,
        -1.0,
    ],
}


def golden_set(name):
    """Return annotations and results: areas of outlines, crowds, tied scores, overlaps of just a threshold.

    `name` makes an id of a number; ids do not rise.
    """
    images, objects, results = [], [], []
    for photo in range(12):
        image_id = name(29 * photo % 37)
        images.append({"id": image_id, "file_name": f"{photo}.jpg", "width": 400, "height": 300})
        for number in range(photo % 5):
            x, y = round(17.3 * number + 3.1 * photo, 2), round(11.7 * number + 1.9 * photo, 2)
            width, height = (32, 32) if number == 1 else (round(20.4 + 31.6 * number, 2), 96 - 7 * number)
            place = {"image_id": image_id, "category_id": 90 if (photo + number) % 3 else 3}
            box = [x, y, width, height]
            entry = {**place, "id": len(objects) + 1, "bbox": box, "iscrowd": int((photo, number) == (8, 2))}
            area = round(width * height * (0.4 + 0.15 * number), 3)
            objects.append({**entry, "area": area, "ignore": number % 2})
            for copy in range((photo + 2 * number) % 4):
                share = (1, 0.5, 0.75)[copy]
                moved = (
                    [x, y, width, round(height * share, 2)]
                    if number % 2
                    else [x + 2.7 * copy, y, width, height]
                )
                results.append({**place, "bbox": moved, "score": (3 * photo + 5 * number + copy) % 7 / 7})
        results.append({"image_id": image_id, "category_id": 3, "bbox": [photo, 250, 32, 32], "score": 3 / 7})
    categories = [{"id": 3, "name": "cell"}, {"id": 90, "name": "dish"}]
    return {"images": images, "annotations": objects, "categories": categories}, results


@pytest.mark.parametrize("name", RECORDED)
def test_the_recorded_figures(tmp_path, name):
    annotations, results = golden_set(int if name == "numbers" else str)
    (tmp_path / "instances.json").write_text(json.dumps(annotations))
    (tmp_path / "results.json").write_text(json.dumps(results))
    data = COCODataset(tmp_path / "instances.json", tmp_path, need_photos=False)
    found = read_coco_detections(
        tmp_path / "results.json", data.original_ids, data.original_category_ids, data.class_names
    )
    truth = [data.annotations(index) for index in range(len(data))]
    stats = evaluate_coco(found, truth, image_ids=data.original_ids).stats
    np.testing.assert_allclose(list(stats.values()), RECORDED[name], rtol=0, atol=1e-12)
