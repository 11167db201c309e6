"""Show functions of this repository in the pages, read from their files when the site is built."""

import ast
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def quote(path: str, *names: str) -> str:
    """Return functions of the file `path`, as they stand there, in a block of code headed by the path.

    A method is called ``Class.method``.

    Raises
    ------
    ValueError
        If the file has no such function at its top level, or method in a class there, so that a page
        cannot be built with a stale quote.
    """
    source = (ROOT / path).read_text(encoding="utf-8")
    found = _functions(source)
    parts = [_text(source, found, path, name) for name in names]
    return f'```python title="{path}"\n' + "\n\n\n".join(parts) + "\n```\n"


def whole_file(path: str) -> str:
    """Return the file `path` in a block of code headed by the path."""
    return f'```python title="{path}"\n{(ROOT / path).read_text(encoding="utf-8")}```\n'


def _functions(source: str) -> dict[str, ast.FunctionDef]:
    """Return the functions at the top level by their names, and methods as ``Class.method``."""
    functions = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            functions[node.name] = node
        elif isinstance(node, ast.ClassDef):
            methods = [inner for inner in node.body if isinstance(inner, ast.FunctionDef)]
            functions |= {f"{node.name}.{method.name}": method for method in methods}
    return functions


def _text(source: str, found: dict[str, ast.FunctionDef], path: str, name: str) -> str:
    if name not in found:
        raise ValueError(f"{path} has no function {name}")
    return textwrap.dedent(ast.get_source_segment(source, found[name], padded=True) or "")
