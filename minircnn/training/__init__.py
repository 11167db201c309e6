"""Training: settings, loop and checkpoints, and a recipe for each detector."""

from minircnn.training.bag_of_words import BAG_OF_WORDS_PRESETS, BagOfWordsSettings, train_bag_of_words
from minircnn.training.box_regression import BoxRegressionSettings, train_box_regressors
from minircnn.training.checkpoint import NotFiniteError, TrainingState, load_checkpoint, save_checkpoint
from minircnn.training.classroom import CLASSROOM_SCENES, classroom
from minircnn.training.estimate import PartEstimate, estimate_training
from minircnn.training.fast_rcnn import FAST_RCNN_PRESETS, FastRCNNSettings, FastRCNNTrainer, train_fast_rcnn
from minircnn.training.faster_rcnn import (
    FASTER_RCNN_PRESETS,
    FasterRCNNSettings,
    FasterRCNNTrainer,
    RPNSettings,
    train_faster_rcnn,
)
from minircnn.training.feature_cache import FeatureCache, cache_features
from minircnn.training.fingerprint import OtherDataError
from minircnn.training.hog_negatives import NegativeSettings
from minircnn.training.hog_recipe import HOG_SVM_PRESETS
from minircnn.training.hog_rounds import WindowSVMSettings
from minircnn.training.hog_svm import HogSVMSettings, train_hog_svm, train_hog_svm_on_crops
from minircnn.training.log import LogError, read_log
from minircnn.training.loop import LoopSettings, TrainingInterrupted, train_loop
from minircnn.training.photo_batches import PhotoBatch, PhotoSampler, RoISampling
from minircnn.training.proposals import compute_proposals
from minircnn.training.rcnn import RCNN_PRESETS, FineTuneSettings, RCNNSettings, RCNNTrainer, train_rcnn
from minircnn.training.recipe import RECIPES, Recipe, TrainingJob, add_recipe
from minircnn.training.run import TrainingRun, train
from minircnn.training.run_folder import FolderInUseError
from minircnn.training.settings import (
    BackboneSettings,
    DetectorSettings,
    GivenProposalsSettings,
    NetworkSettings,
    SolverSettings,
    as_json,
)
from minircnn.training.sppnet import SPPNetSettings
from minircnn.training.svms import SVMSettings, train_svms
from minircnn.training.trainer import Trainer
from minircnn.training.validation import Validation, ValidationSummary
from minircnn.training.viola_jones import (
    VIOLA_JONES_PRESETS,
    CascadeSettings,
    TrainedCascade,
    ViolaJonesSettings,
    train_cascade,
    train_viola_jones,
)

__all__ = [
    "BAG_OF_WORDS_PRESETS",
    "CLASSROOM_SCENES",
    "FASTER_RCNN_PRESETS",
    "FAST_RCNN_PRESETS",
    "HOG_SVM_PRESETS",
    "RCNN_PRESETS",
    "RECIPES",
    "VIOLA_JONES_PRESETS",
    "BackboneSettings",
    "BagOfWordsSettings",
    "BoxRegressionSettings",
    "CascadeSettings",
    "DetectorSettings",
    "FastRCNNSettings",
    "FastRCNNTrainer",
    "FasterRCNNSettings",
    "FasterRCNNTrainer",
    "FeatureCache",
    "FineTuneSettings",
    "FolderInUseError",
    "GivenProposalsSettings",
    "HogSVMSettings",
    "LogError",
    "LoopSettings",
    "NegativeSettings",
    "NetworkSettings",
    "NotFiniteError",
    "OtherDataError",
    "PartEstimate",
    "PhotoBatch",
    "PhotoSampler",
    "RCNNSettings",
    "RCNNTrainer",
    "RPNSettings",
    "Recipe",
    "RoISampling",
    "SPPNetSettings",
    "SVMSettings",
    "SolverSettings",
    "TrainedCascade",
    "Trainer",
    "TrainingInterrupted",
    "TrainingJob",
    "TrainingRun",
    "TrainingState",
    "Validation",
    "ValidationSummary",
    "ViolaJonesSettings",
    "WindowSVMSettings",
    "add_recipe",
    "as_json",
    "cache_features",
    "classroom",
    "compute_proposals",
    "estimate_training",
    "load_checkpoint",
    "read_log",
    "save_checkpoint",
    "train",
    "train_bag_of_words",
    "train_box_regressors",
    "train_cascade",
    "train_fast_rcnn",
    "train_faster_rcnn",
    "train_hog_svm",
    "train_hog_svm_on_crops",
    "train_loop",
    "train_rcnn",
    "train_svms",
    "train_viola_jones",
]
