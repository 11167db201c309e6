"""``minircnn explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from minircnn.cli.explain_fast_rcnn import fast_rcnn_stages
from minircnn.cli.explain_rcnn import rcnn_stages
from minircnn.cli.explain_stages import Stage
from minircnn.cli.files import refuse_to_overwrite
from minircnn.cli.options import DeviceName, Json, Model, Overwrite, Seed
from minircnn.cli.output import note, print_json, table
from minircnn.cli.running import detector_name, open_detector
from minircnn.detectors import FastRCNN
from minircnn.imaging import read_image
from minircnn.viz import Report, save_figure

PAGE = "explained.html"


def explain(
    model: Model,
    image: Annotated[Path, Parameter(help="The photo.")],
    /,
    *,
    out: Path = Path("explained"),
    overwrite: Overwrite = False,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
) -> None:
    """Follow one photo through every stage of a detector.

    Writes one picture per stage and one HTML page with all of them. R-CNN: proposals, warped crops, SVM
    scores, box regression, suppression, detections. Fast R-CNN: proposals, feature map, RoI pooling, class
    probabilities, box offsets, suppression, detections.

    For example:

        minircnn explain runs/fast photo.jpg --out explained

    Next: open the page in a browser, and compare with the other detector on the same photo.

    Parameters
    ----------
    out
        Folder of the page and the pictures.
    """
    page_path = out / PAGE
    refuse_to_overwrite([page_path], overwrite=overwrite)
    detector = open_detector(model, device=device)
    photo = read_image(image)
    name = detector_name(detector)
    note(f"following {image} through {name}")
    stages = (
        fast_rcnn_stages(detector, photo) if isinstance(detector, FastRCNN) else rcnn_stages(detector, photo)
    )
    page = Report(
        f"How {name} sees {image.name}",
        f"{photo.shape[1]} × {photo.shape[0]} pixels, {len(stages)} stages, one picture each.",
    )
    for number, stage in enumerate(stages, start=1):
        page.section(stage.title, stage.text, [(stage.figure, stage.caption)], stage.table)
        save_figure(stage.figure, out / f"{number:02}-{stage.key}.png")
    page.save(page_path)
    if json:
        print_json({"page": page_path, "stages": [_record(stage) for stage in stages]})
    else:
        print(table(["stage", "what happened"], [[stage.title, stage.fact] for stage in stages]))
    note(f"page: {page_path.resolve()}")


def _record(stage: Stage) -> dict[str, Any]:
    header, rows = stage.table or ((), ())
    return {
        "stage": stage.key,
        "fact": stage.fact,
        "rows": [dict(zip(header, row, strict=True)) for row in rows],
    }
