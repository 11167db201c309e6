"""``minircnn detect``."""

from __future__ import annotations

import errno
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter
from joblib import delayed

from minircnn import __version__
from minircnn.cli.big_photos import note_big_photos, search_bar, sizes_of_files
from minircnn.cli.errors import CommandFailed, UsageError, complain, describe, show_traceback
from minircnn.cli.files import refuse_folder_of, refuse_to_overwrite, require_writable
from minircnn.cli.options import (
    Batch,
    DeviceName,
    Json,
    MaxWidth,
    Model,
    NetworkJobs,
    Overwrite,
    Profile,
    Seed,
    network_job_count,
)
from minircnn.cli.output import how_to_go_on, note, print_json, table, this_call
from minircnn.cli.photos import find_photos, read_photo, result_names
from minircnn.cli.profile import profile_if, profile_record, profile_table
from minircnn.cli.results import ResultFiles, describe_settings, fingerprint
from minircnn.cli.running import model_file, open_detector, parse_svd, require_score
from minircnn.detectors import RegionDetector
from minircnn.profiling import Stage, stage
from minircnn.progress import progress_bar
from minircnn.proposals import ProposalFile
from minircnn.structures import Detections
from minircnn.viz import draw_detections, save_figure
from minircnn.workers import run_tasks

_Record: TypeAlias = dict[str, Any]
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # no photo that follows would fare better


def detect(
    model: Model,
    images: Annotated[list[Path], Parameter(help="Photos, or folders of photos.", negative="")],
    /,
    *,
    out: Path = Path("detections"),
    min_score: float | None = None,
    svd: str | None = None,
    proposals: Path | None = None,
    max_width: MaxWidth = None,
    batch: Batch = None,
    jobs: NetworkJobs = 0,
    resume: Annotated[bool, Parameter(negative="")] = False,
    profile: Profile = False,
    overwrite: Overwrite = False,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
) -> None:
    """Find the objects in photos.

    For every photo NAME the folder receives NAME.png, the photo with its boxes, and NAME.json, the same as
    numbers: class, score and box (x1, y1, x2, y2 in pixels from the top left corner). Photos that fail are
    named at the end, with exit code 1. With --profile --json the result is an object of "photos" and
    "profile" in the place of the list of photos.

    For example:

        minircnn detect runs/fast photo.jpg --min-score 0.7

    Next: `minircnn explain runs/fast photo.jpg` shows how the boxes came about.

    Parameters
    ----------
    out
        Folder of the results; another one than that of the photos.
    min_score
        Weaker detections are left out. Default: 0.5 where scores are probabilities (Fast R-CNN), 0 where they
        are the margins of SVMs (R-CNN, SPP-net).
    svd
        Replace fully connected layers by their truncated SVD, e.g. fc6=1024,fc7=256: faster, nearly equal
        (Fast R-CNN, section 3.1).
    proposals
        Take the candidate boxes from this file instead of computing them; photos are looked up by name.
    resume
        Go on with what is in the folder: photos with a result of this detector and these options are taken
        as they are.
    """
    workers = network_job_count(jobs, device)
    if profile and workers > 1:
        raise UsageError("--profile measures one process: leave --jobs away")
    if resume and overwrite:
        raise UsageError("--resume keeps what is finished, --overwrite replaces it: leave one of them away")
    require_score(min_score)
    photos = find_photos(images)
    if proposals is not None:
        _require_own_names(photos)
    files = [
        ResultFiles(photo, out / f"{name}.png", out / f"{name}.json")
        for photo, name in zip(photos, result_names(photos), strict=True)
    ]
    refuse_folder_of(photos, out)
    refuse_to_overwrite(
        (path for one in files for path in (one.picture, one.record)),
        overwrite=overwrite or resume,
        inputs=[*photos, model_file(model), *([proposals] if proposals else [])],
        ways=["go on with --resume"],
    )
    with profile_if(profile, device) as total:
        with stage("load detector"):
            detector = open_detector(
                model, svd=parse_svd(svd), device=device, batch=batch, max_width=max_width
            )
        if proposals is not None:
            detector.proposer = ProposalFile(proposals)
        least = detector.usual_min_score if min_score is None else min_score
        require_writable(out)
        options = {"min_score": least, "svd": svd, "batch": detector.batch, "max_width": max_width}
        settings = describe_settings([model_file(model), *([proposals] if proposals else [])], options)
        done = {one.photo: one.finished(settings) for one in files} if resume else {}
        missing = [one for one in files if not done.get(one.photo)]
        if resume:
            note(f"{len(files) - len(missing)} of {len(files)} photos are done already")
        note_big_photos(detector.proposer, sizes_of_files(one.photo for one in missing), "--max-width")
        found = dict(
            zip(missing, _detect_all(detector, missing, least, settings, len(files), workers), strict=True)
        )
    results = [done.get(one.photo) or found[one] for one in files]
    _announce([r for r in results if not isinstance(r, str)], out, least, total, json=json)
    failed = [result for result in results if isinstance(result, str)]
    for reason in failed:
        complain(reason)
    if failed:
        raise CommandFailed("some photos failed")


