"""Values that convert to something, but hardly to what was meant."""

from __future__ import annotations

from typing import get_args

from cyclopts import UNSET, App, Argument, ArgumentCollection

from minircnn.cli.errors import UsageError


def refuse_odd_values(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Refuse empty words, which would stand for the present folder, and fractions of whole numbers.

    cyclopts calls this after it has read the options and before it converts them: 1.5 would become 2.
    """
    for argument in arguments:
        for token in argument.tokens:
            if token.source == "cli" and token.implicit_value is UNSET:
                _refuse(argument, token.value)


def _refuse(argument: Argument, value: str) -> None:
    if not value.strip():
        raise UsageError(f"{argument.name} is empty: was a variable of the shell not set?")
    if int in (argument.hint, *get_args(argument.hint)) and float not in get_args(argument.hint):
        try:
            whole = float(value).is_integer()
        except (ValueError, OverflowError):
            return  # cyclopts says what is wrong with it
        if not whole:
            raise UsageError(f"{argument.name} must be a whole number, got {value}")
