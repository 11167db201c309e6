"""Settings that suit a kind of data: the papers' own, and those for small networks and few photos.

A preset is a starting point: every field can still be replaced, in Python with `dataclasses.replace`, on the
command line with the option of the field's name. Each detector's stand in its own file; here is what they
share.

======================  ==============================================================================
``paper``               the papers' own, for PASCAL VOC and an ImageNet network (VGG16, AlexNet)
``pretrained``          an ImageNet network and its weights (``--backbone.weights``), from 100 photos
``small``               the tiny network from random weights, a few hundred photos
``scenes``              the built-in scenes, from random weights, in minutes on two cores
``classroom``           the same with half of the updates: the detectors of the walkthroughs
``scenes-quick``        the same in seconds: to see that everything runs, not to detect well
======================  ==============================================================================
"""

from __future__ import annotations

import dataclasses

from minircnn.proposals import ProposalSettings
from minircnn.training.settings import BackboneSettings, SolverSettings

SCENE_PROPOSALS = ProposalSettings(min_size=10.0, limit=400)
QUICK_PROPOSALS = dataclasses.replace(SCENE_PROPOSALS, limit=150)
CLASSROOM_SHARE = 0.5  # of the updates of ``scenes``
SQUEEZENET = BackboneSettings("squeezenet1_1")


def shortened(solver: SolverSettings, share: float) -> SolverSettings:
    """Return `solver` with `share` of its updates, one at least, its step moved with them."""
    iterations, step = (max(1, round(updates * share)) for updates in (solver.iterations, solver.step))
    return dataclasses.replace(solver, iterations=iterations, step=step)
