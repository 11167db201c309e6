"""Running an experiment: trial by trial, each kept as soon as it is done, then the table and its effects."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import minircnn
from minircnn.experiments.base import Column, Effect, Experiment, Row
from minircnn.experiments.bench import Bench, digest
from minircnn.experiments.spread import compare, mean_and_spread
from minircnn.files import read_json, write_text
from minircnn.training import as_json
from minircnn.training.code_digest import code_digest, digest_of_files

RESULT, TIMES = "result.json", "times.json"
"""The files of a result: what the same seeds give again byte for byte, and what no two runs give alike."""

_WORDS = {"spread.py", "tables.py"}
"""Modules that tell what was measured, and change none of it."""
_SESSION = uuid.uuid4().hex


@dataclass(frozen=True)
class Trial:
    """One row under one seed."""

    row: Row
    seed: int
    path: Path
    """Where its measurement is kept."""

    @property
    def is_done(self) -> bool:
        """Whether it was measured, now or by an earlier call."""
        return self.path.is_file()


def trials_of(experiment: Experiment, bench: Bench, seeds: Sequence[int]) -> list[Trial]:
    """Return the trials of an experiment, all rows under the first seed first."""
    rows = experiment.rows(bench)
    key = {
        "experiment": experiment.name,
        "code": [code_digest(), _own_code(experiment)],
        "data": [bench.fingerprint(data) for data in (bench.train, bench.test)],
        "bench": [bench.quick, bench.updates, bench.preset, bench.limit],
        "backbone": None if bench.backbone is None else as_json(bench.backbone),
        "weights": bench.weights_digest(),
    }
    folder = bench.folder / "trials" / experiment.name
    return [
        Trial(row, seed, folder / f"{digest({**key, 'row': row.name, 'seed': seed})}.json")
        for seed in seeds
        for row in rows
    ]


def _own_code(experiment: Experiment) -> str:
    """Return a digest of what all experiments share and of the folder of this one."""
    module, here = sys.modules.get(experiment.rows.__module__), Path(__file__).parent
    file = getattr(module, "__file__", None)
    if file is None:  # of a notebook: what it said in an earlier session cannot be known
        return _SESSION
    own = Path(file)
    group = own.parent.glob("*.py") if own.is_relative_to(here) else [own]
    shared = {path for path in here.glob("*.py") if path.name not in _WORDS}
    return digest_of_files({*shared, *group})


def run_experiment(
    experiment: Experiment,
    bench: Bench,
    seeds: Sequence[int],
    *,
    before: Callable[[int, int, Trial], None] = lambda number, count, trial: None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure every row under every seed, or take what was measured before; return results and times.

    Parameters
    ----------
    before : callable
        ``before(number, count, trial)`` is called before each trial that is measured.

    Returns
    -------
    result : dict
        Ready for JSON; the same for the same seeds, photos and code.
    times : dict
        The columns that are times, in the same form, and the seconds that the trials took.
    """
    trials = trials_of(experiment, bench, seeds)
    for number, trial in enumerate(trials, start=1):
        if not trial.is_done:
            before(number, len(trials), trial)
            _measure(trial, bench)
    rows = {trial.row.name: trial.row for trial in trials}
    kept: dict[str, list[Any]] = {name: [] for name in rows}  # of each row, seed by seed
    for trial in trials:
        kept[trial.row.name].append(read_json(trial.path))
    values = {
        name: {
            column.name: [each["values"][column.name] for each in own if column.name in each["values"]]
            for column in experiment.columns
        }
        for name, own in kept.items()
    }
    head = _head(experiment, bench, seeds)
    timed = [column for column in experiment.columns if column.kind == "time"]
    other = [column for column in experiment.columns if column.kind != "time"]
    curves = {name: [each["curves"] for each in own] for name, own in kept.items()}
    seconds = {name: [each["seconds"] for each in own] for name, own in kept.items()}
    result = head | _table(experiment, rows, values, other) | {"curves": curves}
    return result, head | _table(experiment, rows, values, timed) | {"seconds": seconds}


def _measure(trial: Trial, bench: Bench) -> None:
    start = time.perf_counter()
    measured = trial.row.measure(bench.seeded(trial.seed))
    for name, value in measured.values.items():
        if not math.isfinite(value):
            raise ValueError(f"{trial.row.title}, seed {trial.seed}: {name} is {value}")
    record = {
        "values": {name: float(value) for name, value in measured.values.items()},
        "curves": {name: [[float(x), float(y)] for x, y in c] for name, c in measured.curves.items()},
        "seconds": time.perf_counter() - start,
    }
    write_text(trial.path, json.dumps(record) + "\n")


def _head(experiment: Experiment, bench: Bench, seeds: Sequence[int]) -> dict[str, Any]:
    """Return what a result says of how it came about."""
    backbone = None if bench.backbone is None else as_json(bench.backbone)
    if backbone is not None and backbone["weights"] is not None:
        backbone["weights"] = Path(backbone["weights"]).name
    return {
        "experiment": experiment.name,
        "title": experiment.title,
        "source": experiment.source,
        "version": minircnn.__version__,
        "quick": bench.quick,
        "updates": bench.updates,
        "preset": bench.preset,
        "backbone": backbone,
        "limit": bench.limit,
        "train": {"name": bench.train.name, "photos": len(bench.train)},
        "test": {"name": bench.test.name, "photos": len(bench.test)},
        "seeds": list(seeds),
    }


def _table(
    experiment: Experiment, rows: Mapping[str, Row], values: dict[str, Any], columns: Sequence[Column]
) -> dict[str, Any]:
    """Return columns, rows and effects of these `columns`."""
    names = {column.name: column for column in columns}
    return {
        "columns": [dataclasses.asdict(column) for column in columns],
        "rows": [
            {
                "name": row.name,
                "title": row.title,
                "x": row.x,
                "published": {name: value for name, value in row.published.items() if name in names},
                "values": {
                    name: _summary(values[row.name][name]) for name in names if values[row.name][name]
                },
            }
            for row in rows.values()
        ],
        "effects": [
            _effect(effect, rows, values, names[effect.column])
            for effect in experiment.effects
            if effect.column in names
            and all(values.get(name, {}).get(effect.column) for name in (effect.of, effect.than))
            and not (effect.ratio and 0 in values[effect.than][effect.column])
        ],
    }


def _summary(values: Sequence[float]) -> dict[str, Any]:
    mean, spread = mean_and_spread(values)
    return {"each": list(values), "mean": mean, "spread": spread}


def _effect(
    effect: Effect, rows: Mapping[str, Row], values: dict[str, Any], column: Column
) -> dict[str, Any]:
    of, than = (values[name][effect.column] for name in (effect.of, effect.than))
    compared = compare(of, than, ratio=effect.ratio, exact=effect.exact or column.kind == "exact")
    published = effect.published
    if published is None:
        first, second = (rows[name].published.get(effect.column) for name in (effect.of, effect.than))
        if first is not None and second is not None:
            published = first / second if effect.ratio else first - second
    return {
        "what": effect.what,
        "column": effect.column,
        "of": effect.of,
        "than": effect.than,
        "ratio": effect.ratio,
        "published": published,
        **dataclasses.asdict(compared),
        "sign": _sign(compared.verdict, published, 1.0 if effect.ratio else 0.0),
    }


def _sign(verdict: str, published: float | None, neutral: float) -> str:
    """Return whether the effect goes the way that the paper says."""
    if published is None:
        return "not published"
    if verdict in ("one run", "no difference"):
        return "undecided"
    theirs = "more" if published > neutral else "less"
    return "same sign" if verdict == theirs else "opposite sign"
