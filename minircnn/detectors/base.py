"""The one way every detector works: look → propose → judge → decide.

What is done once per photo and what once per region is the whole story of these detectors, so it is their
form: ``look`` is the work of a photo, ``judge`` that of a region, and only these two differ from detector to
detector.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from minircnn.arrays import Array, Device, HostArray, device_namespace, to_host
from minircnn.checks import Refused, checked, class_names, instance, optional, record, require, whole
from minircnn.detectors.postprocess import PostprocessSettings, select_detections
from minircnn.imaging import as_image
from minircnn.kernels.split import split
from minircnn.profiling import stage
from minircnn.proposals import Proposer, as_proposals, build_proposer, describe_proposer
from minircnn.registry import Registry
from minircnn.structures import Detections, FloatArray, ImageArray, IntArray

DETECTORS: Registry[type[RegionDetector[Any]]] = Registry("detector")
"""Every kind of detector by its name."""

Class = TypeVar("Class", bound="type[RegionDetector[Any]]")
Detector = TypeVar("Detector", bound="RegionDetector[Any]")


def register(name: str) -> Any:
    """Return a decorator that makes a class known as the detector `name`, to commands and in files."""

    def enter(detector: Class) -> Class:
        detector.name = name
        return DETECTORS.register(name)(detector)

    return enter


@dataclass(frozen=True)
class View:
    """What a detector has seen of a photo; each adds what it makes of it, once per photo."""

    image: ImageArray
    """(H, W, 3) uint8 RGB."""

    def __post_init__(self) -> None:
        as_image(self.image)


SeenAs = TypeVar("SeenAs", bound=View)


class RegionDetector(ABC, Generic[SeenAs]):
    """A trained detector: a photo in, labelled boxes out.

    Attributes
    ----------
    class_names : tuple of str
        The K foreground classes.
    proposer : Proposer or None
        None: the detector proposes regions itself, as only some kinds can.
    postprocess : PostprocessSettings
    batch : int
        Regions judged at once: with the photo's size it bounds the memory of ``detect``.
    """

    name: ClassVar[str]
    """In files and on the command line."""
    title: ClassVar[str]
    """As the papers write it."""
    usual_min_score: ClassVar[float]
    """The score from which a detection is worth showing."""
    proposes: ClassVar[bool] = False
    """Whether it can propose regions from its own view; such a kind has a ``propose`` of its own."""
    on_gpu: ClassVar[bool] = False
    """Whether it can run on a GPU; such a kind has a ``to`` of its own."""

    class_names: tuple[str, ...]
    proposer: Proposer | None
    postprocess: PostprocessSettings
    batch: int

    def __post_init__(self) -> None:
        """Check what every detector is made of; heirs with a constructor of their own call it at its end.

        It is called again before detecting and saving, since parts may be exchanged.

        Raises
        ------
        ValueError
            Naming the first part that makes no sense.
        """
        proposer = optional(_proposer) if self.proposes else _proposer
        require(self, "", class_names=class_names, proposer=proposer, batch=whole(1))
        require(self, "", postprocess=instance(PostprocessSettings))

    @np.errstate(over="ignore", invalid="ignore")  # what overflows is found at the end, and said in words
    def detect(
        self,
        image: ImageArray,
        *,
        proposals: FloatArray | None = None,
        image_id: str = "",
        keep_image: bool = True,
    ) -> Detections:
        """Find the objects in a photo.

        Parameters
        ----------
        image : (H, W, 3) uint8 array
            RGB.
        proposals : (R, 4) float array, optional
            Candidate boxes in pixels of `image`, and inside it; default: the detector's own.
        image_id : str
            Handed to the proposer, for proposers that look boxes up by photo.
        keep_image : bool
            Let the result hold on to `image`, to be shown with it in a notebook.

        Returns
        -------
        Detections
            Best score first.

        Raises
        ------
        ValueError
            If `image` is no photo, a proposal no box in it, a part of the detector was exchanged for one that
            does not fit, or its numbers are too large to be computed with.
        """
        self.__post_init__()
        height, width = as_image(image).shape[:2]
        photo, least = image if keep_image else None, self.usual_min_score
        if proposals is not None:
            proposals = as_proposals(proposals, (height, width))
            if len(proposals) == 0:
                return replace(Detections.empty(self.class_names), image=photo, shown_from=least)
        view = self.look(image)
        if proposals is None:
            proposals = self.propose(view, image_id)
        scores, boxes = self.judge_in_batches(view, proposals)
        return replace(self.decide(view, scores, boxes), image=photo, shown_from=least)

    @abstractmethod
    def look(self, image: ImageArray) -> SeenAs:
        """Do what is done once per photo."""

    @stage("proposals")
    def propose(self, view: SeenAs, image_id: str = "") -> FloatArray:
        """Return the regions (R, 4) to judge, in pixels of the photo.

        Heirs that find them in their view override it for where there is no proposer.
        """
        proposer: Proposer = checked("proposer", self.proposer, _proposer)
        return proposer.propose(view.image, image_id=image_id)

    @property
    def proposal_source(self) -> str:
        """Where the regions come from, in words that begin a sentence: ``Selective search``."""
        if self.proposer is None:
            return f"{self.title} itself"
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(self.proposer).__name__).capitalize()

    @abstractmethod
    def judge(self, view: SeenAs, boxes: FloatArray) -> tuple[Array, Array]:
        """Do what is done once per region, for regions (R, 4): return scores (R, K) and boxes (R, K, 4)."""

    def judge_in_batches(self, view: SeenAs, proposals: FloatArray) -> tuple[HostArray, HostArray]:
        """Return the scores (R, K) and boxes (R, K, 4) of all `proposals` (R, 4), judged batch by batch.

        They are on the host, wherever the detector lives.

        Raises
        ------
        ValueError
            If a proposal is no box in the photo, or a part of the detector was exchanged for one that does
            not fit.
        """
        self.__post_init__()
        height, width = view.image.shape[:2]
        proposals = as_proposals(proposals, (height, width))
        if len(proposals) == 0:
            classes = len(self.class_names)
            return np.zeros((0, classes), np.float32), np.zeros((0, classes, 4), np.float32)
        batches = self.batches(view, proposals)
        parts = [map(to_host, self.judge(view, proposals[some])) for some in batches]
        place = np.argsort(np.concatenate(batches))  # (R,), back to the order of the proposals
        scores, boxes = (np.concatenate(part) for part in zip(*parts, strict=True))
        return np.take(scores, place, axis=0), np.take(boxes, place, axis=0)

    def batches(self, view: SeenAs, proposals: FloatArray) -> list[IntArray]:
        """Return which of `proposals` (R, 4) are judged together: `batch` at a time, each once."""
        return [np.arange(some.start, some.stop) for some in split(len(proposals), size=self.batch)]

    def decide(self, view: SeenAs, scores: HostArray, boxes: HostArray) -> Detections:
        """Clip the boxes (R, K, 4) and suppress, class by class, those that a better one overlaps."""
        return select_detections(scores, boxes, view.image.shape[:2], self.class_names, self.postprocess)

    def passes(self, regions: float) -> float:
        """Return how often the convolutional layers run for a photo with so many regions."""
        return 0.0

    def to(self, xp: Any) -> None:
        """Move the detector's arrays to the array library `xp` (NumPy or CuPy)."""
        if xp is not np:
            self.require_device("cuda")

    @classmethod
    def require_device(cls, device: Device) -> None:
        """Raise, before any work is done, unless detectors of this kind can run on `device` here.

        Raises
        ------
        ValueError
            If they run on the CPU alone.
        RuntimeError
            If there is no such device, or no library for it.
        """
        if device != "cpu" and not cls.on_gpu:
            raise ValueError(f"{cls.title} runs on the CPU: leave --device cpu")
        device_namespace(device)

    def compress(self, ranks: Mapping[str, int]) -> None:
        """Replace fully connected layers by their truncated SVD of these ranks (Fast R-CNN, section 3.1)."""
        raise ValueError(f"{self.title} has no fully connected layers to compress")

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], dict[str, HostArray]]:
        """Return all that a file must hold: settings, ready for JSON, and arrays by name."""

    @classmethod
    @abstractmethod
    def from_state(
        cls: type[Detector], settings: Mapping[str, Any], arrays: Mapping[str, HostArray]
    ) -> Detector:
        """Return the detector that `state` described."""

    def common_settings(self) -> dict[str, Any]:
        """Return the settings of every detector, as `state` holds them."""
        return {
            "class_names": list(self.class_names),
            "proposer": None if self.proposer is None else describe_proposer(self.proposer),
            "postprocess": asdict(self.postprocess),
            "batch": self.batch,
        }

    @staticmethod
    def common_fields(settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return what `common_settings` described, by the names of the detector's fields."""
        proposer = settings["proposer"]
        return {
            "class_names": settings["class_names"],
            "proposer": None if proposer is None else build_proposer(proposer),
            "postprocess": record(PostprocessSettings, settings["postprocess"], "postprocess"),
            "batch": settings["batch"],
        }


def _proposer(value: Any) -> Any:
    """Rule: what proposes."""
    if not callable(getattr(value, "propose", None)):
        raise Refused("a proposer")
    return value
