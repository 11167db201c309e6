"""``minircnn explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minircnn.arrays import Device
from minircnn.cli.big_photos import note_big_photos, note_full_size, search_bar, sizes_of_files
from minircnn.cli.explain import (  # noqa: F401 - each registers what only it has to show
    bag_of_words,
    fast_rcnn,
    faster_rcnn,
    hog_svm,
    rcnn,
    sppnet,
    viola_jones,
)
from minircnn.cli.explain.steps import Step, follow, steps_of
from minircnn.cli.files import refuse_folder_of, refuse_to_overwrite, require_writable
from minircnn.cli.models import model_and_photos, model_file
from minircnn.cli.options import DeviceName, Json, MaxWidth, ModelAndPhoto, Overwrite, Seed
from minircnn.cli.output import note, print_json, table
from minircnn.cli.photos import file_name, name_of, one_photo, photos_of, read_photo, short_name
from minircnn.cli.running import open_detector
from minircnn.viz import Report, save_figure

PAGE = "explained.html"


def explain(
    words: ModelAndPhoto,
    /,
    *,
    out: Path = Path("explained"),
    max_width: MaxWidth = None,
    overwrite: Overwrite = False,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
) -> None:
    """Follow one photo through every step of a detector.

    Writes one picture per step and one HTML page with all of them: the proposals, what the detector makes of
    the photo and of each region (R-CNN: warped crops and SVM scores; SPP-net: feature map, pyramid and SVM
    scores; Fast R-CNN: feature map, RoI pooling and class probabilities; Faster R-CNN: before the proposals
    also the anchors of a cell and how likely each is an object; Viola–Jones: integral image, features,
    windows left after each stage, grouping; HOG + SVM: gradients, histograms, weights and scores at several
    scales; bag of words: the words of the photo and how those of a region vote), how boxes move, suppression,
    detections.

    For example:

        minircnn explain photo.jpg

        minircnn explain runs/fast photo.jpg --out explained

    Next: open the page in a browser, and compare with another detector on the same photo.

    Parameters
    ----------
    out
        Folder of the page and the pictures.
    """
    model, named = model_and_photos(words)
    with photos_of(named) as photos:
        photo = one_photo(photos, "explain")
        page, steps = _explained(model, photo, out, max_width, device, overwrite=overwrite)
    if json:
        print_json({"page": page, "stages": [_record(step) for step in steps]})
    else:
        print(table(["step", "what happened"], [[step.title, step.fact] for step in steps]))
    note(f"page: {page.resolve()}")


def _explained(
    model: Path, image: Path, out: Path, max_width: int | None, device: Device, *, overwrite: bool
) -> tuple[Path, list[Step]]:
    """Write page and pictures; return the page's path and what is on it."""
    page_path = out / PAGE
    refuse_folder_of([image], out)
    refuse_to_overwrite(
        [page_path, *sorted(out.glob("[0-9][0-9]-*.png"))],
        overwrite=overwrite,
        inputs=[image, model_file(model)],
    )
    detector = open_detector(model, device=device, max_width=max_width)
    photo = read_photo(image)
    require_writable(out)
    sizes = list(sizes_of_files([image]))
    note_big_photos(detector.proposer, sizes, "--max-width")
    note_full_size(detector, sizes, device)
    note(f"following {short_name(name_of(image))} through {detector.title}")
    with search_bar(file_name(image)):
        followed = follow(detector, photo, image.stem)
    steps = steps_of(followed)
    page = Report(
        f"How {detector.title} sees {file_name(image)}",
        f"{photo.shape[1]} × {photo.shape[0]} pixels, {len(steps)} steps, one picture each.",
    )
    for number, step in enumerate(steps, start=1):
        page.section(step.title, step.text, [(step.figure, step.caption)], step.table)
        save_figure(step.figure, out / f"{number:02}-{step.key}.png")
    return page.save(page_path), steps


def _record(step: Step) -> dict[str, Any]:
    header, rows = step.table or ((), ())
    return {
        "stage": step.key,
        "fact": step.fact,
        "rows": [dict(zip(header, row, strict=True)) for row in rows],
    }
