"""Parameters and features that make no sense are named, instead of SVMs and regressions that say nothing."""

import math

import numpy as np
import pytest

from minircnn.heads import (
    BoxRegressor,
    BoxRegressors,
    LinearSVMs,
    MiningSettings,
    SVMProblem,
    feature_scale,
    fit_one_vs_rest,
    mine_and_train,
)

SENSELESS = [0, -1, math.nan, math.inf, -math.inf, 1e308, True, "1", None]


@pytest.fixture
def two_clouds(rng):
    y = np.arange(40) % 2
    return rng.normal(size=(40, 5)) + y[:, None], y


@pytest.mark.parametrize("name", ["C", "positive_weight", "bias_feature", "feature_norm", "tol", "max_iter"])
@pytest.mark.parametrize("value", SENSELESS, ids=repr)
def test_parameters_of_the_svms(name, value, two_clouds):
    meant = {("bias_feature", 0), ("tol", 0), ("feature_norm", None)}
    if (name, value) in meant and value is not True and value is not False:
        return
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        LinearSVMs(**{name: value}).fit(*two_clouds)


@pytest.mark.parametrize("name", ["regularization", "whitening"])
@pytest.mark.parametrize("value", SENSELESS[1:], ids=repr)
def test_parameters_of_the_ridge_regression(name, value, rng):
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        BoxRegressor(**{name: value}).fit(rng.normal(size=(9, 3)), rng.normal(size=(9, 4)))


def test_ridge_regression_without_ridge_needs_features_that_tell_the_weights(rng):
    X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 4))
    assert np.isfinite(BoxRegressor(0, whitening=0).fit(X, Y).predict(X)).all()
    with pytest.raises(ValueError, match="regularization 0 is too little"):
        BoxRegressor(0).fit(np.repeat(X[:, :1], 3, axis=1), Y)
    with pytest.raises(ValueError, match="whitening must be above 0 where the targets do not vary"):
        BoxRegressor(whitening=0).fit(X, np.tile([1.0, 2.0, 3.0, 4.0], (30, 1)))


