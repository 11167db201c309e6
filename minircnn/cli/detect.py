"""``minircnn detect``."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from joblib import delayed

from minircnn.arrays import Device
from minircnn.cli.big_photos import note_big_photos, note_full_size, search_bar, sizes_of_files
from minircnn.cli.cascades import cascade_file, open_cascade
from minircnn.cli.errors import CommandFailed, UsageError, complain, describe, show_traceback
from minircnn.cli.files import refuse_folder_of, refuse_to_overwrite, require_writable
from minircnn.cli.models import model_and_photos, model_file, refuse_detector
from minircnn.cli.options import (
    Batch,
    DeviceName,
    Json,
    MaxWidth,
    ModelAndPhotos,
    NetworkJobs,
    Overwrite,
    Profile,
    Seed,
    network_job_count,
)
from minircnn.cli.output import how_to_go_on, note, print_json, table
from minircnn.cli.photos import file_name, name_of, photos_of, read_photo, result_names, short_name
from minircnn.cli.profile import profile_if, profile_record, profile_table
from minircnn.cli.results import (
    Record,
    ResultFiles,
    describe_photo,
    describe_settings,
    fingerprint,
    summary,
    what_to_try,
)
from minircnn.cli.running import open_detector, parse_svd, require_score
from minircnn.detectors import RegionDetector
from minircnn.profiling import Stage, stage
from minircnn.progress import progress_bar
from minircnn.proposals import ProposalFile
from minircnn.viz import draw_detections, save_figure
from minircnn.workers import run_tasks

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # no photo that follows would fare better


def detect(
    words: ModelAndPhotos,
    /,
    *,
    out: Path = Path("detections"),
    min_score: float | None = None,
    svd: str | None = None,
    proposals: Path | None = None,
    cascade: str | None = None,
    class_name: str | None = None,
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

        minircnn detect photo.jpg

        minircnn detect runs/fast photo.jpg --min-score 0.7

        minircnn detect runs/fast "my photos/**/*.png"

        minircnn detect example

        minircnn detect --cascade lbp-face example

    Next: `minircnn explain runs/fast photo.jpg` shows how the boxes came about.

    Parameters
    ----------
    out
        Folder of the results; another one than that of the photos.
    min_score
        Weaker detections are left out. Default: 0.5 where scores are probabilities (Fast R-CNN), 0 where they
        are the margins of SVMs (R-CNN, SPP-net) or numbers of windows (Viola–Jones).
    svd
        Replace fully connected layers by their truncated SVD, e.g. fc6=1024,fc7=256: faster, nearly equal
        (Fast R-CNN, section 3.1).
    proposals
        Take the proposals from this file (propose --save writes one) instead of searching them; photos are
        looked up by name.
    cascade
        Take no MODEL but a cascade in OpenCV's XML format (Haar features or local binary patterns), by its
        file, or ``lbp-face`` for the one of frontal faces that comes with scikit-image.
    class_name
        What the cascade finds. Default: object; face for ``lbp-face``.
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
    if cascade is None and class_name is not None:
        raise UsageError("--class-name is for what a --cascade finds; a detector knows its classes")
    if cascade is not None and (svd or max_width):
        raise UsageError("--svd and --max-width are nothing for a --cascade: leave them away")
    if cascade is not None:
        refuse_detector(words[0])
    model, named = model_and_photos(words) if cascade is None else (cascade_file(cascade), words)
    inputs = [model_file(model), *([proposals] if proposals else [])]
    with photos_of(named) as photos, profile_if(profile, device) as total:
        files = _result_files(photos, out, inputs, by_name=proposals is not None, replace=overwrite or resume)
        with stage("load detector"):
            detector = (
                open_detector(model, svd=parse_svd(svd), device=device, batch=batch, max_width=max_width)
                if cascade is None
                else open_cascade(cascade, class_name, device=device, batch=batch)
            )
        if proposals is not None:
            detector.proposer = ProposalFile(proposals)
        least = detector.usual_min_score if min_score is None else min_score
        require_writable(out)
        options = {"min_score": least, "svd": svd, "batch": detector.batch, "max_width": max_width}
        options |= {"class_name": detector.class_names[0]} if cascade else {}
        settings = describe_settings(inputs, {**options, "device": device})
        done = _finished(files, settings) if resume else {}
        missing = [one for one in files if one.photo not in done]
        _note_sizes(detector, missing, device)
        done |= _detect_all(detector, missing, least, settings, len(files), workers)
    results = [done[one.photo] for one in files]
    _announce([r for r in results if not isinstance(r, str)], out, least, total, json=json)
    failed = [result for result in results if isinstance(result, str)]
    for reason in failed:
        complain(reason)
    if failed:
        raise CommandFailed("some photos failed")


def _result_files(
    photos: Sequence[Path], out: Path, inputs: Sequence[Path], *, by_name: bool, replace: bool
) -> list[ResultFiles]:
    """Return where the results of `photos` go, once it is sure that nothing is lost there."""
    if by_name:
        _require_own_names(photos)
    files = [
        ResultFiles(photo, out / f"{name}.png", out / f"{name}.json")
        for photo, name in zip(photos, result_names(photos), strict=True)
    ]
    refuse_folder_of(photos, out)
    refuse_to_overwrite(
        (path for one in files for path in (one.picture, one.record)),
        overwrite=replace,
        inputs=[*photos, *inputs],
        ways=["go on with --resume"],
    )
    return files


def _require_own_names(photos: Sequence[Path]) -> None:
    """Boxes are looked up by name: two photos of one name would get the boxes of one of them."""
    for stem, count in Counter(photo.stem for photo in photos).items():
        if count > 1:
            raise ValueError(
                f"{count} photos are called {stem}, and --proposals looks boxes up by that name: "
                "run the command once for each, with another --out"
            )


def _finished(files: Sequence[ResultFiles], settings: str) -> dict[Path, Record | str]:
    """Return the records of the photos that are done, and say how many they are."""
    done = {one.photo: record for one in files if (record := one.finished(settings)) is not None}
    note(f"{len(done)} of {len(files)} photos are done already")
    return dict(done)


def _note_sizes(detector: RegionDetector[Any], files: Sequence[ResultFiles], device: Device) -> None:
    sizes = list(sizes_of_files(one.photo for one in files))
    note_big_photos(detector.proposer, sizes, "--max-width")
    note_full_size(detector, sizes, device)


def _detect_all(
    detector: RegionDetector[Any],
    files: Sequence[ResultFiles],
    least: float,
    settings: str,
    total: int,
    workers: int,
) -> dict[Path, Record | str]:
    """Detect in all photos; return their records, or why they failed. If stopped, say how to go on."""
    results: dict[Path, Record | str] = {}
    tasks = (delayed(_detect)(detector, one, least, settings, watch=workers == 1) for one in files)
    try:
        finds = run_tasks(tasks, workers)
        bar = progress_bar(finds, total=len(files), desc="detecting", unit="photo", delay=1)
        for one, result in zip(files, bar, strict=True):
            results[one.photo] = result
    except BaseException as stop:
        note(f"{total - len(files) + len(results)} of {total} photos are done")
        if not isinstance(stop, KeyboardInterrupt):  # which says by itself how to go on
            note(how_to_go_on())
        raise
    return results


def _detect(
    detector: RegionDetector[Any], files: ResultFiles, least: float, settings: str, watch: bool
) -> Record | str:
    """Detect in one photo and write the result; return its record, or why it failed.

    One odd photo does not cost the others their result.
    """
    with stage("photo"):
        try:
            with stage("read"):
                # first, so that a photo replaced meanwhile is not taken for done
                mark = fingerprint(settings, files.photo) if files.photo.is_file() else ""
                image = read_photo(files.photo)
            with search_bar(file_name(files.photo)) if watch else nullcontext():
                everything = detector.detect(image, image_id=files.photo.stem, keep_image=False)
            found = everything.above(least)
            with stage("draw and write"):
                save_figure(draw_detections(image, found, min_score=least), files.picture)
                record = describe_photo(files, image.shape[:2], found)
                record["best_score"] = float(everything.scores[0]) if len(everything) else None
                record["fingerprint"] = mark
                files.write(record)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                raise
            show_traceback()
            name = name_of(files.photo)
            reason = describe(error).replace(str(files.photo), name)
            return reason if name in reason else f"{name}: {reason}"
    return record


def _announce(records: list[Record], out: Path, least: float, profile: Stage | None, *, json: bool) -> None:
    """Print what was found, where it lies and where the time went; with nothing found, what to try."""
    if json:
        print_json(records if profile is None else {"photos": records, "profile": profile_record(profile)})
    elif records:
        rows = [
            [short_name(record["image"]), len(record["detections"]), summary(record["detections"])]
            for record in records
        ]
        print(table(["photo", "found", "best of each class"], rows))
        if profile is not None:
            print(f"\n{profile_table(profile, 'photo')}")
    if records:
        note(f"pictures and JSON: {out}")
        if not any(record["detections"] for record in records):
            note(what_to_try(records, least))
