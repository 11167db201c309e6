"""What R-CNN and SPP-net share: SVMs and box regressors fitted to a network's features of regions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from minircnn.arrays import Array, HostArray, to_host
from minircnn.checks import instance, require, require_array
from minircnn.detectors.base import SeenAs
from minircnn.detectors.network import NetworkDetector
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.nn import Linear
from minircnn.structures import FloatArray


class LinearPartsDetector(NetworkDetector[SeenAs]):
    """A detector whose regions are scored by linear SVMs and moved by ridge regressions.

    Attributes
    ----------
    svms : LinearSVMs
        One per class; background has none.
    regressors : BoxRegressors
    """

    usual_min_score = 0.0  # the margin of an SVM

    svms: LinearSVMs
    regressors: BoxRegressors

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "", svms=instance(LinearSVMs), regressors=instance(BoxRegressors))
        classes, fc8 = len(self.class_names), self.network.fc8
        self.require_columns(fc8)
        require_array("the SVMs' weight", self.svms.coef_, (classes, fc8.weight.data.shape[1]))
        require_array("the SVMs' bias", self.svms.intercept_, (classes,))
        fc6 = getattr(self.network.head, "fc6", None)
        known = isinstance(fc6, Linear) and self.regressors.weight.shape[-1] > 0
        require_array(
            "the box regressors' weight",
            self.regressors.weight,
            (classes, 4, fc6.weight.data.shape[1] if known and fc6 is not None else None),
        )

    @abstractmethod
    def region_features(self, view: SeenAs, boxes: FloatArray) -> tuple[Array, Array]:
        """Return pool5 (R, D5) and fc7 (R, D7) of regions `boxes` (R, 4), as `judge` sees them."""

    def to(self, xp: Any) -> None:
        """Move network, SVMs and regressors to the array library `xp` (NumPy or CuPy)."""
        super().to(xp)
        self.svms.to(xp)
        self.regressors.to(xp)

    def all_arrays(self) -> dict[str, HostArray]:
        """Return the parameters of network, SVMs and regressors, as `state` holds them."""
        linear = {
            "svm.weight": self.svms.coef_,
            "svm.bias": self.svms.intercept_,
            "bbox.weight": self.regressors.weight,
            "bbox.bias": self.regressors.bias,
        }
        return self.network_arrays() | {name: to_host(array) for name, array in linear.items()}

    @staticmethod
    def linear_fields(arrays: Mapping[str, HostArray]) -> dict[str, Any]:
        """Return SVMs and regressors of what `all_arrays` returned, by the names of the detector's fields."""
        return {
            "svms": LinearSVMs.from_weights(arrays["svm.weight"], arrays["svm.bias"]),
            "regressors": BoxRegressors(arrays["bbox.weight"], arrays["bbox.bias"]),
        }
