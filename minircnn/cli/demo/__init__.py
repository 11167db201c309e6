"""``minircnn demo``."""

from __future__ import annotations

import dataclasses
import json as json_format
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from minircnn.cli.demo.contest import (
    Contestant,
    Trained,
    measure,
    measure_windows,
    seconds_to_propose,
    train_or_reuse,
)
from minircnn.cli.demo.report import HEADER, PHOTOS, comparison_rows, demo_report
from minircnn.cli.files import refuse_to_overwrite, require_writable
from minircnn.cli.options import DeviceName, Jobs, Json, Seed, job_count, require_device
from minircnn.cli.output import note, print_json, table
from minircnn.data import Scenes
from minircnn.data.opening import FirstPhotos
from minircnn.detectors import DETECTORS, NetworkDetector
from minircnn.files import write_text
from minircnn.imaging import write_image
from minircnn.proposals import Proposer
from minircnn.structures import FloatArray
from minircnn.training import RECIPES, DetectorSettings, compute_proposals

_SAVED_PHOTOS = 8


@dataclass(frozen=True)
class Plan:
    """How much the demonstration does.

    Parameters
    ----------
    settings : list of DetectorSettings
        Of the detectors to train.
    train_photos, test_photos : int
    window_photos : int
        Test photos on which every window is judged: a few, since that is what takes so long.
    """

    settings: list[DetectorSettings]
    train_photos: int
    test_photos: int
    window_photos: int


def make_plan(*, quick: bool, seed: int, classical: bool = False) -> Plan:
    """Return the whole demonstration, or the quick one: every detector that has a preset for the scenes.

    Those without a network come after the others, and only where `classical` ones are wanted.
    """
    name = "scenes-quick" if quick else "scenes"
    known = [recipe for recipe in RECIPES.values() if name in recipe.presets]
    recipes = [recipe for recipe in known if issubclass(DETECTORS[recipe.name], NetworkDetector)]
    if classical:
        recipes += [recipe for recipe in known if recipe not in recipes]
    presets = [recipe.presets[name] for recipe in recipes]
    photos = (40, 20, 2) if quick else (400, 200, 8)
    return Plan([dataclasses.replace(preset, seed=seed) for preset in presets], *photos)


def demo(
    *,
    quick: Annotated[bool, Parameter(negative="")] = False,
    classical: Annotated[bool, Parameter(name="--all", negative="")] = False,
    out: Path = Path("minircnn-demo"),
    resume: Annotated[bool, Parameter(negative="")] = False,
    jobs: Jobs = 0,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
) -> None:
    """Train all detectors on built-in data, compare them, and write a report with pictures.

    The data are handwritten digits on crops of photos; nothing is downloaded. All detectors start from random
    weights and get the same photos, and the same proposals unless they make their own; then the one that
    looks at every region by itself is also slid over every window. The table shows what the lecture says: the
    same task, ever fewer passes through the CNN.

    For example:

        minircnn demo --quick

    Next: open the report in a browser; it ends with the commands to go on with.

    Parameters
    ----------
    quick
        Fewer photos and updates: two to four minutes instead of ten, and worse detectors.
    classical
        Those that came before the networks, too, on the same photos: features made by hand.
    out
        Folder of the runs, the report and result.json.
    resume
        Go on with what is in the folder: finished trainings are taken, a stopped one is continued.
    """
    require_device(device)
    start, plan, workers = (
        time.perf_counter(),
        make_plan(quick=quick, seed=seed, classical=classical),
        job_count(jobs),
    )
    page_path, result_path = out / "report.html", out / "result.json"
    _refuse_used_folder(out, resume=resume)
    refuse_to_overwrite([page_path, result_path], overwrite=True)
    require_writable(out)
    train_photos = Scenes("train", count=plan.train_photos)
    test_photos = Scenes("test", count=plan.test_photos)
    runs, parts = {}, len(plan.settings) + 2
    for number, settings in enumerate(plan.settings, start=1):
        name = settings.detector
        note(f"{number}/{parts} training {name} on {len(train_photos)} scenes")
        runs[name] = train_or_reuse(
            train_photos,
            settings,
            out / name,
            proposals=out / "proposals",
            resume=resume,
            device=device,
            jobs=workers,
        )
    note(f"{parts - 1}/{parts} testing on {len(test_photos)} other scenes")
    contestants = _contest(list(runs.values()), test_photos, plan, out, workers)
    note(f"{parts}/{parts} writing the report")
    page = demo_report(contestants, list(runs.values()), test_photos, quick=quick)
    page.save(page_path)
    (out / PHOTOS).mkdir(exist_ok=True)
    for index in range(min(_SAVED_PHOTOS, len(test_photos))):
        photo = out / PHOTOS / f"{test_photos.image_ids[index]}.png"
        if not photo.exists():  # always the same
            write_image(photo, test_photos.image(index))
    result = {
        "seconds": time.perf_counter() - start,
        "quick": quick,
        "seed": seed,
        "rows": [contestant.to_record() for contestant in contestants],
    }
    write_text(result_path, json_format.dumps(result, indent=2) + "\n")
    _print_result(result, contestants, json=json)
    note(f"{result['seconds']:.0f} s in all\nreport: {page_path.resolve()}")


def _refuse_used_folder(out: Path, *, resume: bool) -> None:
    """Refuse a folder that this command did not make, and one that it did unless it is to go on there."""
    if not out.is_dir() or not any(out.iterdir()):
        return
    ours = any((out / name).exists() for name in (*RECIPES, "proposals"))
    if not ours:
        raise FileExistsError(f"{out} is not empty: name another folder with --out")
    if not resume:
        raise FileExistsError(f"{out} is not empty: go on with --resume, or name another folder with --out")


def _contest(runs: list[Trained], test_photos: Scenes, plan: Plan, out: Path, jobs: int) -> list[Contestant]:
    """Measure all detectors on all test photos.

    The one that runs the CNN most often then meets the sliding window, on the first few photos.
    """
    measured = _measure_all(runs, test_photos, out / "proposals", jobs)
    slowest = max(range(len(runs)), key=lambda i: measured[i].passes)
    few = FirstPhotos(test_photos, plan.window_photos)
    return [*measured, measured[slowest].first(len(few)), measure_windows(runs[slowest], few)]


def _measure_all(runs: list[Trained], dataset: Scenes, folder: Path, jobs: int) -> list[Contestant]:
    """Measure each detector with the proposals it wants, kept in `folder`; each source is asked once."""
    made: dict[Proposer | None, tuple[list[FloatArray] | None, float]] = {None: (None, 0.0)}
    measured = []
    for run in runs:
        proposer = run.detector.proposer
        if proposer is not None and proposer not in made:
            boxes = compute_proposals(dataset, proposer, folder=folder, n_jobs=jobs)
            made[proposer] = boxes, seconds_to_propose(proposer, dataset)
        proposals, took = made[proposer]
        measured.append(
            measure(
                run.detector.title,
                run.detector,
                dataset,
                proposals,
                training_seconds=run.seconds,
                proposal_seconds=took,
            )
        )
    return measured


def _print_result(result: dict[str, Any], contestants: list[Contestant], *, json: bool) -> None:
    if json:
        print_json(result)
    else:
        print(table(HEADER, comparison_rows(contestants)))
