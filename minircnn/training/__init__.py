"""Training: settings, loop, checkpoints, Fast R-CNN in one stage and R-CNN in its four."""

from minircnn.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from minircnn.training.configs import BackboneSettings, ProposalSettings, SolverSettings, as_json
from minircnn.training.fast_rcnn import FastRCNNTrainer, train_fast_rcnn
from minircnn.training.fast_rcnn_settings import FastRCNNSettings, RoISampling
from minircnn.training.loop import (
    LoopSettings,
    NotFiniteError,
    TrainingInterrupted,
    read_log,
    train_loop,
)
from minircnn.training.presets import FAST_RCNN_PRESETS, RCNN_PRESETS
from minircnn.training.proposals import compute_proposals
from minircnn.training.rcnn import train_box_regressors, train_rcnn, train_svms
from minircnn.training.rcnn_finetune import FineTuner, fine_tune
from minircnn.training.rcnn_settings import BoxRegressionSettings, FineTuneSettings, RCNNSettings, SVMSettings
from minircnn.training.run import FolderInUseError, TrainingRun, make_proposer, train

__all__ = [
    "FAST_RCNN_PRESETS",
    "RCNN_PRESETS",
    "BackboneSettings",
    "BoxRegressionSettings",
    "FastRCNNSettings",
    "FastRCNNTrainer",
    "FineTuneSettings",
    "FineTuner",
    "FolderInUseError",
    "LoopSettings",
    "NotFiniteError",
    "ProposalSettings",
    "RCNNSettings",
    "RoISampling",
    "SVMSettings",
    "SolverSettings",
    "TrainingInterrupted",
    "TrainingRun",
    "TrainingState",
    "as_json",
    "compute_proposals",
    "fine_tune",
    "load_checkpoint",
    "make_proposer",
    "read_log",
    "save_checkpoint",
    "train",
    "train_box_regressors",
    "train_fast_rcnn",
    "train_loop",
    "train_rcnn",
    "train_svms",
]
