"""The vocabulary of a training: descriptors drawn from its photos, and the centres that k-means finds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import delayed

from minircnn.detectors.bag_of_words import shrunk
from minircnn.features import Vocabulary, dense_sift, k_means
from minircnn.profiling import stage
from minircnn.progress import progress_bar, watched
from minircnn.training.bag_of_words.settings import BagOfWordsSettings
from minircnn.training.kept_part import KeptPart
from minircnn.training.regions import PhotoReader
from minircnn.training.settings import as_json
from minircnn.workers import run_tasks

Float32 = npt.NDArray[np.float32]


def vocabulary_key(settings: BagOfWordsSettings, digests: Sequence[str]) -> str:
    """Return a digest of all that a vocabulary depends on."""
    own = {
        "dense": as_json(settings.dense),
        "vocabulary": as_json(settings.vocabulary),
        "max_side": settings.max_side,
        "seed": settings.seed,
        "photos": list(digests),
    }
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()


@stage("vocabulary")
def make_vocabulary(
    photos: PhotoReader,
    settings: BagOfWordsSettings,
    keep: KeptPart,
    *,
    n_jobs: int = 1,
    progress: bool = True,
) -> tuple[Vocabulary, list[float]]:
    """Return the vocabulary, and the inertia before each step of k-means and at the end.

    Parameters
    ----------
    keep : KeptPart
        Where to go on, and to keep how far k-means has come.

    Raises
    ------
    ValueError
        If the photos have fewer descriptors than there are to be words.
    """
    before: list[float] = []
    start: Float32 | None = None
    if (kept := keep.read()) is not None:
        start, before = kept[0]["centers"], kept[1]["inertia"]
        if kept[1]["done"]:
            return Vocabulary(start), before
    samples = sample_descriptors(photos, settings, n_jobs=n_jobs, progress=progress)
    size, first = settings.vocabulary.size, len(before)
    if len(samples) < size:
        raise ValueError(
            f"the photos have {len(samples):,} descriptors, too few for {size:,} words: "
            f"--vocabulary.size {max(2, len(samples) // 10)}, or a smaller --dense.step"
        )
    inertia = list(before)
    with progress_bar(
        show=progress, total=settings.vocabulary.steps, initial=first, desc="k-means", unit="step"
    ) as bar:

        def note(step: int, value: float, centres: Float32) -> None:
            if keep.due():
                keep.write({"centers": centres}, {"done": False, "inertia": list(inertia)})
            inertia.append(value)
            bar.update()

        found = k_means(
            samples,
            size,
            rng=np.random.default_rng([settings.seed, 1]),
            most_steps=settings.vocabulary.steps - first,
            start=start,
            progress=note,
        )
    inertia.append(found.inertia[-1])
    keep.write({"centers": found.centers}, {"done": True, "inertia": inertia})
    return Vocabulary(found.centers), inertia


def sample_descriptors(
    photos: PhotoReader, settings: BagOfWordsSettings, *, n_jobs: int = 1, progress: bool = True
) -> Float32:
    """Return descriptors (n, D) of random patches, as many of each photo, about `vocabulary.descriptors`."""
    count = len(photos.dataset.image_ids)
    rng = np.random.default_rng([settings.seed, 0])
    chosen = np.sort(rng.permutation(count)[: settings.vocabulary.photos])
    each = -(-settings.vocabulary.descriptors // len(chosen))
    tasks = (delayed(_sample)(photos, int(index), settings, each) for index in chosen)
    drawn = watched(
        run_tasks(tasks, n_jobs), title="descriptors", unit="photo", total=len(chosen), show=progress
    )
    samples: Float32 = np.concatenate(list(drawn))
    return samples


def _sample(photos: PhotoReader, index: int, settings: BagOfWordsSettings, count: int) -> Float32:
    """Return up to `count` descriptors of photo `index`."""
    image, _ = shrunk(photos.read(index), settings.max_side)
    descriptors = dense_sift(image, settings.dense)[0].reshape(-1, settings.dense.length)
    rng: Any = np.random.default_rng([settings.seed, 0, index])
    some: Float32 = descriptors[rng.permutation(len(descriptors))[:count]]
    return some