@pytest.mark.parametrize("value", [math.nan, math.inf, -1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_feature_that_is_no_number_is_named_by_its_row(value, dtype, two_clouds, rng):
    X, y = two_clouds
    broken = X.astype(dtype)
    broken[7, 3] = value
    words = r"X holds .* in row 7, column 3: look at what"
    with pytest.raises(ValueError, match=words):
        LinearSVMs().fit(broken, y)
    with pytest.raises(ValueError, match=words):
        BoxRegressor().fit(broken, rng.normal(size=(40, 4)))
    for fitted in (LinearSVMs().fit(X, y), BoxRegressor().fit(X, X[:, :4])):
        with pytest.raises(ValueError, match=words):
            fitted.predict(broken)
    with pytest.raises(ValueError, match="not finite or too large"):
        feature_scale(broken.astype(np.float32))
    with pytest.raises(ValueError, match="target_norm must be above 0"):
        feature_scale(X, 0)


def test_a_target_that_is_no_number_is_named(two_clouds):
    X, _ = two_clouds
    targets = X[:, :4].copy()
    targets[3, 1] = 1e30
    with pytest.raises(ValueError, match=r"y holds inf or a number too large .* in row 3, column 1"):
        BoxRegressor().fit(X, targets)


@pytest.mark.parametrize(
    "problem",
    [SVMProblem(C=0), SVMProblem(C=math.nan), SVMProblem(positive_weight=-1), SVMProblem(bias_feature=1e308)],
)
def test_the_solver_takes_no_senseless_problem(problem, two_clouds, rng):
    X, y = two_clouds
    with pytest.raises(ValueError, match=r"^(C|positive_weight|bias_feature) must be above 0, and finite"):
        fit_one_vs_rest(X, 2 * y[:, None] - 1, problem, rng=rng)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_solver_names_features_it_cannot_compute_with(value, dtype, two_clouds, rng):
    X, y = two_clouds
    with np.errstate(over="ignore"):
        X = np.where(np.arange(200).reshape(40, 5) == 27, value, X).astype(dtype)
    with pytest.raises(ValueError, match=r"features holds .* in row 5, column 2"):
        fit_one_vs_rest(X, 2 * y[:, None] - 1, rng=rng)


def test_the_solver_says_so_where_it_overflows(two_clouds, rng):
    X, y = two_clouds
    with pytest.raises(ValueError, match="features are too large for C and bias_feature"):
        fit_one_vs_rest(X.astype(np.float32), 2 * y[:, None] - 1, SVMProblem(C=1e60), rng=rng)


@pytest.mark.parametrize("labels", [[[2]] * 40, [[np.nan]] * 40, [[0.5]] * 40])
def test_the_solver_takes_no_other_labels(labels, two_clouds, rng):
    with pytest.raises(ValueError, match="labels must be -1, 0"):
        fit_one_vs_rest(two_clouds[0], np.array(labels), rng=rng)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", ["object", "first photo", "later photo", "no negative"])
def test_mining_names_features_that_are_no_numbers(value, where, rng):
    """Also of regions that no class takes for a negative: whoever wrote them wrote the others too."""
    positives = [rng.normal(size=(3, 4)).astype(np.float32) + 2 for _ in range(2)]
    photos = [(rng.normal(size=(20, 4)).astype(np.float32), np.ones((20, 2), bool)) for _ in range(4)]
    if where == "object":
        positives[1][2, 0] = value
    else:
        features, eligible = photos[0 if where == "first photo" else 2]
        features[11, 1] = value
        eligible[11] = where != "no negative"
    words = r"objects of column 1 holds .* in row 2" if where == "object" else "photos from number"
    with pytest.raises(ValueError, match=words):
        mine_and_train(positives, photos, settings=MiningSettings(score_rows=1), rng=rng)


def test_svms_and_regressors_made_by_hand_have_the_right_shapes():
    weight, bias = np.zeros((2, 3), np.float32), np.zeros(2, np.float32)
    LinearSVMs.from_weights(weight, bias)
    for words, arguments in {
        r"the SVMs' bias must have shape \(2,\), got \(1,\)": (weight, bias[:1]),
        r"the SVMs' weight must have shape \(any, any\)": (bias, bias),
        "the SVMs' weight must hold floating-point numbers, got int64": (weight.astype(int), bias),
        "the SVMs' bias holds numbers that are not finite": (weight, bias + np.nan),
        "the SVMs' weight must be an array": ([[1.0]], bias),
    }.items():
        with pytest.raises(ValueError, match=words):
            LinearSVMs.from_weights(*arguments)
    boxes = np.zeros((2, 4, 6), np.float32), np.zeros((2, 4), np.float32)
    regressors = BoxRegressors(*boxes)
    for words, arguments in {
        r"box regressors' bias must have shape \(2, 4\), got \(1, 4\)": (boxes[0], boxes[1][:1]),
        r"box regressors' weight must have shape \(any, 4, any\)": (boxes[0][:, :3], boxes[1]),
        "box regressors' weight holds numbers that are not finite": (boxes[0] + np.inf, boxes[1]),
    }.items():
        with pytest.raises(ValueError, match=words):
            BoxRegressors(*arguments)
    with pytest.raises(ValueError, match="box regressors of 6 features got 7"):
        regressors.offsets(np.zeros((1, 7), np.float32))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [complex, object, str])
def test_features_are_real_numbers(kind, rng):
    features, right = rng.normal(size=(9, 4)).astype(kind), rng.normal(size=(9, 4))
    with pytest.raises(ValueError, match="features must be"):
        feature_scale(features)
    with pytest.raises(ValueError, match="features must be real numbers"):
        fit_one_vs_rest(features, np.ones((9, 1), int), rng=rng)
    mask = np.ones((9, 1), bool)
    for positives, photo in ((features, right), (right, features)):
        with pytest.raises(ValueError, match="numbers"):
            mine_and_train([positives], [(photo, mask)], rng=rng)


@pytest.mark.filterwarnings("error")
def test_what_mining_is_given_fits_together(rng):
    right, mask = rng.normal(size=(9, 4)), np.ones((9, 1), bool)
    for photo in (right[:, :3], right[0]):
        with pytest.raises(ValueError, match=r"must be \(R, 4\) and its mask \(R, 1\)"):
            mine_and_train([right], [(photo, mask)], rng=rng)
    with pytest.raises(ValueError, match="true or false"):
        mine_and_train([right], [(right, mask * 2)], rng=rng)  # 2 & True is 0
    with pytest.raises(ValueError, match="not finite, or too large"):
        mine_and_train([right], [(right * 1e200, mask)], rng=rng)
    with pytest.raises(ValueError, match="not finite or too large"):
        feature_scale(right * 1e200)
