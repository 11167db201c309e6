"""How the pages of the papers' tables show a stored result: ``from docs.experiments import shown``."""

from collections.abc import Mapping
from pathlib import Path

from docs.figures import picture
from minircnn.experiments import EXPERIMENTS, RESULT, TIMES
from minircnn.experiments.tables import drawn_table, effect_table, result_table, what_was_run
from minircnn.files import read_json
from minircnn.progress import duration
from minircnn.viz import draw_experiment, draw_experiment_curves

RESULTS = Path(__file__).parent / "tables" / "results"
"""A folder an experiment, in it one for each kind of photos: what ``minircnn reproduce`` wrote."""


def shown(name: str, photos: str = "scenes", options: str = "") -> str:
    """Return the stored result of an experiment as Markdown: question, command, table, effects, pictures.

    Parameters
    ----------
    name : str
        Of the experiment.
    photos : str
        Which of its results.
    options : str
        What the command was given besides its name.
    """
    experiment, folder = EXPERIMENTS[name], RESULTS / name / photos
    result, times = read_json(folder / RESULT), read_json(folder / TIMES)
    took = duration(sum(sum(seconds) for seconds in times["seconds"].values()))
    call = " ".join(["minircnn reproduce", name, options]).strip()
    where = f"results/{name}/{photos}"
    parts = [
        f"*{experiment.source}.* {experiment.teaches}",
        f"```sh\n{call}\n```",
        _table(*result_table(result, times)),
        f"{' '.join(what_was_run(result, experiment))} All trials together took {took}, "
        "on one of two cores and with what other tables had trained; the numbers: "
        f"[results]({where}/{RESULT}), [times]({where}/{TIMES}).",
    ]
    header, effects = effect_table(result, times)
    if effects:
        parts.append(_table(header, effects))
    drawn = drawn_table(result, times, experiment)
    parts.append(picture(draw_experiment(drawn, "", experiment.x_title), f"{experiment.title}: {photos}."))
    if any(any(each) for each in result["curves"].values()):
        curves = draw_experiment_curves(result, experiment.curve_titles)
        parts.append(picture(curves, f"{experiment.title}: curves, a line each seed."))
    parts.append(f"What differs: {experiment.differs}")
    return "\n\n".join(parts) + "\n"


def require(name: str, verdicts: Mapping[str, str], photos: str = "scenes") -> None:
    """Raise unless the stored effects are what the page says: ``more``, ``less`` or ``no difference``."""
    folder = RESULTS / name / photos
    stored = [*read_json(folder / RESULT)["effects"], *read_json(folder / TIMES)["effects"]]
    told = {effect["what"]: effect["verdict"] for effect in stored}
    for what, verdict in verdicts.items():
        if told[what] != verdict:
            raise AssertionError(f"{name}: the page says {verdict!r} of {what!r}, the result {told[what]!r}")


def every_effect() -> str:
    """Return one table of all effects that are stored, the paper's beside ours."""
    lines = []
    for name in EXPERIMENTS:
        for folder in sorted((RESULTS / name).iterdir()) if (RESULTS / name).is_dir() else []:
            _, effects = effect_table(read_json(folder / RESULT), read_json(folder / TIMES))
            lines += [[f"`{name}`", folder.name, *effect] for effect in effects]
    return _table(["experiment", "photos", "effect", "figure", "here", "paper", "verdict"], lines)


def _table(header: list[str], lines: list[list[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
