"""Results in words: the tables that the command, its page and the documentation show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minircnn.experiments.base import Experiment

Words = tuple[list[str], list[list[str]]]
"""Header and rows."""

EFFECT_HEADER = ["what", "figure", "here", "paper", "verdict"]


def result_table(result: Mapping[str, Any], times: Mapping[str, Any]) -> Words:
    """Return one line a row: every figure with its spread over seeds, and the paper's beside it."""
    columns = [*result["columns"], *times["columns"]]
    published = [c["name"] for c in columns if _published(result, times, c["name"])]
    header = [""]
    for column in columns:
        header += [column["title"], *(["paper"] if column["name"] in published else [])]
    lines = []
    for row, timed in zip(result["rows"], times["rows"], strict=True):
        values, theirs = row["values"] | timed["values"], row["published"] | timed["published"]
        line = [row["title"]]
        for column in columns:
            name, digits = column["name"], column["digits"]
            line.append(with_spread(values[name], digits) if name in values else "–")
            if name in published:
                line.append(number(theirs[name], digits) if name in theirs else "–")
        lines.append(line)
    return header, lines


def drawn_table(
    result: Mapping[str, Any], times: Mapping[str, Any], experiment: Experiment
) -> Mapping[str, Any]:
    """Return which of the two holds the experiment's first column, the one that is drawn."""
    return times if experiment.is_of_times else result


def effect_table(result: Mapping[str, Any], times: Mapping[str, Any]) -> Words:
    """Return one line an effect, under ``EFFECT_HEADER``."""
    columns = {c["name"]: c for c in [*result["columns"], *times["columns"]]}
    lines = []
    for effect in [*result["effects"], *times["effects"]]:
        column = columns[effect["column"]]
        theirs = effect["published"]
        lines.append(
            [
                effect["what"],
                column["title"],
                difference(effect["mean"], effect["spread"], column["digits"], ratio=effect["ratio"]),
                "–" if theirs is None else difference(theirs, None, column["digits"], ratio=effect["ratio"]),
                verdict(effect),
            ]
        )
    return EFFECT_HEADER, lines


def verdict(effect: Mapping[str, Any]) -> str:
    """Return what may be said of an effect."""
    if effect["verdict"] == "one run":
        return "one run: not called"
    if effect["verdict"] == "no difference":
        return "within the spread" + (", yet the same way under every seed" if effect["steady"] else "")
    word: str = effect["verdict"] if effect["sign"] == "not published" else effect["sign"]
    return word


def number(value: float, digits: int) -> str:
    """Return a figure with so many decimals, thousands set apart."""
    return f"{value:,.{digits}f}"


def with_spread(value: Mapping[str, Any], digits: int) -> str:
    """Return a mean and the spread over seeds, where there is one."""
    mean = number(value["mean"], digits)
    return f"{mean} ± {number(value['spread'], digits)}" if value["spread"] else mean


def difference(mean: float, spread: float | None, digits: int, *, ratio: bool) -> str:
    """Return a difference with its sign, or a ratio, and its spread."""
    if ratio:
        return _ratio(mean) + (f" ± {_ratio(spread).removesuffix('×')}" if spread else "")
    text = f"{mean:+,.{digits}f}".replace("-", "−")
    return text + (f" ± {number(spread, digits)}" if spread else "")


def _ratio(value: float) -> str:
    return f"{value:,.0f}×" if value >= 100 else f"{value:.3g}×"


def what_was_run(result: Mapping[str, Any], experiment: Experiment) -> list[str]:
    """Return, sentence by sentence, on what an experiment was run and what its figures are worth."""
    seeds = result["seeds"]
    many = len(seeds) > 1
    return [
        _trained_and_tested(result, experiment.network)
        if experiment.trains
        else f"Nothing is trained: {experiment.network}.",
        f"Mean and standard deviation over the seeds {', '.join(map(str, seeds))}; a difference is called "
        "one only where it is larger than the spread."
        if many
        else "One seed, so no spread is known and no difference is called one.",
        *(
            ["This is the quick form: it shows that everything runs, and its figures mean nothing."]
            if result["quick"]
            else []
        ),
    ]


def _trained_and_tested(result: Mapping[str, Any], network: str) -> str:
    train, test = result["train"], result["test"]
    if not network and result["backbone"] is None:
        network = "the preset's network"
    elif not network:
        weights = result["backbone"]["weights"]
        network = result["backbone"]["name"] + (f" with {weights}" if weights else " from random weights")
    return (
        f"Trained on {train['photos']:,} photos of {train['name']}, tested on {test['photos']:,} of "
        f"{test['name']}: preset {result['preset']}, {network}, {result['updates']:.0%} of its updates."
    )


def _published(result: Mapping[str, Any], times: Mapping[str, Any], name: str) -> bool:
    rows: Sequence[Mapping[str, Any]] = [*result["rows"], *times["rows"]]
    return any(name in row["published"] for row in rows)
