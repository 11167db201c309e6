"""What an experiment is: rows that are measured under several seeds, and the effects that they tell of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from minircnn.experiments.bench import Bench
from minircnn.registry import Registry

Curve = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Measurement:
    """What one row gave under one seed.

    Parameters
    ----------
    values : mapping of str to float
        By column. A column that is left out is unknown for this row, and shown as a dash.
    curves : mapping of str to ((x, y), ...)
        What is drawn beside the table, by name.
    """

    values: Mapping[str, float]
    curves: Mapping[str, Curve] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """One figure of a table.

    Parameters
    ----------
    name : str
        In the results.
    title : str
        For people, with the unit: ``mAP``, ``s/photo``.
    digits : int
        Decimals shown.
    kind : {"chance", "exact", "time"}
        Whether it differs from seed to seed, is a count that any run gives, or is a time, which no two runs
        give alike: times are kept apart from the other results.
    """

    name: str
    title: str
    digits: int = 3
    kind: Literal["chance", "exact", "time"] = "chance"


MAP = Column("map", "mAP")
"""Mean average precision at IoU 0.5, as a fraction."""


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Parameters
    ----------
    name : str
        In the results.
    title : str
        For people.
    measure : callable
        ``measure(bench)`` returns a :class:`Measurement`. It may depend on nothing but what `bench` gives.
    published : mapping of str to float
        The paper's figures by column, in the units of the columns (mAP as a fraction).
    x : float, optional
        Where the row lies on the axis of a sweep.
    """

    name: str
    title: str
    measure: Callable[[Bench], Measurement]
    published: Mapping[str, float] = field(default_factory=dict)
    x: float | None = None


@dataclass(frozen=True)
class Effect:
    """What one row has more, or less, than another.

    Parameters
    ----------
    what : str
        In words that the difference answers: ``fine-tuning, fc7``.
    of, than : str
        The names of two rows.
    column : str
    published : float, optional
        The paper's difference (or ratio); default: that of the rows' published figures.
    ratio : bool
        Divide instead of subtract: for times and counts.
    exact : bool
        Neither row depends on the seed, whatever others in the column do: every difference is one.
    """

    what: str
    of: str
    than: str
    column: str = "map"
    published: float | None = None
    ratio: bool = False
    exact: bool = False


@dataclass(frozen=True)
class Experiment:
    """One table or figure of a paper, as a command.

    Parameters
    ----------
    name : str
        On the command line.
    title : str
    source : str
        Paper and table.
    teaches : str
        The question that it answers, in one sentence, for the list of experiments.
    differs : str
        What is not as in the paper, besides photos, network and schedule, which the page says by itself.
    columns : sequence of Column
        The first is the one that is drawn.
    rows : callable
        ``rows(bench)`` returns the rows; which ones may depend on the data.
    effects : sequence of Effect
        Those whose rows are missing are left out.
    minutes : float
        That the default form takes on the scenes, on two cores.
    seeds : int
        Of the default form.
    x_title : str
        What the rows' `x` is; empty where rows are no sweep, and drawn as bars.
    curve_titles : (str, str)
        Of the axes of the measurements' curves.
    network : str
        Which one it runs whatever the bench says, in words; empty: that of the bench.
    trains : bool
        Whether anything is trained.
    """

    name: str
    title: str
    source: str
    teaches: str
    differs: str
    columns: Sequence[Column]
    rows: Callable[[Bench], Sequence[Row]]
    effects: Sequence[Effect] = ()
    minutes: float = 10.0
    seeds: int = 3
    x_title: str = ""
    curve_titles: tuple[str, str] = ("", "")
    network: str = ""
    trains: bool = True

    @property
    def is_of_times(self) -> bool:
        """Whether what is drawn is a time."""
        return self.columns[0].kind == "time"


EXPERIMENTS: Registry[Experiment] = Registry("experiment")
"""Every experiment by its name."""


def add_experiment(experiment: Experiment) -> None:
    """Make an experiment known by its name."""
    EXPERIMENTS.register(experiment.name)(experiment)
