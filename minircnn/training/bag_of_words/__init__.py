"""Training a detector by visual words: a vocabulary, the words of all photos, SVMs in rounds."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from minircnn import files
from minircnn.data.digest import photo_digest
from minircnn.detectors.bag_of_words import BagOfWords
from minircnn.features import DenseSiftSettings, SpatialPyramidSettings, Vocabulary
from minircnn.heads import LinearSVMs
from minircnn.proposals import ProposalSettings, Proposer
from minircnn.structures import BoolArray, DetectionDataset
from minircnn.training.bag_of_words.estimating import estimate_bag_of_words
from minircnn.training.bag_of_words.rounds import Material, train_rounds
from minircnn.training.bag_of_words.settings import BagOfWordsSettings, VocabularySettings, WordSVMSettings
from minircnn.training.bag_of_words.vocabulary import make_vocabulary, vocabulary_key
from minircnn.training.bag_of_words.word_files import WordFiles
from minircnn.training.checkpoint import CheckpointClock
from minircnn.training.kept_part import KeptPart
from minircnn.training.presets import QUICK_PROPOSALS, SCENE_PROPOSALS
from minircnn.training.recipe import Recipe, TrainingJob, add_recipe
from minircnn.training.regions import PhotoReader, RegionRecord, region_records
from minircnn.training.settings import as_json

__all__ = [
    "BAG_OF_WORDS_PRESETS",
    "BagOfWordsSettings",
    "VocabularySettings",
    "WordSVMSettings",
    "train_bag_of_words",
]

TRACE_FILE = "bag-of-words.trace.jsonl"
"""In the folder of a run: one line for the vocabulary, one for each round."""


def train_bag_of_words(job: TrainingJob[BagOfWordsSettings]) -> BagOfWords:
    """Make the three parts one after the other: the vocabulary, the words of all photos, the SVMs."""
    settings, progress = job.settings, job.loop.progress
    records = region_records(job.dataset, job.proposals)
    photos, digests = PhotoReader(job.dataset), _digests(job)

    def keep(part: str, key: str) -> KeptPart:
        written = CheckpointClock(job.loop.checkpoint_seconds, job.loop.clock)
        return KeptPart(job.folder / f"{job.loop.name}.{part}.safetensors", key, written)

    key = vocabulary_key(settings, digests)
    vocabulary, inertia = make_vocabulary(
        photos, settings, keep("vocabulary", key), n_jobs=job.n_jobs, progress=progress
    )
    detector = new_detector(job.dataset.class_names, job.proposer, vocabulary, settings)
    words = WordFiles(detector, photos, digests, job.folder / "words")
    mirrored = settings.flip and job.dataset.flippable
    words.compute(mirrored=mirrored, n_jobs=job.n_jobs, progress=progress)
    about = {"stage": "vocabulary", "words": len(vocabulary), "inertia": inertia}

    def report(rounds: list[dict[str, Any]]) -> None:
        lines = "".join(json.dumps(line) + "\n" for line in [about, *rounds])
        files.write_text(job.folder / TRACE_FILE, lines)

    report([])
    svms = train_rounds(
        Material(words, records, _present(job.dataset), mirrored),
        settings.svm,
        seed=settings.seed,
        progress=progress,
        keep=keep("svms", _rounds_key(settings, vocabulary, digests, records)),
        report=report,
    )
    return dataclasses.replace(detector, svms=svms)


def new_detector(
    class_names: Sequence[str],
    proposer: Proposer | None,
    vocabulary: Vocabulary,
    settings: BagOfWordsSettings,
) -> BagOfWords:
    """Return a detector that has words and knows no class yet."""
    dim = settings.pyramid.length(len(vocabulary))
    return BagOfWords(
        vocabulary,
        tuple(class_names),
        proposer,
        LinearSVMs.none(len(class_names), dim),
        settings.dense,
        settings.pyramid,
        settings.max_side,
        settings.postprocess,
        settings.batch,
    )


def _digests(job: TrainingJob[BagOfWordsSettings]) -> list[str]:
    if job.loop.data is not None:
        return list(job.loop.data.digests)
    return [photo_digest(job.dataset, i) for i in range(len(job.dataset.image_ids))]


def _present(dataset: DetectionDataset) -> list[BoolArray]:
    """Return per photo which classes it shows (K,), difficult objects too."""
    present = []
    for index in range(len(dataset.image_ids)):
        own = np.zeros(len(dataset.class_names), np.bool_)
        own[dataset.annotations(index).labels - 1] = True
        present.append(own)
    return present


def _rounds_key(
    settings: BagOfWordsSettings,
    vocabulary: Vocabulary,
    digests: Sequence[str],
    records: Sequence[RegionRecord],
) -> str:
    """Return a digest of all that the SVMs depend on."""
    digest = hashlib.sha256(json.dumps([as_json(settings), list(digests)], sort_keys=True).encode())
    digest.update(np.ascontiguousarray(vocabulary.centers).tobytes())
    for record in records:
        digest.update(record.boxes.tobytes() + np.ascontiguousarray(record.gt_labels).tobytes())
    return digest.hexdigest()


_SCENES = BagOfWordsSettings(
    proposals=SCENE_PROPOSALS,
    dense=DenseSiftSettings(step=3, cells=(2.5, 4.0, 6.0)),
    vocabulary=VocabularySettings(size=200, descriptors=40_000, photos=200, steps=15),
    pyramid=SpatialPyramidSettings(levels=(1, 3)),
    svm=WordSVMSettings(tol=0.01, hard_per_photo=2),
)

BAG_OF_WORDS_PRESETS: dict[str, BagOfWordsSettings] = {
    "paper": BagOfWordsSettings(
        dense=DenseSiftSettings(step=1, cells=(4.0,), blur=1.2, color="opponent", root=False),
        pyramid=SpatialPyramidSettings(levels=(1, 2, 3, 4), kernel="intersection"),
    ),
    "small": BagOfWordsSettings(
        proposals=ProposalSettings(limit=1000),
        dense=DenseSiftSettings(step=4, cells=(4.0, 8.0, 16.0)),
        vocabulary=VocabularySettings(size=400, descriptors=100_000, photos=500, steps=30),
        pyramid=SpatialPyramidSettings(levels=(1, 2)),
    ),
    "scenes": _SCENES,
    "classroom": dataclasses.replace(
        _SCENES, vocabulary=VocabularySettings(size=100, descriptors=20_000, photos=80, steps=10)
    ),
    "scenes-quick": dataclasses.replace(
        _SCENES,
        proposals=QUICK_PROPOSALS,
        dense=DenseSiftSettings(step=3, cells=(3.0, 5.0)),
        vocabulary=VocabularySettings(size=60, descriptors=5_000, photos=60, steps=8),
        svm=WordSVMSettings(rounds=1),
    ),
}

add_recipe(
    Recipe(
        "bag-of-words",
        BagOfWordsSettings,
        BAG_OF_WORDS_PRESETS,
        train_bag_of_words,
        """Train a detector by visual words: no network, three parts.

        k-means makes a vocabulary of the dense SIFT descriptors of the photos. Each patch of every photo is
        replaced by its nearest word; these words are kept on disk. One linear SVM per class is trained on the
        histograms of words in regions, first against the surroundings of its objects, then in rounds against
        what it mistakes for them. Ctrl-C keeps the vocabulary, the words and all finished rounds.
        """,
        validates=False,  # there is no detector before the SVMs are trained
        estimate=estimate_bag_of_words,
    )
)
