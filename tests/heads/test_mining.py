"""One-pass hard negative mining against the SVMs trained on everything."""

import json

import numpy as np
import pytest

from minircnn import textbook
from minircnn.heads import MiningSettings, MiningState, fit_one_vs_rest, mine_and_train
from minircnn.heads.negative_cache import ExamplePool


def photos_of(rng, num_photos=12, regions=150, dim=16, num_classes=3):
    """Positives around one direction per class, many easy negatives and some near the classes."""
    centres = np.eye(num_classes, dim) * 12
    positives = [(centres[k] + rng.normal(size=(20 + k, dim))).astype(np.float32) for k in range(num_classes)]
    photos = []
    for _ in range(num_photos):
        near = rng.integers(0, num_classes, regions)
        pull = np.where(rng.random(regions) < 0.15, 0.7, -0.3)[:, None]
        features = (centres[near] * pull + 2 * rng.normal(size=(regions, dim))).astype(np.float32)
        photos.append((features, rng.random((regions, num_classes)) < 0.9))
    return positives, photos


def full_objective(positives, photos, weights, intercepts):
    X = np.concatenate([*positives, *(f for f, _ in photos)])
    owner = np.repeat(np.arange(len(positives)), [len(p) for p in positives])
    labels = np.concatenate(
        [owner[:, None] == np.arange(len(positives)), *(-e.astype(int) for _, e in photos)]
    ).astype(int)
    cost = np.where(labels > 0, 2e-3, 1e-3) * (labels != 0)
    hinge = np.maximum(0, 1 - labels * (X @ weights + intercepts))
    return X, labels, 0.5 * ((weights**2).sum(0) + (intercepts / 10) ** 2) + (cost * hinge).sum(0)


@pytest.mark.parametrize("score_rows", [1, 400, 10**6])
def test_reaches_nearly_the_objective_of_training_on_everything(rng, score_rows):
    positives, photos = photos_of(rng)
    settings = MiningSettings(retrain_after=60, tol=1e-5, score_rows=score_rows)
    mined = mine_and_train(positives, iter(photos), settings=settings, rng=rng)
    X, labels, reached = full_objective(positives, photos, mined.svms.coef_.T, mined.svms.intercept_)
    best = fit_one_vs_rest(X, labels, tol=1e-5, rng=rng)
    np.testing.assert_array_less(reached, best.objective * 1.02)
    assert mined.trace[0].photo == 1
    assert mined.trace[-1].photo == len(photos)
    assert len(mined.trace) > 3
    total = sum(int(e.sum()) for _, e in photos)
    assert sum(r.num_negatives.sum() for r in mined.trace[-1:]) < total / 2


def test_batches_of_photos_change_nothing(rng):
    positives, photos = photos_of(rng)
    results = [
        mine_and_train(
            positives,
            photos,
            settings=MiningSettings(retrain_after=60, score_rows=rows),
            rng=np.random.default_rng(1),
        )
        for rows in (1, 500)
    ]
    np.testing.assert_allclose(results[0].svms.coef_.T, results[1].svms.coef_.T, atol=1e-5)
    assert [r.photo for r in results[0].trace] == [r.photo for r in results[1].trace]


def test_shared_pool_and_warm_starts_equal_separate_caches_trained_from_zero(rng):
    positives, photos = photos_of(rng)
    settings = MiningSettings(retrain_after=60, tol=1e-7)
    mined = mine_and_train(positives, photos, settings=settings, rng=rng)

    def train(features, labels):
        solution = fit_one_vs_rest(features, labels[:, None], tol=settings.tol, rng=rng)
        return solution.weights[0], solution.intercepts[0]

    limits = settings.hard_above, settings.evict_below, settings.retrain_after
    for k, own in enumerate(positives):
        negatives = (features[eligible[:, k]] for features, eligible in photos)
        weight, intercept = textbook.mine_hard_negatives(own, negatives, train, *limits)
        np.testing.assert_allclose(mined.svms.coef_[k], weight, atol=1e-3 * np.abs(mined.svms.coef_).max())
        np.testing.assert_allclose(mined.svms.intercept_[k], intercept, atol=1e-3)


def test_unfinished_training_is_logged(rng, caplog):
    positives, photos = photos_of(rng, num_photos=1)
    mine_and_train(positives, photos, settings=MiningSettings(max_epochs=1, tol=1e-6), rng=rng)
    assert "SVMs of columns [0, 1, 2]: stopped after 1 passes" in caplog.text


