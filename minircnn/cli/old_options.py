"""Options that once had another name."""

from __future__ import annotations

from collections.abc import Sequence

from minircnn.cli.errors import UsageError

_RENAMED = {"--region-batch": "--batch", "--crop-batch": "--batch"}
_RENAMED_OF_TRAIN = {
    "--nms-iou": "--postprocess.nms-iou",
    "--min-score": "--postprocess.min-score",
    "--box-regression.alpha": "--box-regression.regularization",
}


def refuse_old_options(tokens: Sequence[str]) -> None:
    """Raise UsageError, naming the present option, where an old one stands in a command line."""
    renamed = _RENAMED | (_RENAMED_OF_TRAIN if tokens[:1] == ["train"] else {})
    for token in tokens:
        name = token.partition("=")[0]
        if name in renamed:
            raise UsageError(f"{name} is called {renamed[name]} now")
