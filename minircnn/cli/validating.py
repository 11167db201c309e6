"""The options of ``minircnn train`` that try the detector on other photos while it is trained."""

# No deferred annotations here: the command line reads the fields of the options.
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter
from cyclopts.validators import Number

from minircnn.cli.errors import UsageError
from minircnn.data.opening import open_dataset
from minircnn.data.problems import OnBadBox, OnBadPhoto
from minircnn.data.splits import parse_split
from minircnn.training import TrainingRun, Validation
from minircnn.training.validation import LAST_FILE

VALIDATION = Group(
    "Validation",
    help="Of detectors that are one network, as Fast R-CNN. R-CNN and SPP-net are no detectors before their "
    "SVMs are fitted: measure them afterwards.",
    sort_key=40,
)
_PHOTOS = 200


@dataclass(frozen=True)
class ValidationOptions:
    """What was typed."""

    validate: Annotated[
        str | None,
        Parameter(
            help="Photos of the same data set, by list or share as in --split (val; val:0.2), or another "
            "COCO file (.json), to try the detector on while it is trained. model.safetensors is then the "
            "best of the detectors tried, last.safetensors the last; best.safetensors can be used meanwhile. "
            "mAP and AP of every class stand in validation.log.jsonl, curves.png shows them."
        ),
    ] = None
    validate_photos: Annotated[
        int,
        Parameter(validator=Number(gte=1), help="At most the first so many of them."),
    ] = _PHOTOS
    validate_every: Annotated[
        int | None,
        Parameter(
            validator=Number(gte=1),
            help="Updates between two validations. Default: a tenth of all; one more follows the last.",
        ),
    ] = None
    patience: Annotated[
        int | None,
        Parameter(
            validator=Number(gte=1),
            help="End the training after so many validations in a row without a better one. Default: never.",
        ),
    ] = None

    def stored(self) -> dict[str, Any]:
        """Return what a run keeps of these, to go on alike."""
        return {} if self.validate is None else asdict(self)

    def typed(self) -> dict[str, Any]:
        """Return the options as they would be typed."""
        return {
            **asdict(self),
            "validate_photos": None if self.validate_photos == _PHOTOS else self.validate_photos,
        }

    def plan(
        self,
        data: str,
        after: Callable[[], Any],
        *,
        on_bad_box: OnBadBox,
        on_bad_photo: OnBadPhoto,
        images: Path | None,
    ) -> Validation | None:
        """Return what they ask for, of the data set `data`; None where they ask for nothing.

        Raises
        ------
        UsageError
            If something is said of a validation that is not asked for.
        """
        if self.validate is None:
            self._refuse_details()
            return None
        other = _is_file(self.validate)
        if _is_file(data) and not other and not parse_split(self.validate).is_share:
            raise UsageError(
                f"--validate {self.validate}: {data} is one split by itself; name another COCO file, or a "
                "share (--split train:0.8 --validate val:0.2)"
            )
        dataset = open_dataset(
            self.validate if other else data,
            None if other else self.validate,
            on_bad_box=on_bad_box,
            on_bad_photo=on_bad_photo,
            images=images,
            limit=self.validate_photos,
        )
        return Validation(dataset, self.validate_every, self.patience, after)

    def _refuse_details(self) -> None:
        for name in ("validate_every", "patience"):
            if getattr(self, name) is not None:
                raise UsageError(
                    f"--{name.replace('_', '-')} is for a validation: name its photos, e.g. --validate val"
                )


def _is_file(word: str) -> bool:
    return word.lower().endswith(".json")


def validation_words(run: TrainingRun) -> list[str]:
    """Return what there is to say about the validations of a finished run."""
    seen = run.validation
    if seen is None:
        return []
    early = ", where training stopped as none was better for long" if seen.stopped else ""
    return [
        f"best: mAP {seen.best_map:.4f} at iteration {seen.best_iteration:,}, {run.model_path}",
        f"last: mAP {seen.last_map:.4f} at iteration {seen.last_iteration:,}{early}, "
        f"{run.model_path.with_name(LAST_FILE)}",
    ]
