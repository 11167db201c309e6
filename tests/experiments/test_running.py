"""How an experiment is run: trial by trial, kept, gone on with, told in tables."""

import dataclasses
import json

import pytest

from minircnn.experiments import (
    EXPERIMENTS,
    MAP,
    Column,
    Effect,
    Experiment,
    Measurement,
    Row,
    run_experiment,
    trials_of,
)
from minircnn.experiments.tables import drawn_table, effect_table, result_table, what_was_run
from minircnn.training import BackboneSettings


@pytest.fixture
def measured():
    return []


@pytest.fixture
def experiment(measured):
    def row(name, value, **options):
        def measure(bench):
            measured.append((name, bench.seed))
            values = {
                "map": value + (0.02 if name == "high" else 0.01) * bench.seed,
                "count": 10 * value,
                "seconds": 0.5,
            }
            return Measurement(values, {"curve": [(0, 0), (1, value)]})

        return Row(name, name.title(), measure, **options)

    def rows(bench):
        return [row("low", 0.5, published={"map": 0.4}), row("high", 0.7, published={"map": 0.45})]

    return Experiment(
        name="toy",
        title="Toy",
        source="nowhere",
        teaches="That it runs.",
        differs="Everything.",
        columns=[MAP, Column("count", "count", 0, "exact"), Column("seconds", "s", 2, "time")],
        rows=rows,
        effects=[
            Effect("high or low", "high", "low"),
            Effect("published the other way", "low", "high", published=0.2),
            Effect("never published", "high", "low", "count"),
            Effect("of a row that is not there", "gone", "low"),
            Effect("time", "high", "low", "seconds", ratio=True),
        ],
    )


@pytest.fixture
def bench(quick_bench, tmp_path):
    return dataclasses.replace(quick_bench, folder=tmp_path)


def test_every_row_is_measured_under_every_seed(experiment, bench, measured):
    result, _ = run_experiment(experiment, bench, [0, 1, 2])
    assert measured == [(name, seed) for seed in (0, 1, 2) for name in ("low", "high")]
    low = result["rows"][0]["values"]["map"]
    assert low["each"] == pytest.approx([0.5, 0.51, 0.52])
    assert low["mean"] == pytest.approx(0.51)
    assert low["spread"] == pytest.approx(0.01)


def test_what_was_measured_is_not_measured_again(experiment, bench, measured):
    first = run_experiment(experiment, bench, [0])
    again = run_experiment(experiment, bench, [0])
    assert len(measured) == 2
    assert again == first
    run_experiment(experiment, bench, [0, 1])
    assert measured[2:] == [("low", 1), ("high", 1)]


def test_other_photos_and_other_trainings_are_measured_anew(experiment, bench):
    here = {trial.path for trial in trials_of(experiment, bench, [0])}
    for other in (
        dataclasses.replace(bench, test=bench.train),
        dataclasses.replace(bench, updates=0.5),
        dataclasses.replace(bench, limit=7),
    ):
        assert here.isdisjoint(trial.path for trial in trials_of(experiment, other, [0]))


def test_a_run_that_was_stopped_gives_the_same_bytes(experiment, bench, tmp_path):
    whole, _ = run_experiment(experiment, bench, [0, 1])
    halting = dataclasses.replace(bench, folder=tmp_path / "halting")

    def stop(number, count, trial):
        if number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiment(experiment, halting, [0, 1], before=stop)
    assert sum(trial.is_done for trial in trials_of(experiment, halting, [0, 1])) == 2
    resumed, _ = run_experiment(experiment, halting, [0, 1])
    assert json.dumps(resumed) == json.dumps(whole)


def test_rows_of_a_notebook_are_measured_anew_in_another_session(experiment, bench, monkeypatch):
    experiment.rows.__module__ = "a notebook"
    here = {trial.path for trial in trials_of(experiment, bench, [0])}
    assert here == {trial.path for trial in trials_of(experiment, bench, [0])}
    monkeypatch.setattr("minircnn.experiments.running._SESSION", "another")
    assert here.isdisjoint(trial.path for trial in trials_of(experiment, bench, [0]))


