"""Nothing in the package writes a file but through minircnn.files."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "minircnn"

ALLOWED = {
    ("imaging/read.py", "save"),  # Pillow knows the formats; the folder must exist
    ("training/feature_files.py", "open"),  # larger than memory; done.json says what of it counts
    ("training/feature_files.py", "open_memmap"),
    ("training/old_runs.py", "rename"),  # a whole file gets its new name
    ("cli/streams.py", "open"),  # the null device
    ("data/opening.py", "open"),  # a data set, for reading
    ("exercises/child.py", "fdopen"),  # a pipe
}
WRITING_METHODS = {
    "write_text",
    "write_bytes",
    "touch",
    "symlink_to",
    "hardlink_to",
    "tofile",
    "to_csv",
    "dump",
}
WRITING_OF_MODULES = {
    "os": {
        "open",
        "write",
        "replace",
        "rename",
        "renames",
        "truncate",
        "fdopen",
        "link",
        "symlink",
        "mkfifo",
    },
    "shutil": {"copy", "copy2", "copyfile", "copyfileobj", "copytree", "move"},
    "tempfile": {"NamedTemporaryFile", "TemporaryFile", "mkstemp"},
}
TO_ARRAY_FILES = {"save", "savez", "savez_compressed", "savetxt", "savefig", "save_file", "ZipFile", "imsave"}


def writes(source):
    """Yield name and line of every call in `source` that writes a file by itself."""
    tree = ast.parse(source)
    in_memory = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        for target in node.targets
        if isinstance(target, ast.Name) and ast.unparse(node.value.func).endswith("BytesIO")
    }
    has_pillow = "PIL" in source
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _writes(node, in_memory, has_pillow):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            yield name, node.lineno


def _writes(call, in_memory, has_pillow):
    first = call.args[0] if call.args else None
    to_memory = isinstance(first, ast.Name) and first.id in in_memory
    if isinstance(call.func, ast.Name):
        owner, name = "", call.func.id
    elif isinstance(call.func, ast.Attribute):
        owner, name = ast.unparse(call.func.value), call.func.attr
    else:
        return False
    if owner == "files":
        return False
    if name in WRITING_OF_MODULES.get(owner, ()):
        return True
    if name == "open" and owner not in ("Image", "webbrowser", "archive", "os"):
        return _opens_for_writing(call, mode_at=0 if owner not in ("", "io", "builtins") else 1)
    if name == "open_memmap" or name == "memmap":
        return _opens_for_writing(call, mode_at=1)
    if name in ("rename", "replace"):  # of a path: str.replace has two arguments
        return bool(owner) and len(call.args) == 1 and not call.keywords
    if name == "save" and not has_pillow:
        return owner in ("np", "numpy") and not to_memory
    if name in TO_ARRAY_FILES:
        return not to_memory and not (name == "ZipFile" and len(call.args) < 2)
    return bool(owner) and name in WRITING_METHODS and owner not in ("json", "self")


def _opens_for_writing(call, mode_at):
    modes = [*call.args[mode_at : mode_at + 1], *(k.value for k in call.keywords if k.arg == "mode")]
    return any(not isinstance(mode, ast.Constant) or set(str(mode.value)) & set("wax+") for mode in modes)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_are_written_in_one_place(path):
    module = path.relative_to(PACKAGE).as_posix()
    if module == "files.py":
        return
    found = [(name, line) for name, line in writes(path.read_text("utf-8")) if (module, name) not in ALLOWED]
    assert not found, f"{module} writes by itself; use minircnn.files"


@pytest.mark.parametrize(
    "source",
    [
        "open(path, 'w')",
        "open(path, mode='ab')",
        "path.open('r+')",
        "path.open(mode)",
        "path.write_text(text)",
        "path.write_bytes(data)",
        "np.save(path, boxes)",
        "np.savez(path, a=a)",
        "figure.savefig(path)",
        "os.replace(a, b)",
        "partial.replace(path)",
        "old.rename(new)",
        "shutil.move(a, b)",
        "from PIL import Image\nImage.fromarray(x).save(path)",
        "zipfile.ZipFile(path, 'w')",
        "np.lib.format.open_memmap(path, 'w+')",
        "np.memmap(path, mode='r+')",
    ],
)
def test_every_way_to_write_is_seen(source):
    assert list(writes(source))


@pytest.mark.parametrize(
    "source",
    [
        "open(path)",
        "path.open('rb')",
        "files.write_text(path, text)",
        "b = io.BytesIO()\nnp.save(b, boxes)",
        "name.replace('a', 'b')",
        "page.save(path)",
        "dataclasses.replace(settings, seed=1)",
        "zipfile.ZipFile(path)",
    ],
)
def test_reading_and_writing_in_memory_is_free(source):
    assert not list(writes(source))
