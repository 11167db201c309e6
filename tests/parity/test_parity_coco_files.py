"""Files of annotations and results as pycocotools reads and judges them."""

import contextlib
import io
import json

import numpy as np
import pytest

from minircnn.data import COCODataset
from minircnn.evaluation import evaluate_coco, read_coco_detections, write_coco_detections

coco_module = pytest.importorskip("pycocotools.coco")
cocoeval = pytest.importorskip("pycocotools.cocoeval")

CATEGORIES = (3, 7, 90)
SHARES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def write_set(folder, seed, name=int):
    """Write a set with two decimals as COCO's, photos in no order; scores tie, overlaps meet thresholds."""
    rng = np.random.default_rng(seed)
    ids = [name(number) for number in rng.permutation(1000)[:25]]
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 640, "height": 480} for i in ids]
    objects, results = [], []
    for image_id in ids:
        for _ in range(int(rng.integers(0, 8))):
            width, height = (round(float(rng.choice([32, 96, rng.uniform(5, 200)])), 2) for _ in "wh")
            x, y = round(rng.uniform(0, 640 - width), 2), round(rng.uniform(0, 480 - height), 2)
            place = {"image_id": image_id, "category_id": int(rng.choice(CATEGORIES))}
            objects.append(
                {
                    **place,
                    "id": len(objects) + 1,
                    "bbox": [x, y, width, height],
                    "ignore": int(rng.integers(2)),
                }
                | {"area": round(width * height * rng.uniform(0.3, 1), 4), "iscrowd": int(rng.random() < 0.1)}
            )
            for _ in range(int(rng.integers(0, 4))):
                box = np.array([x, y, width, height])
                noise = rng.normal(0, 0.1, 4) * box[[2, 3, 2, 3]]
                moved = [round(float(v), 2) for v in np.maximum(box + noise, 1)]
                exact = [x, y, width, round(height * float(rng.choice(SHARES)), 2)]
                chosen = moved if rng.random() < 0.5 else exact
                results.append(
                    {**place, "bbox": chosen, "score": round(rng.random(), int(rng.choice([1, 3])))}
                )
    (folder / "instances.json").write_text(
        json.dumps(
            {
                "images": images,
                "annotations": objects,
                "categories": [{"id": c, "name": f"class {c}"} for c in CATEGORIES],
            }
        )
    )
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def peer_stats(annotations, results):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco_module.COCO(str(annotations))
        evaluation = cocoeval.COCOeval(truth, truth.loadRes(str(results)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


@pytest.mark.parametrize("name", [int, str, lambda i: f"photo {i}"], ids=["numbers", "digits", "texts"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_files_give_the_twelve_figures(tmp_path, seed, name):
    folder = write_set(tmp_path, seed, lambda number: name(int(number)))
    data = COCODataset(folder / "instances.json", folder, need_photos=False)
    truth = [data.annotations(i) for i in range(len(data))]
    found = read_coco_detections(
        folder / "results.json", data.original_ids, data.original_category_ids, data.class_names
    )
    ours = evaluate_coco(found, truth, image_ids=data.original_ids)
    peer = peer_stats(folder / "instances.json", folder / "results.json")
    np.testing.assert_allclose(list(ours.stats.values()), peer, rtol=0, atol=1e-12)
    write_coco_detections(folder / "again.json", data.original_ids, data.original_category_ids, found)
    again = peer_stats(folder / "instances.json", folder / "again.json")
    np.testing.assert_allclose(again, peer, rtol=0, atol=1e-12)


def test_areas_of_the_file_decide_what_is_small(tmp_path):
    boxes = {1: [10, 10, 40, 40], 2: [5, 5, 36, 50]}
    objects = [
        {"id": i, "image_id": i, "category_id": 1, "bbox": b, "area": b[2] * b[3] * 0.2, "iscrowd": 0}
        for i, b in boxes.items()
    ]
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 160, "height": 120} for i in boxes]
    content = {"images": images, "annotations": objects, "categories": [{"id": 1, "name": "disc"}]}
    results = [{"image_id": i, "category_id": 1, "bbox": b, "score": 0.9} for i, b in boxes.items()]
    (tmp_path / "instances.json").write_text(json.dumps(content))
    (tmp_path / "results.json").write_text(json.dumps(results))
    data = COCODataset(tmp_path / "instances.json", tmp_path, need_photos=False)
    found = read_coco_detections(
        tmp_path / "results.json", data.original_ids, data.original_category_ids, data.class_names
    )
    stats = evaluate_coco(found, [data.annotations(i) for i in range(2)]).stats
    peer = peer_stats(tmp_path / "instances.json", tmp_path / "results.json")
    np.testing.assert_allclose(list(stats.values()), peer, rtol=0, atol=1e-12)
    assert [round(stats[name]) for name in ("APs", "APm", "APl")] == [1, -1, -1]
