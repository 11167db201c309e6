"""``minircnn reproduce``."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from minircnn.cli.errors import UsageError
from minircnn.cli.files import require_writable
from minircnn.cli.options import Jobs, Json, job_count
from minircnn.cli.output import note, print_json, table
from minircnn.cli.reproduce.bench import DEFAULT_PHOTOS, make_bench
from minircnn.cli.reproduce.page import experiment_page
from minircnn.data.opening import SCENES
from minircnn.experiments import EXPERIMENTS, RESULT, TIMES, Bench, Experiment, run_experiment, trials_of
from minircnn.experiments.running import Trial
from minircnn.experiments.tables import drawn_table, effect_table, result_table, what_was_run
from minircnn.files import write_text
from minircnn.progress import duration
from minircnn.training import BackboneSettings, TrainingInterrupted
from minircnn.training.feature_files import CacheError, NoRoomError
from minircnn.viz import draw_experiment, save_figure

_MAKE_ROOM = (
    "make room and give the same call again, or take fewer photos or proposals "
    "(--train-photos, --test-photos, --limit)"
)
ALL, LIST = "all", "list"
QUICK = "quick"
"""The folder of quick results, which must not take the place of others."""


def reproduce(
    name: Annotated[
        str, Parameter(help="An experiment, 'all' of them one after the other, or 'list' of what there is.")
    ] = LIST,
    /,
    *,
    quick: Annotated[bool, Parameter(negative="")] = False,
    seeds: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    data: str = SCENES,
    train: str = "train",
    test: str = "test",
    train_photos: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    test_photos: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    backbone: BackboneSettings | None = None,
    updates: Annotated[float | None, Parameter(validator=Number(gt=0, lte=10))] = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    out: Path = Path("reproduce"),
    jobs: Jobs = 0,
    json: Json = False,
) -> None:
    """Run a table of the papers again: our figures beside the published ones, with their uncertainty.

    On the built-in scenes nothing is needed but time. Every row is measured under several seeds; a difference
    that is smaller than the spread is not called one. What was measured is kept, so that the same call goes
    on where it was stopped, and experiments share what they train.

    For example:

        minircnn reproduce list

        minircnn reproduce multitask --quick

        minircnn reproduce multitask

        minircnn reproduce proposals --data VOC2007 --updates 0.2

    Next: open the page in a browser.

    Parameters
    ----------
    quick
        Few photos and updates, in seconds: to see that everything runs. The figures mean nothing, and lie in
        a folder of their own, 'quick'.
    seeds
        How many seeds, 0 first. Default: the experiment's own number on the scenes, else 1.
    data
        'scenes', a PASCAL VOC folder or a COCO instances file (.json).
    train, test
        Which photos to train on and to test on: lists, or shares as train:0.8 and val:0.2.
    train_photos, test_photos
        The first so many of them only.
    updates
        Times the preset's updates that networks are trained for: less is faster, and worse; 10 at most.
    limit
        Proposals of a photo, in the place of the preset's number.
    out
        Folder of the results; what experiments share is kept in its folder 'work'.
    """
    if name == LIST:
        _print_list(json=json)
        return
    chosen = list(EXPERIMENTS.values()) if name == ALL else [EXPERIMENTS[name]]
    if backbone is not None and backbone.weights is None:
        raise UsageError(
            "--backbone.weights is missing: without weights the presets' own network is trained from anew, "
            "which --backbone is left out for"
        )
    require_writable(out)
    bench = make_bench(
        quick=quick,
        data=data,
        splits=(train, test),
        photos=(train_photos, test_photos),
        backbone=backbone,
        updates=updates,
        limit=limit,
        folder=out / "work",
        jobs=job_count(jobs),
    )
    results = []
    for experiment in chosen:
        count = seeds or (experiment.seeds if data == SCENES and not quick else 1)
        own = out / QUICK / experiment.name if quick else out / experiment.name
        results.append(_run(experiment, bench, count, own, quiet=json))
    if json:
        print_json(results if name == ALL else results[0])


def _print_list(*, json: bool) -> None:
    if json:
        told = ("name", "title", "source", "teaches", "minutes")
        print_json([{key: getattr(each, key) for key in told} for each in EXPERIMENTS.values()])
        return
    for each in EXPERIMENTS.values():
        print(f"{each.name}  ({each.source}; about {duration(60 * each.minutes)} on two cores)")
        print(f"    {each.teaches}")
    note("less where another experiment has trained the same")
    note("run one: minircnn reproduce NAME; all of them in seconds each: minircnn reproduce all --quick")


def _run(experiment: Experiment, bench: Bench, count: int, out: Path, *, quiet: bool) -> dict[str, Any]:
    """Run one experiment under `count` seeds; write and print what it gave."""
    seeds = list(range(count))
    trials = trials_of(experiment, bench, seeds)
    missing = [trial for trial in trials if not trial.is_done]
    took = _expected(experiment, len(missing), len(trials) / count) if _is_usual(bench) else ""
    note(f"{experiment.name}: {len(trials)} trials, {len(missing)} of them still to be measured{took}")
    try:
        result, times = run_experiment(experiment, bench, seeds, before=_say)
    except TrainingInterrupted as stop:  # it names an option that this command does without
        raise TrainingInterrupted(f"{experiment.name} stopped; what was done is kept", stop.signum) from stop
    except CacheError as error:  # so does what it advises
        raise CacheError(error.what, _MAKE_ROOM if isinstance(error, NoRoomError) else "") from error
    for name, record in ((RESULT, result), (TIMES, times)):
        write_text(out / name, json_format.dumps(record, indent=1) + "\n")
    drawn = drawn_table(result, times, experiment)
    save_figure(draw_experiment(drawn, experiment.title, experiment.x_title), out / "plot.png")
    page = experiment_page(experiment, result, times).save(out / "page.html")
    if not quiet:
        _print(result, times, experiment)
    note(f"page: {page.resolve()}")
    return {"result": result, "times": times}


def _is_usual(bench: Bench) -> bool:
    """Return whether it is the one that the experiments' minutes are of."""
    photos = len(bench.train), len(bench.test)
    usual = bench.preset == "classroom" and photos == DEFAULT_PHOTOS
    return usual and bench.updates == 1 and bench.limit is None


def _expected(experiment: Experiment, missing: int, rows: float) -> str:
    """Return how long the missing trials take, in words."""
    minutes = experiment.minutes * missing / (rows * experiment.seeds)
    return f", about {duration(60 * minutes)} on two cores" if missing else ""


def _say(number: int, count: int, trial: Trial) -> None:
    note(f"{number}/{count} {trial.row.title}, seed {trial.seed}")


def _print(result: dict[str, Any], times: dict[str, Any], experiment: Experiment) -> None:
    print(table(*result_table(result, times)))
    header, effects = effect_table(result, times)
    if effects:
        print(f"\n{table(header, effects)}")
    print("\n" + "\n".join(what_was_run(result, experiment)))
