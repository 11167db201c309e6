"""``minircnn weights``: published weights fetched, any file's weights shown and converted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Group, Parameter

from minircnn.backbones import BACKBONES
from minircnn.backbones.converting import convert_weights, the_backbone_for
from minircnn.backbones.inputs import KnownInput, input_of, unknown_input
from minircnn.backbones.normalization import Preset
from minircnn.backbones.placing import backbones_for, parameter_name
from minircnn.cli.files import refuse_to_overwrite
from minircnn.cli.next_commands import command_line
from minircnn.cli.options import Json, Overwrite
from minircnn.cli.output import note, print_json, table
from minircnn.weights import CATALOGUE, WeightsFile, cached_file, fetch, is_genuine, open_weights

weights_app = App(
    name="weights",
    help="Pre-trained weights: fetch published ones, see what a file holds, convert it.",
    group_commands=Group("Commands"),
)

_Folder = Annotated[
    Path | None,
    Parameter(help="Where fetched files lie. Default: MINIRCNN_CACHE, or the system's place for such files."),
]
_File = Annotated[
    str,
    Parameter(help="A file (.safetensors, .npz, .pth, .caffemodel), or a name of 'minircnn weights list'."),
]
_FORMS = {
    ".safetensors": "SafeTensors",
    ".npz": "NumPy archive",
    ".pth": "PyTorch",
    ".caffemodel": "Caffe",
}


@weights_app.command(name="list")
def list_weights(*, folder: _Folder = None, json: Json = False) -> None:
    """List the published weights that are known here, and where they lie once fetched.

    For example:

        minircnn weights list
    """
    files = {name: cached_file(known, folder) for name, known in CATALOGUE.items()}
    there = {
        name: path if path.exists() and is_genuine(path, CATALOGUE[name]) else None
        for name, path in files.items()
    }
    if json:
        print_json([{"name": n, **vars(known), "file": there[n]} for n, known in CATALOGUE.items()])
        return
    rows = [
        [n, round(known.size / 1e6), known.license, known.source, there[n]] for n, known in CATALOGUE.items()
    ]
    print(table(["name", "MB", "license", "from", "file"], rows))
    for name, path in files.items():
        if there[name] is None and path.exists():
            note(f"{path}: is not the published file, or not all of it: delete it")
    missing = [name for name, path in files.items() if not path.exists()]
    if missing:
        note(f"next: {command_line('weights', 'fetch', missing[0], options={'folder': folder})}")


@weights_app.command(name="fetch")
def fetch_weights(name: str, /, *, folder: _Folder = None) -> None:
    """Download published weights once; a download that broke off goes on where it stopped.

    The file is checked by its SHA-256. Without a connection this says what to download, from where, and
    where to put it.

    For example:

        minircnn weights fetch squeezenet1_1

    Next: `minircnn train fast-rcnn DATA --preset pretrained --backbone.name squeezenet1_1
    --backbone.weights squeezenet1_1`.

    Parameters
    ----------
    name
        One of 'minircnn weights list'.
    """
    try:
        path = fetch(name, folder)
    except KeyboardInterrupt:
        note("what has come is kept; the same command goes on from there")
        raise
    print(path)
    note(f"next: {_training(CATALOGUE[name].backbone, name if folder is None else path)}")


@weights_app.command(name="import")
def import_weights(
    file: _File,
    /,
    *,
    backbone: str | None = None,
    out: Path | None = None,
    input: Annotated[Preset | None, Parameter(name="--input")] = None,
    half: Annotated[bool, Parameter(negative="")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Convert a file of weights: names as in the networks here, with the pixels noted that they want.

    Names, shapes and numbers are checked against the backbone. Nothing but arrays is taken from the file,
    whatever else it holds.

    For example:

        minircnn weights import bvlc_reference_caffenet.caffemodel --out alexnet.safetensors

        minircnn weights import vgg16.npz --input caffe --half

    Next: `minircnn train fast-rcnn DATA --preset pretrained --backbone.name NAME --backbone.weights FILE`.

    Parameters
    ----------
    backbone
        For which network. Default: the one that the arrays fit.
    out
        File to write, .safetensors or .npz. Default: the file's name with .safetensors, in this folder.
    input
        Whose pixels the weights want, caffe (BGR, 0..255) or torchvision (RGB, 0..1), where the file does
        not tell.
    half
        In half precision: half the size. Loaded weights are single precision again.
    """
    read = open_weights(file)
    out = Path(f"{read.path.stem}.safetensors") if out is None else out
    if out.suffix.lower() not in (".safetensors", ".npz"):
        raise ValueError(f"--out must end in .safetensors or .npz, got {out}")
    refuse_to_overwrite([out], overwrite=overwrite, inputs=[read.path], another="another file with --out")
    if backbone is not None:
        BACKBONES.require(backbone)
    name = backbone or the_backbone_for(read)
    normalization = convert_weights(read, name, out, origin=input, half=half)
    print(out)
    note(f"{name}, {_count(read):,} numbers; photos become {normalization.words()}")
    note(f"next: {_training(name, out)}")


@weights_app.command(name="show")
def show_weights(file: _File, /, *, json: Json = False) -> None:
    """Say what a file of weights holds: its format, the backbone that it fits, the pixels, every array.

    For example:

        minircnn weights show squeezenet1_1
    """
    read = open_weights(file)
    fitting, reasons = backbones_for(read)
    known = input_of(fitting[0], read) if len(fitting) == 1 else None
    if json:
        print_json(_description(read, fitting, reasons, known))
        return
    print(f"{read.path}: {_FORMS[read.form]}, {len(read.arrays)} arrays, {_count(read):,} numbers")
    print(f"backbone: {', '.join(fitting) or 'none as it is built by default'}")
    if known is not None:
        print(f"photos become: {known.normalization.words()}, {known.why}")
    elif len(fitting) == 1:
        print("photos become: the file does not tell")
        note(str(unknown_input(fitting[0], read)))
    rows = [
        [
            name,
            parameter_name(name, fitting[0]) if fitting else None,
            _shape(array),
            array.dtype.name,
            array.size,
        ]
        for name, array in read.arrays.items()
    ]
    print(f"\n{table(['array', 'here', 'shape', 'type', 'numbers'], rows)}")
    for name, reason in reasons.items() if not fitting else ():
        note(f"{name}: {reason}")


def _description(
    file: WeightsFile, fitting: list[str], reasons: dict[str, str], known: KnownInput | None
) -> dict[str, Any]:
    """Return what ``show`` says, for JSON."""
    return {
        "file": file.path,
        "format": _FORMS[file.form],
        "numbers": _count(file),
        "backbones": fitting,
        "why_no_other": reasons,
        "normalization": None if known is None else vars(known.normalization),
        "normalization_known": None if known is None else known.why,
        "arrays": {name: {"shape": a.shape, "type": a.dtype.name} for name, a in file.arrays.items()},
    }


def _count(file: WeightsFile) -> int:
    return sum(array.size for array in file.arrays.values())


def _shape(array: Any) -> str:
    return " × ".join(map(str, array.shape)) or "one number"


def _training(backbone: str, weights: str | Path) -> str:
    """Return the command that starts a training from `weights`."""
    options = {"preset": "pretrained", "backbone.name": backbone, "backbone.weights": weights}
    return command_line("train", "fast-rcnn", "DATA", options=options)
