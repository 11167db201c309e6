"""Each of the lecture's 59 claims has its place in the walkthroughs, and a check where one can be run."""

import re
import tomllib
from pathlib import Path

import pytest

from docs.blocks import blocks_of

DOCS = Path(__file__).resolve().parents[1] / "docs"
CLAIMS = tomllib.loads((DOCS / "claims.toml").read_text(encoding="utf-8"))
NUMBERS = range(1, 60)
GAPS: set[int] = set()
"""About systems that are not implemented yet: whoever builds one takes its claims out of here."""


def page_of(number):
    return DOCS / "walkthroughs" / f"{CLAIMS[str(number)]['page']}.md"


def of_kind(kind):
    return [number for number in NUMBERS if CLAIMS[str(number)]["kind"] == kind]


def test_the_map_has_the_59_claims_and_no_other():
    assert sorted(map(int, CLAIMS)) == list(NUMBERS)
    assert all(page_of(number).is_file() for number in NUMBERS if number not in GAPS)


def test_every_claim_is_checked_or_says_why_not():
    kinds = {claim["kind"] for claim in CLAIMS.values()}
    assert kinds == {"check", "fact"} | ({"gap"} if GAPS else set())
    assert set(of_kind("gap")) == GAPS
    assert all(CLAIMS[str(number)]["why"] for number in (*of_kind("fact"), *of_kind("gap")))


@pytest.mark.parametrize("number", of_kind("check"))
def test_a_block_of_the_page_asserts_the_claim(number):
    text = page_of(number).read_text(encoding="utf-8")
    block_id = CLAIMS[str(number)].get("block", f"claim-{number}")
    blocks = [b for b in blocks_of(text) if b.is_executed and b.options.get("id") == block_id]
    assert len(blocks) == 1
    assert re.search(r"^\s*assert ", blocks[0].code, re.MULTILINE)
    assert text.count(f'<a id="claim-{number}"></a>') == 1


@pytest.mark.parametrize("number", of_kind("fact"))
def test_the_page_names_a_claim_that_is_a_matter_of_record(number):
    text = page_of(number).read_text(encoding="utf-8")
    named = re.findall(r"\bclaims?\s+((?:\d+(?:, | and |\s*)?)+)", text)
    assert number in {int(n) for group in named for n in re.findall(r"\d+", group)}


@pytest.mark.parametrize("number", NUMBERS)
def test_the_list_of_claims_leads_to_the_place(number):
    listed = (DOCS / "papers.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| {number} \|.*$", listed, re.MULTILINE)
    claim = CLAIMS[str(number)]
    if claim["kind"] == "check":
        assert f"(walkthroughs/{claim['page']}.md#claim-{number})" in row
    elif claim["kind"] == "fact":
        assert f"(walkthroughs/{claim['page']}.md" in row
    else:
        assert row.endswith("| – |")
