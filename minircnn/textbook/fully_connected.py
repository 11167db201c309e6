"""Fully connected layers and ReLU."""

from __future__ import annotations

import numpy as np

from minircnn.structures import FloatArray


def linear(x: FloatArray, weight: FloatArray, bias: FloatArray) -> FloatArray:
    """Return y (R, O) of x (R, D): y_o = Σ_d weight_od x_d + bias_o."""
    y = np.zeros((len(x), len(weight)))
    for r, o in np.ndindex(y.shape):
        y[r, o] = (weight[o] * x[r]).sum() + bias[o]
    return y


def linear_backward(
    dy: FloatArray, x: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dLoss/dx (R, D), dLoss/dweight (O, D) and dLoss/dbias (O,), given dy (R, O)."""
    dx, dweight, dbias = np.zeros(x.shape), np.zeros(weight.shape), np.zeros(len(weight))
    for r, o in np.ndindex(dy.shape):
        dx[r] += dy[r, o] * weight[o]
        dweight[o] += dy[r, o] * x[r]
        dbias[o] += dy[r, o]
    return dx, dweight, dbias


def relu(x: FloatArray) -> FloatArray:
    """Return max(x, 0) (Krizhevsky et al. 2012, section 3.1)."""
    y = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        if x[place] > 0:
            y[place] = x[place]
    return y


def relu_backward(dy: FloatArray, x: FloatArray) -> FloatArray:
    """Return dLoss/dx: dy where x is positive, else 0."""
    dx = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        if x[place] > 0:
            dx[place] = dy[place]
    return dx
