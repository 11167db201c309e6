"""The documentation names only what exists."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
PACKAGES = sorted(path.parent.name for path in (ROOT / "minircnn").glob("*/__init__.py"))
# `minircnn.nn.RoIPool`, the shorter `nn.RoIPool`, and the directives of the reference
NAME = re.compile(
    rf"`(?:minircnn\.)?((?:{'|'.join(PACKAGES)})(?:\.\w+)*)[`(]|^::: minircnn\.(\S+)$", re.MULTILINE
)


def resolve(name):
    """Import the longest module prefix of `name` and follow the rest as attributes."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute)
        return found
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_dotted_name_exists(page):
    missing = []
    for groups in NAME.findall(page.read_text(encoding="utf-8")):
        name = "minircnn." + (groups[0] or groups[1])
        try:
            resolve(name)
        except (ModuleNotFoundError, AttributeError):
            missing.append(name)
    assert not missing


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_relative_link_leads_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [target for target in targets if not (ROOT / target).exists()] == []
