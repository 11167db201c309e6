"""From features to scores and boxes: linear SVMs, ridge regression, boosting, two-headed outputs, the RPN."""

from minircnn.heads.boosting import AdaBoost, Stump
from minircnn.heads.box_regressors import BoxRegressors
from minircnn.heads.dual_descent import DualSolution, SVMProblem, fit_one_vs_rest
from minircnn.heads.linear_svm import LinearSVMs, feature_scale
from minircnn.heads.mining import MinedSVMs, MiningSettings, mine_and_train
from minircnn.heads.mining_state import MiningRound, MiningState
from minircnn.heads.ridge_bbox import BoxRegressor
from minircnn.heads.roi_head import SiblingHeads, compress, truncated_svd
from minircnn.heads.rpn import ProposalLayerSettings, RPNHead, ScoredBoxes, propose

__all__ = [
    "AdaBoost",
    "BoxRegressor",
    "BoxRegressors",
    "DualSolution",
    "LinearSVMs",
    "MinedSVMs",
    "MiningRound",
    "MiningSettings",
    "MiningState",
    "ProposalLayerSettings",
    "RPNHead",
    "SVMProblem",
    "ScoredBoxes",
    "SiblingHeads",
    "Stump",
    "compress",
    "feature_scale",
    "fit_one_vs_rest",
    "mine_and_train",
    "propose",
    "truncated_svd",
]