def _require_own_names(photos: Sequence[Path]) -> None:
    """Boxes are looked up by name: two photos of one name would get the boxes of one of them."""
    for stem, count in Counter(photo.stem for photo in photos).items():
        if count > 1:
            raise ValueError(
                f"{count} photos are called {stem}, and --proposals looks boxes up by that name: "
                "run the command once for each, with another --out"
            )


def _detect_all(
    detector: RegionDetector[Any],
    files: Sequence[ResultFiles],
    least: float,
    settings: str,
    total: int,
    workers: int,
) -> list[_Record | str]:
    """Detect in all photos; return their records, or why they failed. If stopped, say how to go on."""
    results: list[_Record | str] = []
    tasks = (delayed(_detect)(detector, one, least, settings) for one in files)
    try:
        finds = run_tasks(tasks, workers)
        for result in progress_bar(finds, total=len(files), desc="detecting", unit="photo", delay=1):
            results.append(result)
    except BaseException as stop:
        note(f"{total - len(files) + len(results)} of {total} photos are done")
        if not isinstance(stop, KeyboardInterrupt):  # which says by itself how to go on
            note(how_to_go_on())
        raise
    return results


def _detect(detector: RegionDetector[Any], files: ResultFiles, least: float, settings: str) -> _Record | str:
    """Detect in one photo and write the result; return its record, or why it failed.

    One odd photo does not cost the others their result.
    """
    with stage("photo"):
        try:
            with stage("read"):
                image = read_photo(files.photo)
            with search_bar(files.photo.name):
                everything = detector.detect(image, image_id=files.photo.stem)
            found = everything.above(least)
            with stage("draw and write"):
                save_figure(draw_detections(image, found, min_score=least), files.picture)
                record = _record(files, image.shape[:2], found)
                record["best_score"] = float(everything.scores[0]) if len(everything) else None
                record["fingerprint"] = fingerprint(settings, files.photo)
                files.write(record)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                raise
            show_traceback()
            reason = describe(error)
            return reason if str(files.photo) in reason else f"{files.photo}: {reason}"
    return record


def _announce(records: list[_Record], out: Path, least: float, profile: Stage | None, *, json: bool) -> None:
    """Print what was found, where it lies and where the time went; with nothing found, what to try."""
    if json:
        print_json(records if profile is None else {"photos": records, "profile": profile_record(profile)})
    elif records:
        rows = [
            [record["image"], len(record["detections"]), _summary(record["detections"])] for record in records
        ]
        print(table(["photo", "found", "best of each class"], rows))
        if profile is not None:
            print(f"\n{profile_table(profile, 'photo')}")
    if records:
        note(f"pictures and JSON: {out}")
        if not any(record["detections"] for record in records):
            note(_what_to_try(records, least))


def _what_to_try(records: Sequence[_Record], least: float) -> str:
    """Say from which score on there would be something, where nothing was found."""
    scores = [record["best_score"] for record in records if record["best_score"] is not None]
    if not scores:
        return "nothing was found at any score: are the photos very small, or all of one colour?"
    lower = math.floor(max(scores) * 100) / 100
    call = this_call("--overwrite", f"--min-score={lower:g}")
    return f"nothing scores {least:g} or more; a lower score shows what there is: {call}"


def _record(files: ResultFiles, size: tuple[int, int], found: Detections) -> _Record:
    return {
        "image": str(files.photo),
        "height": size[0],
        "width": size[1],
        "picture": str(files.picture),
        "detections": found.to_records(),
        "made_by": f"minircnn {__version__}",
    }


def _summary(detections: Sequence[dict[str, Any]]) -> str:
    """Return e.g. ``dog 0.98, car 0.71 (2)``: per class the best score and how many there are."""
    names = [detection["class"] for detection in detections]
    parts = []
    for name in dict.fromkeys(names):  # best score first, as the detections are
        count = names.count(name)
        best = detections[names.index(name)]["score"]
        parts.append(f"{name} {best:.2f}" + (f" ({count})" if count > 1 else ""))
    return ", ".join(parts) or "nothing"
