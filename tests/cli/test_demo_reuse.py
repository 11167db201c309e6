"""The demonstration takes a finished detector only if it is the one that was asked for."""

import dataclasses
import json

import pytest
from trained_detectors import SCENES, settings_of, train_shortly

from minircnn.cli.demo.contest import train_or_reuse


def reuse(folder, settings):
    kept = folder.parent / "proposals"
    return train_or_reuse(SCENES, settings, folder, proposals=kept, resume=True, device="cpu", jobs=1)


def test_a_finished_detector_of_other_settings_is_not_taken(tmp_path):
    """``demo --quick``, then ``demo --resume``: the quick detectors are not the full ones."""
    folder, settings = tmp_path / "run", settings_of("fast-rcnn")
    train_shortly("fast-rcnn", folder)
    (folder / "seconds.json").write_text(json.dumps(1.5))
    assert reuse(folder, settings).seconds == 1.5
    longer = dataclasses.replace(settings, solver=dataclasses.replace(settings.solver, iterations=9))
    with pytest.raises(ValueError, match=r"solver\.iterations: 4 then, 9 now.*another folder"):
        reuse(folder, longer)
