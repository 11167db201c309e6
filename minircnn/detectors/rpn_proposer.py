"""The region proposal network of a trained Faster R-CNN, as a source of proposals like any other."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minircnn.checks import require, whole
from minircnn.detectors.faster_rcnn import FasterRCNN
from minircnn.detectors.storage import MODEL_FILE, load_detector
from minircnn.proposals import ProposalSettings
from minircnn.proposals import base as proposals
from minircnn.structures import FloatArray, ImageArray


@proposals.register("rpn")
@dataclass(frozen=True)
class RegionProposalNetwork:
    """Propose what a trained Faster R-CNN would judge.

    So its boxes can be measured beside selective search's, drawn, saved, and given to other detectors, as in
    the paper's table 2.

    Parameters
    ----------
    path : str or Path
        The Faster R-CNN's file, or the folder of its run.
    limit : int
        At most this many boxes a photo, best first.

    Raises
    ------
    ValueError
        If the detector is no Faster R-CNN.
    OSError, StorageError
        If there is none.
    """

    path: str | Path
    limit: int = 300
    _detector: FasterRCNN = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require(self, "RegionProposalNetwork", limit=whole(1))
        path = Path(self.path)
        detector: Any = load_detector(path / MODEL_FILE if path.is_dir() else path)
        if not isinstance(detector, FasterRCNN):
            raise ValueError(
                f"{path} is a {detector.title}: only a Faster R-CNN has a region proposal network"
            )
        proposing = dataclasses.replace(detector.proposing, top_after=self.limit)
        object.__setattr__(
            self, "_detector", dataclasses.replace(detector, proposing=proposing, proposer=None)
        )

    @classmethod
    def from_settings(cls, settings: ProposalSettings, seed: int) -> RegionProposalNetwork:
        """Return the network of the detector that `settings` name."""
        if settings.path is None:
            raise ValueError(
                "proposals of a region proposal network need a Faster R-CNN (--proposals.path RUN)"
            )
        return cls(settings.path, settings.limit)

    def propose(self, image: ImageArray, *, image_id: str = "") -> FloatArray:
        """Return the (R, 4) boxes of a photo, best first."""
        return self._detector.propose(self._detector.look(image), image_id)
