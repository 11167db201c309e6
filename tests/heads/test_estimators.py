"""The two scikit-learn estimators: scikit-learn's own checks, then what R-CNN asks of them."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from minircnn import textbook
from minircnn.heads import BoxRegressor, LinearSVMs, feature_scale, ridge_bbox


@parametrize_with_checks([LinearSVMs(), LinearSVMs(feature_norm=5.0, positive_weight=1.0), BoxRegressor()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_labels_of_any_kind_come_back(rng):
    X = np.concatenate([rng.normal(size=(30, 5)) + 4 * shift for shift in np.eye(5)[:3]])
    y = np.repeat(["cat", "dog", "sheep"], 30)
    svm = LinearSVMs().fit(X, y)
    assert (svm.predict(X) == y).mean() > 0.95
    assert svm.decision_function(X).shape == (90, 3)
    assert svm.coef_.shape == (3, 5)
    assert svm.intercept_.shape == (3,)


def test_two_classes_have_one_score(rng):
    X = rng.normal(size=(60, 4))
    y = X[:, 0] > 0
    svm = LinearSVMs().fit(X, y)
    np.testing.assert_array_equal(svm.decision_function(X) > 0, svm.predict(X))
    np.testing.assert_allclose(svm.decision_function(X), X @ svm.coef_[0] + svm.intercept_[0])


def test_unfinished_training_warns(rng):
    X, y = rng.normal(size=(80, 3)), rng.integers(0, 2, 80)
    with pytest.warns(ConvergenceWarning, match="did not converge in 1 passes for classes"):
        LinearSVMs(C=100.0, max_iter=1).fit(X, y)


def test_feature_scale_brings_the_mean_norm_to_twenty(rng):
    X = rng.normal(size=(100, 7)).astype(np.float16)
    scaled = X.astype(np.float64) * feature_scale(X)
    assert np.linalg.norm(scaled, axis=1).mean() == pytest.approx(20, rel=1e-3)
    with pytest.raises(ValueError, match="none differs from zero"):
        feature_scale(np.zeros((3, 2)))


@pytest.mark.parametrize(("n", "d"), [(50, 6), (20, 40)])
def test_box_regressor_equals_the_released_procedure(rng, n, d):
    X, Y = rng.normal(size=(n, d)) + 1, rng.normal(size=(n, 4)) @ rng.normal(size=(4, 4)) + 2
    Z = rng.normal(size=(9, d))
    weight, intercept = textbook.fit_ridge_regression(X, Y, 7.0, 1e-3)
    predicted = BoxRegressor(7.0).fit(X, Y).predict(Z)
    np.testing.assert_allclose(predicted, Z @ weight + intercept, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("n", "d"), [(300, 60), (60, 300), (5, 3), (3, 5), (1, 1)])
@pytest.mark.parametrize("regularization", [1000.0, 1e-4])
def test_single_precision_equals_double(rng, n, d, regularization):
    X = np.maximum(rng.normal(size=(n, d)), 0).astype(np.float32)
    X *= 20 / max(np.linalg.norm(X, axis=1).mean(), 1)
    Y = (X[:, :1] * [[1, 2, 3, 4]] + rng.normal(size=(n, 4))).astype(np.float32)
    single = BoxRegressor(regularization).fit(X, Y)
    double = BoxRegressor(regularization).fit(X.astype(np.float64), Y)
    assert single.coef_.dtype == np.float32
    for got, expected in ((single.coef_, double.coef_), (single.intercept_, double.intercept_)):
        np.testing.assert_allclose(got, expected, atol=2e-6 * np.abs(double.coef_).max())


@pytest.mark.parametrize("size", [0, 1, 3, 4, 50])
def test_the_mirrored_half_equals_the_full_product(rng, size):
    rows = rng.normal(size=(size, 7))
    gram = ridge_bbox.symmetric_product(rows)
    np.testing.assert_allclose(gram, rows @ rows.T, atol=1e-13)
    np.testing.assert_array_equal(gram, gram.T)


def test_box_regressor_without_information_predicts_the_mean(rng):
    Y = rng.normal(size=(30, 4))
    prediction = BoxRegressor(1e12).fit(rng.normal(size=(30, 3)), Y).predict(np.zeros((2, 3)))
    np.testing.assert_allclose(prediction, np.tile(Y.mean(axis=0), (2, 1)), atol=1e-6)


def test_box_regressor_takes_constant_targets(rng):
    targets = np.tile([1.0, 2.0, 3.0, 4.0], (10, 1))
    np.testing.assert_allclose(
        BoxRegressor().fit(rng.normal(size=(10, 3)), targets).predict(np.ones((1, 3))), targets[:1]
    )
