"""Detectors on disk: one safetensors file with the arrays, and the settings as JSON in its header.

Nothing is pickled, so a file from a stranger can be read without running their code. A file is written
beside its final name and moved into place when complete: an interruption leaves the old file or the new
one, never half of one.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from minircnn.arrays import HostArray
from minircnn.backbones import Backbone, build_backbone
from minircnn.detectors.crops import RCNNNetwork, WarpSettings
from minircnn.detectors.fast_rcnn import FastRCNN, FastRCNNNetwork, ImageScale
from minircnn.detectors.postprocess import PostprocessSettings
from minircnn.detectors.rcnn import RCNN, BoxRegressors
from minircnn.heads.roi_head import compress
from minircnn.proposals import ProposalFile, Proposer, SelectiveSearch, SlidingWindow, Strategy

_PROPOSERS: dict[str, type[Any]] = {
    cls.__name__: cls for cls in (SelectiveSearch, SlidingWindow, ProposalFile)
}


class StorageError(ValueError):
    """A file that holds no detector or checkpoint this version can read."""


def write_bundle(path: Path, arrays: Mapping[str, HostArray], meta: Mapping[str, Any]) -> None:
    """Write `arrays` and the JSON-able `meta` to `path` atomically."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    payload = save(contiguous, metadata={"minircnn": json.dumps(meta)})
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_bundle(path: Path) -> tuple[dict[str, HostArray], dict[str, Any]]:
    """Read what `write_bundle` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    StorageError
        If the file is damaged or was not written by minircnn.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise StorageError(
            f"{path} is damaged or no safetensors file ({error}); train again or take a copy"
        ) from error
    if "minircnn" not in header:
        raise StorageError(f"{path} was not written by minircnn: its header holds no settings")
    return arrays, json.loads(header["minircnn"])


def describe_proposer(proposer: Proposer) -> dict[str, Any]:
    """Return the proposer's class and settings, ready for JSON."""
    if not dataclasses.is_dataclass(proposer) or type(proposer).__name__ not in _PROPOSERS:
        raise StorageError(f"a {type(proposer).__name__} cannot be stored; known are {sorted(_PROPOSERS)}")
    settings = json.dumps(dataclasses.asdict(proposer), default=str)  # default: a path becomes its name
    return {"type": type(proposer).__name__, "settings": json.loads(settings)}


def build_proposer(description: Mapping[str, Any]) -> Proposer:
    """Rebuild what `describe_proposer` described."""
    settings = _tuples(description["settings"])
    if settings.get("strategies") is not None:
        settings["strategies"] = tuple(Strategy(**strategy) for strategy in settings["strategies"])
    proposer: Proposer = _PROPOSERS[description["type"]](**settings)
    return proposer


def _tuples(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Undo JSON's turning of tuples into lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}


def save_detector(path: Path | str, detector: FastRCNN | RCNN) -> None:
    """Write a trained detector to `path`, atomically.

    Raises
    ------
    StorageError
        If its proposer is of an unknown class.
    """
    meta: dict[str, Any] = {
        "format": 1,
        "backbone": detector.network.backbone_name,
        "backbone_options": dict(detector.network.backbone_options),
        "class_names": list(detector.class_names),
        "proposer": describe_proposer(detector.proposer),
        "postprocess": dataclasses.asdict(detector.postprocess),
    }
    arrays = {f"network.{name}": array for name, array in detector.network.state_dict().items()}
    if isinstance(detector, FastRCNN):
        meta |= {
            "detector": "fast-rcnn",
            "scale": dataclasses.asdict(detector.scale),
            "region_batch": detector.region_batch,
        }
        arrays |= {"target_mean": detector.target_mean, "target_std": detector.target_std}
    else:
        meta |= {
            "detector": "rcnn",
            "warp": dataclasses.asdict(detector.warp),
        }
        arrays |= {"svm.weight": detector.svm_weight, "svm.bias": detector.svm_bias}
        if detector.box_regressors is not None:
            arrays |= {
                "bbox.weight": detector.box_regressors.weight,
                "bbox.bias": detector.box_regressors.bias,
            }
    write_bundle(Path(path), arrays, meta)


def load_detector(path: Path | str, *, svd: Mapping[str, int] | None = None) -> FastRCNN | RCNN:
    """Read a detector written by `save_detector`.

    Parameters
    ----------
    path : path
        The ``.safetensors`` file.
    svd : mapping of str to int, optional
        Fully connected layers to replace by a truncated SVD of this rank, e.g. ``{"fc6": 1024, "fc7": 256}``
        (Fast R-CNN, section 3.1).

    Raises
    ------
    FileNotFoundError, StorageError
        If the file is missing, damaged, or holds something else.
    """
    path = Path(path)
    arrays, meta = read_bundle(path)
    if meta.get("detector") not in ("fast-rcnn", "rcnn"):
        raise StorageError(f"{path} holds no detector (a training checkpoint? then name its model file)")
    backbone = build_backbone(meta["backbone"], **_tuples(meta["backbone_options"]))
    class_names = tuple(meta["class_names"])
    build = _load_fast_rcnn if meta["detector"] == "fast-rcnn" else _load_rcnn
    detector = build(arrays, meta, backbone, class_names)
    if svd:
        compress(detector.network.head, dict(svd))
    detector.network.eval()
    return detector


def _network_state(arrays: Mapping[str, HostArray]) -> dict[str, HostArray]:
    return {n.removeprefix("network."): a for n, a in arrays.items() if n.startswith("network.")}


def _load_fast_rcnn(
    arrays: Mapping[str, HostArray], meta: Mapping[str, Any], backbone: Backbone, class_names: tuple[str, ...]
) -> FastRCNN:
    network = FastRCNNNetwork(backbone, len(class_names))
    network.load_state_dict(_network_state(arrays))
    return FastRCNN(
        network,
        backbone.normalization,
        class_names,
        build_proposer(meta["proposer"]),
        arrays["target_mean"],
        arrays["target_std"],
        ImageScale(**meta["scale"]),
        PostprocessSettings(**meta["postprocess"]),
        **({"region_batch": meta["region_batch"]} if "region_batch" in meta else {}),
    )


def _load_rcnn(
    arrays: Mapping[str, HostArray], meta: Mapping[str, Any], backbone: Backbone, class_names: tuple[str, ...]
) -> RCNN:
    network = RCNNNetwork(backbone, len(class_names))
    network.load_state_dict(_network_state(arrays))
    regressors = (
        BoxRegressors(arrays["bbox.weight"], arrays["bbox.bias"]) if "bbox.weight" in arrays else None
    )
    return RCNN(
        network,
        backbone.normalization,
        class_names,
        build_proposer(meta["proposer"]),
        arrays["svm.weight"],
        arrays["svm.bias"],
        regressors,
        WarpSettings(**meta["warp"]),
        PostprocessSettings(**meta["postprocess"]),
    )
