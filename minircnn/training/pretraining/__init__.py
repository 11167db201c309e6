"""Supervised pre-training: a backbone learns to classify images before a detector is made of it."""

from minircnn.training.pretraining.estimate import estimate_pretraining
from minircnn.training.pretraining.network import ClassifierNetwork
from minircnn.training.pretraining.run import ACCURACY_LOG, WEIGHTS_FILE, PretrainRun, pretrain
from minircnn.training.pretraining.scoring import HeldOut, load_classifier
from minircnn.training.pretraining.settings import PRETRAIN_PRESETS, PretrainSettings
from minircnn.training.pretraining.trainer import PretrainTrainer

__all__ = [
    "ACCURACY_LOG",
    "PRETRAIN_PRESETS",
    "WEIGHTS_FILE",
    "ClassifierNetwork",
    "HeldOut",
    "PretrainRun",
    "PretrainSettings",
    "PretrainTrainer",
    "estimate_pretraining",
    "load_classifier",
    "pretrain",
]
