"""The same code on a cluster: joblib hands the photos to Dask, and the results are the same bits."""

import sys

import joblib
import numpy as np
import pytest
import small_detectors
from scene_features import scene_features

from minircnn.data import Scenes
from minircnn.detectors.running import run_detector
from minircnn.proposals import SelectiveSearch
from minircnn.training import compute_proposals
from minircnn.training.feature_cache import _Extraction
from minircnn.training.regions import PhotoReader

distributed = pytest.importorskip("distributed")

SCENES = Scenes("train", count=4, size=96, heights=(20, 44))
SEARCH = SelectiveSearch(mode="single", min_size=10.0, limit=30)


@pytest.fixture(scope="module", params=[False, True], ids=["threads", "processes"])
def cluster(request):
    """Two workers of a local cluster."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=request.param, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield cluster


def test_proposals_are_the_same(cluster, tmp_path):
    serial = compute_proposals(SCENES, SEARCH, folder=tmp_path / "serial", progress=False)
    with joblib.parallel_config(backend="dask"):
        shared = compute_proposals(SCENES, SEARCH, folder=tmp_path / "dask", n_jobs=-1, progress=False)
    assert all(len(boxes) for boxes in serial)
    for one, other in zip(serial, shared, strict=True):
        np.testing.assert_array_equal(one, other)


def test_features_are_the_same(cluster, tmp_path):
    proposals = compute_proposals(SCENES, SEARCH, progress=False)

    serial = scene_features(SCENES, proposals, tmp_path / "serial", 1, batch=16)
    with joblib.parallel_config(backend="dask"):
        shared = scene_features(SCENES, proposals, tmp_path / "dask", -1, batch=16)
    np.testing.assert_array_equal(serial.fc7, shared.fc7)
    np.testing.assert_array_equal(serial.pool5, shared.pool5)
    assert serial.fc7.any()


def test_detections_are_the_same(cluster):
    proposals = compute_proposals(SCENES, SEARCH, progress=False)
    detector = small_detectors.fast_rcnn(SCENES.class_names, SEARCH)
    serial = run_detector(detector, SCENES, proposals)
    with joblib.parallel_config(backend="dask"):
        shared = run_detector(detector, SCENES, proposals, n_jobs=-1)
    for one, other in zip(serial.detections, shared.detections, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.scores, other.scores)


def test_what_is_sent_to_the_workers_says_how_large_it_is():
    # joblib's Dask backend sends what is large once, and packs the rest into every task
    detector = small_detectors.fast_rcnn(SCENES.class_names, SEARCH)
    weights = sum(parameter.data.nbytes for _, parameter in detector.network.named_parameters())
    rcnn = small_detectors.rcnn("abc", SEARCH)
    own = sum(parameter.data.nbytes for _, parameter in rcnn.network.named_parameters())
    work = _Extraction(rcnn, PhotoReader(SCENES), "float32")
    assert 0 <= sys.getsizeof(detector) - weights < 1000
    assert 0 <= sys.getsizeof(work) - own < 1000
