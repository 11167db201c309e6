"""``minircnn detect``."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter
from joblib import delayed

from minircnn import files
from minircnn.cli.errors import CommandFailed, UsageError, complain
from minircnn.cli.files import find_photos, refuse_to_overwrite
from minircnn.cli.options import (
    Batch,
    DeviceName,
    Json,
    Model,
    NetworkJobs,
    Overwrite,
    Profile,
    Seed,
    network_job_count,
)
from minircnn.cli.output import note, print_json, table
from minircnn.cli.profile import profile_if, profile_record, profile_table
from minircnn.cli.running import open_detector, parse_svd
from minircnn.detectors import RegionDetector
from minircnn.imaging import ImageError, read_image
from minircnn.profiling import Stage, stage
from minircnn.progress import progress_bar
from minircnn.proposals import ProposalFile
from minircnn.structures import Detections
from minircnn.viz import draw_detections, save_figure
from minircnn.workers import run_tasks

_Found: TypeAlias = tuple[dict[str, Any], Detections]


def detect(
    model: Model,
    images: Annotated[list[Path], Parameter(help="Photos, or folders of photos.", negative="")],
    /,
    *,
    out: Path = Path("detections"),
    min_score: float | None = None,
    svd: str | None = None,
    proposals: Path | None = None,
    batch: Batch = None,
    jobs: NetworkJobs = 0,
    profile: Profile = False,
    overwrite: Overwrite = False,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
) -> None:
    """Find the objects in photos.

    For every photo NAME the folder receives NAME.png, the photo with its boxes, and NAME.json, the same as
    numbers: class, score and box (x1, y1, x2, y2 in pixels from the top left corner). Photos that cannot be
    read are named at the end, with exit code 1. With --profile --json the result is an object of "photos" and
    "profile" in the place of the list of photos.

    For example:

        minircnn detect runs/fast photo.jpg --min-score 0.7

    Next: `minircnn explain runs/fast photo.jpg` shows how the boxes came about.

    Parameters
    ----------
    out
        Folder of the results.
    min_score
        Weaker detections are left out. Default: 0.5 where scores are probabilities (Fast R-CNN), 0 where they
        are the margins of SVMs (R-CNN, SPP-net).
    svd
        Replace fully connected layers by their truncated SVD, e.g. fc6=1024,fc7=256: faster, nearly equal
        (Fast R-CNN, section 3.1).
    proposals
        Take the candidate boxes from this file instead of computing them; photos are looked up by name.
    """
    workers = network_job_count(jobs, device)
    if profile and workers > 1:
        raise UsageError("--profile measures one process: leave --jobs away")
    photos = find_photos(images)
    refuse_to_overwrite(
        (out / f"{photo.stem}{ending}" for photo in photos for ending in (".png", ".json")),
        overwrite=overwrite,
    )
    with profile_if(profile, device) as total:
        with stage("load detector"):
            detector = open_detector(model, svd=parse_svd(svd), device=device, batch=batch)
        if proposals is not None:
            detector.proposer = ProposalFile(proposals)
        least = detector.usual_min_score if min_score is None else min_score
        finds = run_tasks((delayed(_detect)(detector, photo, out, least) for photo in photos), workers)
        found: list[_Found | ImageError] = list(
            progress_bar(finds, total=len(photos), desc="detecting", unit="photo", delay=1)
        )
    results = [result for result in found if not isinstance(result, ImageError)]
    _announce(results, out, least, total, json=json)
    unreadable = [result for result in found if isinstance(result, ImageError)]
    for reason in unreadable:
        complain(str(reason))
    if unreadable:
        raise CommandFailed("some photos cannot be read")


def _detect(detector: RegionDetector[Any], photo: Path, out: Path, least: float) -> _Found | ImageError:
    """Detect in one photo and write the result; a photo that cannot be read is returned as its error.

    One broken file does not cost the others their result.
    """
    with stage("photo"):
        try:
            with stage("read"):
                image = read_image(photo)
        except ImageError as error:
            return error
        found = detector.detect(image, image_id=photo.stem).above(least)
        with stage("draw and write"):
            picture = save_figure(draw_detections(image, found, min_score=least), out / f"{photo.stem}.png")
            record = _record(photo, picture, image.shape[:2], found)
            text = json_format.dumps(record, indent=2) + "\n"
            files.write_text(out / f"{photo.stem}.json", text)
    return record, found


def _announce(results: list[_Found], out: Path, least: float, profile: Stage | None, *, json: bool) -> None:
    """Print what was found, where it lies and where the time went; with nothing found, what to try."""
    if json:
        records = [record for record, _ in results]
        print_json(records if profile is None else {"photos": records, "profile": profile_record(profile)})
    elif results:
        rows = [[record["image"], len(found), _summary(found)] for record, found in results]
        print(table(["photo", "found", "best of each class"], rows))
        if profile is not None:
            print(f"\n{profile_table(profile, 'photo')}")
    if results:
        note(f"pictures and JSON: {out}")
        if not any(len(found) for _, found in results):
            note(f"nothing scores {least:g} or more: try a lower --min-score")


def _record(photo: Path, picture: Path, size: tuple[int, int], found: Detections) -> dict[str, Any]:
    return {
        "image": str(photo),
        "height": size[0],
        "width": size[1],
        "picture": str(picture),
        "detections": found.to_records(),
    }


def _summary(found: Detections) -> str:
    """Return e.g. ``dog 0.98, car 0.71 (2)``: per class the best score and how many there are."""
    names = found.names()
    parts = []
    for name in dict.fromkeys(names):  # best score first, as the detections are
        count = names.count(name)
        best = float(found.scores[names.index(name)])
        parts.append(f"{name} {best:.2f}" + (f" ({count})" if count > 1 else ""))
    return ", ".join(parts) or "nothing"
