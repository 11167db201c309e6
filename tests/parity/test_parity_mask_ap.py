"""The twelve figures of masks against pycocotools, with crowds and areas of the data set's own."""

import contextlib
import io

import numpy as np
import pytest

from minircnn import Scene
from minircnn.data import encode_runs, format_runs
from minircnn.evaluation import MaskDetections, evaluate_coco_masks

coco = pytest.importorskip("pycocotools.coco")
cocoeval = pytest.importorskip("pycocotools.cocoeval")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NAMES = ("a", "b", "c")
SHAPE = (150, 170)


def blob(rng):
    """Return an ellipse, from a few to some thousand pixels."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    cy, cx = rng.uniform(0, SHAPE[0]), rng.uniform(0, SHAPE[1])
    ry, rx = rng.uniform(2, 70, 2) * rng.choice([0.2, 1])
    return ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1


def random_set(rng, photos, crowd):
    scenes, found = [], []
    for _ in range(photos):
        masks = np.array([m for m in (blob(rng) for _ in range(rng.integers(0, 6))) if m.any()], dtype=bool)
        masks = masks.reshape(-1, *SHAPE)
        labels = rng.integers(1, 3, len(masks))
        scenes.append(Scene(masks, labels, NAMES, difficult=rng.random(len(masks)) < crowd))
        chosen = rng.integers(0, len(masks), rng.integers(0, 9)) if len(masks) else np.zeros(0, int)
        moved = [np.roll(masks[i], rng.integers(-3, 4, 2), axis=(0, 1)) for i in chosen]
        moved += [blob(rng) for _ in range(rng.integers(0, 3))]
        labels = np.concatenate([labels[chosen], rng.integers(1, 4, len(moved) - len(chosen))])
        scores = np.round(rng.random(len(moved)), 2)
        found.append(
            MaskDetections(np.array(moved, dtype=bool).reshape(-1, *SHAPE), scores, labels.astype(int), NAMES)
        )
    return found, scenes


def runs(mask):
    return {"size": list(SHAPE), "counts": format_runs(encode_runs(mask))}


def peer_stats(found, scenes):
    truth = {
        "images": [{"id": i + 1, "height": SHAPE[0], "width": SHAPE[1]} for i in range(len(scenes))],
        "categories": [{"id": k + 1, "name": name} for k, name in enumerate(NAMES)],
        "annotations": [],
    }
    for i, scene in enumerate(scenes):
        for mask, label, crowd in zip(scene.masks, scene.labels, scene.difficult, strict=True):
            entry = {"id": len(truth["annotations"]) + 1, "image_id": i + 1, "category_id": int(label)}
            entry |= {"segmentation": runs(mask), "area": float(mask.sum()), "iscrowd": int(crowd)}
            truth["annotations"].append(entry | {"bbox": [0, 0, 1, 1]})
    results = [
        {"image_id": i + 1, "category_id": int(label), "segmentation": runs(mask), "score": float(score)}
        for i, own in enumerate(found)
        for mask, label, score in zip(own.masks, own.labels, own.scores, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        peer = coco.COCO()
        peer.dataset = truth
        peer.createIndex()
        judge = cocoeval.COCOeval(peer, peer.loadRes(results), "segm")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge.stats


@pytest.mark.parametrize("crowd", [0.0, 0.4])
@pytest.mark.parametrize("seed", [0, 1])
def test_masks_have_the_figures_of_pycocotools(seed, crowd):
    found, scenes = random_set(np.random.default_rng(seed), 10, crowd)
    ours = evaluate_coco_masks(found, scenes)
    np.testing.assert_allclose(list(ours.stats.values()), peer_stats(found, scenes), atol=1e-12)
    assert 0.1 < ours.stats["AP"] < 0.95
