"""A detector of every recipe, trained for a few steps: what holds for all of them is tried on each."""

import dataclasses

from minircnn.data import Scenes
from minircnn.training import RECIPES, SolverSettings, train

SCENES = Scenes("train", count=4, size=128, heights=(24, 56))


def shortened(settings, iterations=4, limit=40):
    """Return `settings` with few updates and few proposals, whatever detector they are for."""
    changes = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, SolverSettings):
            changes[field.name] = dataclasses.replace(value, iterations=iterations)
        elif field.name == "proposals":
            changes[field.name] = dataclasses.replace(value, limit=limit)
        elif dataclasses.is_dataclass(value):
            changes[field.name] = shortened(value, iterations, limit)
    return dataclasses.replace(settings, **changes)


def settings_of(name):
    return shortened(RECIPES[name].presets["scenes-quick"])


def train_shortly(name, folder, **options):
    """Train the recipe `name` in `folder`; all recipes share their proposals."""
    proposals = folder.parent / "proposals"
    return train(SCENES, settings_of(name), folder, progress=False, proposal_folder=proposals, **options)
