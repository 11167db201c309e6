"""The papers' tables and figures, each as one experiment that can be run again."""

from minircnn.experiments import across, fast_rcnn, rcnn
from minircnn.experiments.base import (
    EXPERIMENTS,
    MAP,
    Column,
    Effect,
    Experiment,
    Measurement,
    Row,
    add_experiment,
)
from minircnn.experiments.bench import Bench
from minircnn.experiments.running import RESULT, TIMES, Trial, run_experiment, trials_of
from minircnn.experiments.spread import Comparison, compare, mean_and_spread

__all__ = [
    "EXPERIMENTS",
    "MAP",
    "RESULT",
    "TIMES",
    "Bench",
    "Column",
    "Comparison",
    "Effect",
    "Experiment",
    "Measurement",
    "Row",
    "Trial",
    "across",
    "add_experiment",
    "compare",
    "fast_rcnn",
    "mean_and_spread",
    "rcnn",
    "run_experiment",
    "trials_of",
]
