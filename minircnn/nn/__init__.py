"""Layers with hand-written forward and backward passes, losses and optimisation."""

from minircnn.nn.activation import ReLU
from minircnn.nn.containers import Concat, Sequential
from minircnn.nn.conv import Conv2d
from minircnn.nn.dropout import Dropout
from minircnn.nn.gradcheck import GradcheckReport, gradcheck
from minircnn.nn.init import he_normal, normal, xavier_uniform
from minircnn.nn.layer import Layer
from minircnn.nn.linear import Flatten, Linear
from minircnn.nn.losses import (
    MultiTaskLoss,
    hinge_loss,
    l2_loss,
    multi_task_loss,
    smooth_l1,
    softmax,
    softmax_cross_entropy,
)
from minircnn.nn.module import Module, Parameter
from minircnn.nn.normalization import LocalResponseNorm
from minircnn.nn.optim import SGD, MultiStepSchedule, StepSchedule, clip_gradients
from minircnn.nn.pixel_loss import pixel_cross_entropy
from minircnn.nn.pooling import GlobalAveragePool, MaxPool2d
from minircnn.nn.roi_align import RoIAlign
from minircnn.nn.roi_pool import RoIPool
from minircnn.nn.rpn_loss import RPNLoss, rpn_loss
from minircnn.nn.scale import Scale
from minircnn.nn.spatial_pyramid import SpatialPyramidPool
from minircnn.nn.upsample import UpsampleBilinear

__all__ = [
    "SGD",
    "Concat",
    "Conv2d",
    "Dropout",
    "Flatten",
    "GlobalAveragePool",
    "GradcheckReport",
    "Layer",
    "Linear",
    "LocalResponseNorm",
    "MaxPool2d",
    "Module",
    "MultiStepSchedule",
    "MultiTaskLoss",
    "Parameter",
    "RPNLoss",
    "ReLU",
    "RoIAlign",
    "RoIPool",
    "Scale",
    "Sequential",
    "SpatialPyramidPool",
    "StepSchedule",
    "UpsampleBilinear",
    "clip_gradients",
    "gradcheck",
    "he_normal",
    "hinge_loss",
    "l2_loss",
    "multi_task_loss",
    "normal",
    "pixel_cross_entropy",
    "rpn_loss",
    "smooth_l1",
    "softmax",
    "softmax_cross_entropy",
    "xavier_uniform",
]