def test_effects_are_told_beside_the_papers(experiment, bench):
    result, times = run_experiment(experiment, bench, [0, 1])
    effects = {effect["what"]: effect for effect in [*result["effects"], *times["effects"]]}
    assert effects.keys() == {"high or low", "published the other way", "never published", "time"}
    assert effects["high or low"]["published"] == pytest.approx(0.05)
    assert effects["high or low"]["mean"] == pytest.approx(0.205)
    assert effects["high or low"]["sign"] == "same sign"
    assert effects["published the other way"]["sign"] == "opposite sign"
    assert effects["never published"]["sign"] == "not published"
    assert effects["time"]["mean"] == 1.0


def test_one_seed_decides_nothing(experiment, bench):
    result, _ = run_experiment(experiment, bench, [0])
    assert result["effects"][0]["verdict"] == "one run"
    assert result["effects"][0]["sign"] == "undecided"
    assert any("One seed" in sentence for sentence in what_was_run(result, experiment))


def test_what_is_trained_is_said_and_what_is_not(experiment, bench):
    other = dataclasses.replace(bench, backbone=BackboneSettings("vgg16", weights="/far/away/own.npz"))
    result, _ = run_experiment(experiment, other, [0])
    assert "vgg16 with own.npz" in what_was_run(result, experiment)[0]
    own = dataclasses.replace(experiment, network="a network of its own")
    assert "preset scenes-quick, a network of its own, 20% of its updates" in what_was_run(result, own)[0]
    none = dataclasses.replace(own, trains=False)
    assert what_was_run(result, none)[0] == "Nothing is trained: a network of its own."


def test_the_first_column_is_the_one_that_is_drawn(experiment, bench):
    result, times = run_experiment(experiment, bench, [0])
    assert drawn_table(result, times, experiment) is result
    swapped = dataclasses.replace(experiment, columns=experiment.columns[::-1])
    drawn = drawn_table(*run_experiment(swapped, bench, [0]), swapped)
    assert drawn["columns"][0]["name"] == "seconds"
    assert EXPERIMENTS["timing"].is_of_times


def test_the_tables_show_what_was_measured(experiment, bench):
    result, times = run_experiment(experiment, bench, [0, 1])
    header, lines = result_table(result, times)
    assert header == ["", "mAP", "paper", "count", "s"]
    assert lines[0] == ["Low", "0.505 ± 0.007", "0.400", "5", "0.50"]
    _, effects = effect_table(result, times)
    assert effects[0][2:] == ["+0.205 ± 0.007", "+0.050", "same sign"]
    assert effects[1][2].startswith("−0.205")
    assert effects[-1][2] == "1×"


def test_a_ratio_to_nothing_is_left_out(experiment, bench):
    def rows(bench):
        return [
            Row(name, name, lambda bench, value=value: Measurement({"map": value}))
            for name, value in (("high", 0.5), ("low", 0.0))
        ]

    ratio = Effect("ratio", "high", "low", ratio=True)
    own = dataclasses.replace(experiment, rows=rows, effects=[ratio, Effect("difference", "high", "low")])
    result, _ = run_experiment(own, bench, [0])
    assert [effect["what"] for effect in result["effects"]] == ["difference"]


def test_a_figure_that_is_none_is_refused(experiment, bench):
    def nowhere(bench):
        return [Row("bad", "Bad row", lambda bench: Measurement({"map": float("nan")}))]

    with pytest.raises(ValueError, match="Bad row, seed 0: map is nan"):
        run_experiment(dataclasses.replace(experiment, rows=nowhere), bench, [0])


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_every_experiment_is_told_in_full(name, quick_bench):
    experiment = EXPERIMENTS[name]
    rows = experiment.rows(quick_bench)
    assert len({row.name for row in rows}) == len(rows) > 1
    columns = {column.name for column in experiment.columns}
    for row in rows:
        assert row.published.keys() <= columns
        assert "map" not in row.published or 0 < row.published["map"] < 1, "mAP is a fraction"
    assert all(effect.column in columns for effect in experiment.effects)
    for text in (experiment.title, experiment.source, experiment.teaches, experiment.differs):
        assert text.strip()
    assert experiment.teaches.endswith("?"), "results answer, not the experiment"
    assert 0 < experiment.minutes <= 30
    assert not experiment.x_title or any(row.x is not None for row in rows)


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_the_effects_are_of_rows_that_there_are(name, quick_bench):
    bench = dataclasses.replace(quick_bench, quick=False)
    names = {row.name for row in EXPERIMENTS[name].rows(bench)}
    for effect in EXPERIMENTS[name].effects:
        assert {effect.of, effect.than} <= names, effect.what
