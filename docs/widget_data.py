"""What the widgets show, made by the package while the site is built."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from minircnn import SelectiveSearch, build_backbone
from minircnn.heads import MiningSettings, mine_and_train
from minircnn.nn import LocalResponseNorm, ReLU
from minircnn.structures import ImageArray


def shrunk(image: ImageArray, width: int) -> ImageArray:
    """Return the photo (H, W, 3), `width` pixels wide."""
    height = round(len(image) * width / image.shape[1])
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def photo(image: ImageArray) -> dict[str, Any]:
    """Return the photo (H, W, 3) as a widget wants it: a JPEG inside the page, and its size."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=75)
    source = f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
    return {"src": source, "width": image.shape[1], "height": image.shape[0]}


def merge_tree(image: ImageArray) -> dict[str, Any]:
    """Return the tree of the first strategy on a photo (H, W, 3), for ``merge-tree``."""
    tree = SelectiveSearch("single").search(image).hierarchies[0]
    flat = tree.labels.ravel()
    begins = np.flatnonzero(np.diff(flat, prepend=-1))
    lengths = np.diff(begins, append=len(flat))
    return {
        "photo": photo(image),
        "runs": np.stack([flat[begins], lengths], axis=1).ravel(),
        "children": tree.children,
        "boxes": tree.boxes.astype(int),
        "size": tree.size.astype(int),
        "terms": tree.terms.round(6),
    }


def windows(name: str) -> list[dict[str, Any]]:
    """Return the windows that lead from photos to the map of a backbone, for ``receptive-field``.

    Raises
    ------
    ValueError
        If the network branches, so that its layers are no single row of windows.
    """
    found = []
    for label, layer in build_backbone(name).features.children():
        window = getattr(layer, "geometry", layer)
        if hasattr(window, "kernel_size"):
            ceil = bool(getattr(window, "ceil_mode", False))
            sides = {"kernel": window.kernel_size, "stride": window.stride, "padding": window.padding}
            found.append({**sides, "ceil": ceil})
        elif not isinstance(layer, ReLU | LocalResponseNorm):
            raise ValueError(f"{name}: {label} is neither a window nor a function of single cells")
    return found


def mining(num_photos: int = 6, seed: int = 0) -> dict[str, Any]:
    """Mine among points in two dimensions; return points and rounds, for ``hard-negatives``."""
    rng = np.random.default_rng(seed)
    positives = rng.normal(1.3, 0.5, (12, 2)).round(3)
    photos = [rng.normal(-1.0, 1.2, (22, 2)).round(3) for _ in range(num_photos)]
    settings = MiningSettings(C=1.0, bias_feature=2.0, retrain_after=2, score_rows=1)
    states = []
    mined = mine_and_train(
        [positives],
        [(points, np.ones((len(points), 1), dtype=bool)) for points in photos],
        settings=settings,
        rng=rng,
        between=lambda state: states.append(state()),
    )
    rounds, trainings = [], 0
    for number, state in enumerate(states):
        svm = {"weight": state.weights[:, 0], "intercept": float(state.intercepts[0])}
        rounds.append({"photo": number, "svm": svm if len(state.trace) > trainings else None})
        trainings = len(state.trace)
    last = {"weight": mined.svms.coef_[0], "intercept": float(mined.svms.intercept_[0])}
    rounds.append({"photo": num_photos, "svm": last})
    return {
        "positives": positives,
        "negatives": np.concatenate(photos),
        "photos": np.repeat(np.arange(num_photos), [len(points) for points in photos]),
        "rounds": rounds,
        "hardAbove": settings.hard_above,
        "evictBelow": settings.evict_below,
        "reach": 5,
    }
