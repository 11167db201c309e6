"""The file that a student begins with, and how it is known again."""

from __future__ import annotations

import ast
import inspect
import re

from minircnn.exercises.base import LABS, Lab

_MARK = re.compile(r"^# minircnn exercise: ([\w-]+)\s*$", re.MULTILINE)


def stub_name(name: str) -> str:
    """Return the usual name of the file of lab `name`."""
    return f"{name.replace('-', '_')}.py"


def stub_text(name: str, grading: str = "") -> str:
    """Return the stub of lab `name`: a mark, what is to be done, and the functions without their bodies.

    Parameters
    ----------
    grading : str
        The command that grades it. Default: that for the usual name of the file.
    """
    lab = LABS[name]
    head = [
        f"# minircnn exercise: {name}",
        "#",
        f"# {lab.title}: {lab.task}",
        f"# Explained on: docs/{lab.page}",
        f"# Paper: {lab.source}",
        f"# Grade it with: {grading or f'minircnn exercise check {stub_name(name)}'}",
        "#",
        f"# Hint: {lab.hint}",
        "",
        *lab.imports,
    ]
    functions = (inspect.getsource(stub).rstrip() for stub in lab.stubs)
    return "\n".join(head) + "\n\n\n" + "\n\n\n".join(functions) + "\n"


def marked_lab(text: str) -> str | None:
    """Return the lab that the mark in `text` names, None if there is no mark."""
    found = _MARK.search(text)
    return found[1] if found else None


def lab_of(text: str, tree: ast.Module, file: str) -> str:
    """Return of which lab a file is: by its mark, or by the names of its functions.

    Raises
    ------
    ValueError
        If neither tells, or the mark names no lab.
    """
    name = marked_lab(text)
    if name is not None:
        LABS.require(name)
        return name
    defined = set(_functions(tree))
    fitting = [name for name, lab in LABS.items() if defined & set(lab.functions)]
    if len(fitting) != 1:
        what = f"functions of {', '.join(fitting)}" if fitting else "no function of an exercise"
        raise ValueError(
            f"{file}: holds {what}, and no mark that tells which exercise it is: "
            f"add the line '# minircnn exercise: {fitting[0] if fitting else 'NAME'}' "
            "(names: minircnn exercise list)"
        )
    return fitting[0]


def is_untouched(lab: Lab, tree: ast.Module) -> bool:
    """Tell whether every function of `lab` is still without a body."""
    defined = _functions(tree)
    return all(name in defined and _is_unwritten(defined[name]) for name in lab.functions)


def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def _is_unwritten(function: ast.FunctionDef) -> bool:
    body = [node for node in function.body if not isinstance(node, ast.Expr | ast.Pass)]
    return all(isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node) for node in body)