def test_the_pool_keeps_used_rows_in_order_through_growth_and_reuse(rng):
    pool = ExamplePool(3, 2)
    kept_features, kept_labels = np.zeros((0, 3), np.float32), np.zeros((0, 2), int)
    for _ in range(40):
        features = rng.normal(size=(rng.integers(0, 30), 3)).astype(np.float32)
        labels = rng.integers(-1, 2, (len(features), 2))
        pool.append(features, labels, (features[:, 0] * 1e6).astype(int))
        pool.labels[rng.random(len(pool.labels)) < 0.4 * (rng.random() < 0.7)] = 0
        rows = pool.rows_of(np.arange(2))
        held = pool.features_of(rows)
        kept_features = np.concatenate([kept_features, features])
        kept_labels = np.concatenate([kept_labels, labels])
        alive = np.isin(kept_features[:, 0], held[:, 0])
        kept_features, kept_labels = kept_features[alive], kept_labels[alive]
        np.testing.assert_array_equal(held, kept_features)
        np.testing.assert_array_equal(pool.labels[rows], kept_labels)
        assert len(pool.beta) == len(pool.features)
        np.testing.assert_array_equal(pool.source, (pool.features[:, 0] * 1e6).astype(int))


def test_first_photo_gives_all_its_negatives(rng):
    positives, photos = photos_of(rng)
    mined = mine_and_train(positives, photos[:1], rng=rng)
    np.testing.assert_array_equal(mined.trace[0].num_negatives, photos[0][1].sum(axis=0))
    np.testing.assert_array_equal(mined.trace[0].classes, [0, 1, 2])


def test_the_scale_is_part_of_the_weights(rng):
    positives, photos = photos_of(rng)
    plain = mine_and_train(positives, photos, rng=np.random.default_rng(1))
    eighth = [p / 8 for p in positives], [(f / 8, e) for f, e in photos]
    scaled = mine_and_train(*eighth, scale=8.0, rng=np.random.default_rng(1))
    np.testing.assert_allclose(scaled.svms.coef_.T / 8, plain.svms.coef_.T, atol=1e-6)


def test_nothing_to_learn_from_is_no_crash(rng):
    empty = [np.zeros((0, 4), np.float32)] * 2
    mined = mine_and_train(empty, [(np.zeros((0, 4), np.float32), np.zeros((0, 2), bool))], rng=rng)
    assert not mined.svms.coef_.T.any()
    photos = [(rng.normal(size=(30, 4)).astype(np.float32), np.ones((30, 2), bool))]
    mined = mine_and_train(empty, photos, rng=rng)  # negatives alone: everything scores low
    assert (photos[0][0] @ mined.svms.coef_.T + mined.svms.intercept_ < 0).all()


def test_half_precision_memory_maps_work(rng, tmp_path):
    positives, photos = photos_of(rng)
    stored = np.lib.format.open_memmap(tmp_path / "f.npy", "w+", np.float16, photos[0][0].shape)
    stored[:] = photos[0][0]
    mined = mine_and_train(positives, [(stored, photos[0][1])], rng=rng)
    assert mined.svms.coef_.T.dtype == np.float32
    assert np.isfinite(mined.svms.coef_.T).all()


def test_wrong_shapes_are_named(rng):
    with pytest.raises(ValueError, match=r"mask \(R, 1\)"):
        mine_and_train([np.zeros((1, 4))], [(np.zeros((2, 4)), np.ones((2, 3), bool))], rng=rng)
    with pytest.raises(ValueError, match="positives"):
        mine_and_train([np.zeros((1, 4)), np.zeros((1, 5))], [], rng=rng)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_pass_that_goes_on_from_any_state_ends_with_the_same_bits(rng, dtype):
    positives, photos = photos_of(rng)
    photos = [(features.astype(dtype), eligible) for features, eligible in photos]
    visited = np.concatenate([features for features, _ in photos])
    settings = MiningSettings(retrain_after=60, score_rows=200)

    def mine(photos, **how):
        rng = np.random.default_rng(1)
        return mine_and_train(positives, photos, settings=settings, scale=1.5, rng=rng, **how)

    kept = []
    whole = mine(photos, between=lambda state: kept.append(state()))
    assert [state.photo for state in kept] == [1, 3, 5, 7, 9, 11]
    for state in kept:
        arrays, rest = state.parts()
        again = MiningState.from_parts(arrays, json.loads(json.dumps(rest)))
        resumed = mine(photos[state.photo :], start=(again, visited))
        assert resumed.svms.coef_.tobytes() == whole.svms.coef_.tobytes()
        assert resumed.svms.intercept_.tobytes() == whole.svms.intercept_.tobytes()
        assert repr(resumed.trace) == repr(whole.trace)
