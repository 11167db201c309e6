"""The page of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minircnn.experiments import Experiment
from minircnn.experiments.tables import drawn_table, effect_table, result_table, what_was_run
from minircnn.viz import Report, draw_experiment, draw_experiment_curves


def experiment_page(experiment: Experiment, result: Mapping[str, Any], times: Mapping[str, Any]) -> Report:
    """Return table, effects and pictures of what an experiment gave."""
    page = Report(experiment.title, f"{experiment.teaches}\n\nAfter {experiment.source}.")
    figure = draw_experiment(drawn_table(result, times, experiment), experiment.title, experiment.x_title)
    caption = "Points are seeds."
    said = " ".join(what_was_run(result, experiment))
    page.section("Table", said, [(figure, caption)], result_table(result, times))
    header, effects = effect_table(result, times)
    if effects:
        page.section(
            "Effects",
            "What one row has more than another, seed by seed, beside the paper's difference.",
            table=(header, effects),
        )
    if any(any(each) for each in result["curves"].values()):
        curves = draw_experiment_curves(result, experiment.curve_titles, experiment.title)
        page.section("Curves", "", [(curves, "One line a seed.")])
    page.section(
        "What differs from the paper",
        f"{experiment.differs}\n\nThe paper's figures are of its own photos and, where networks are "
        "trained, of such as were pre-trained on ImageNet and trained far longer: signs and orders can be "
        "compared, heights cannot.",
    )
    return page
