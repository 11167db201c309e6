"""In the built site, the folder MINIRCNN_SITE, nothing failed, is missing or comes from elsewhere."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from site_pages import FETCHED_BY_SCRIPT, FETCHED_BY_STYLE, SitePage

ROOT = Path(__file__).resolve().parents[1]
SITE, OTHER = (
    Path(os.environ[name]) if os.environ.get(name) else None
    for name in ("MINIRCNN_SITE", "MINIRCNN_OTHER_SITE")
)
NODE = shutil.which("node")
TRACEBACK = "Traceback (most recent call last)"
OUTSIDE = re.compile(r"(?:[a-z]+:)?//", re.IGNORECASE)

built = pytest.mark.skipif(SITE is None, reason="MINIRCNN_SITE does not name a built site")


def read_site(site):
    """Return the pages of a built site by their addresses in it."""
    pages = {
        path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")
    }
    return {address: (text, SitePage(text)) for address, text in sorted(pages.items())}


def faults_of(address, text, page, known):
    """Yield what is wrong with a page; `known` has the ids of every page, and None for every other file."""
    if TRACEBACK in text:
        yield "a traceback"
    for figure in page.figures:
        if not figure["pictures"] or not figure["caption"]:
            yield f"a figure without picture or caption: {figure['caption']}"
    for image in page.images:
        if not image.get("alt") or not all(image.get(side, "").isdigit() for side in ("width", "height")):
            yield f"an image without alt, width or height: {image.get('src', '')[:80]}"
    for load in [
        *page.loads,
        *FETCHED_BY_STYLE.findall(page.embedded),
        *FETCHED_BY_SCRIPT.findall(page.embedded),
    ]:
        if OUTSIDE.match(load):
            yield f"loads {load}"
    for link in page.links + page.loads:
        if not re.match(r"[a-z]+:|//", link):
            target, fragment = urldefrag(urljoin("/" + address, link))
            target = unquote(target.partition("?")[0])[1:] or "index.html"
            if target not in known:
                yield f"a dead link: {link}"
            elif fragment and known[target] is not None and unquote(fragment) not in known[target]:
                yield f"a link to an anchor that is not there: {link}"


@pytest.fixture(scope="module")
def pages():
    return read_site(SITE)


@built
def test_every_page_of_the_menu_is_there(pages):
    assert len(pages) > 20
    assert {"index.html", "404.html", "results.html"} <= pages.keys()


@built
def test_no_page_has_a_fault(pages):
    known = {path.relative_to(SITE).as_posix(): None for path in SITE.rglob("*") if path.is_file()}
    known |= {address: page.ids for address, (_, page) in pages.items()}
    faults = {address: list(faults_of(address, text, page, known)) for address, (text, page) in pages.items()}
    assert {address: found for address, found in faults.items() if found} == {}


@built
def test_no_style_sheet_or_script_of_ours_fetches_from_elsewhere():
    ours = [path for path in (ROOT / "docs").rglob("*.*") if path.suffix in (".css", ".js")]
    texts = [path.read_text(encoding="utf-8") for path in [*ours, *SITE.rglob("*.css")]]
    assert len(texts) > 3
    assert [
        url for text in texts for url in FETCHED_BY_STYLE.findall(text) + FETCHED_BY_SCRIPT.findall(text)
    ] == []


@built
def test_the_index_of_the_search_is_a_script_that_knows_every_page(pages):
    text = (SITE / "search/search_index.js").read_text(encoding="utf-8")
    start = "var __index = "
    assert text.startswith(start)
    indexed = {entry["location"].partition("#")[0] for entry in json.loads(text.removeprefix(start))["docs"]}
    assert {address for address in pages if address != "404.html"} <= indexed


@built
@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_searching_finds_the_walkthrough_first():
    lecture = ["mAP", "receptive field", "why 227", "hard negative", "NMS threshold", "IoU", "RoI pooling"]
    names = ["gradcheck", "PostprocessSettings"]
    command = [NODE, str(Path(__file__).with_name("search_worker.js")), str(SITE), *lecture, *names]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert [query for query in lecture if not found[query][0].startswith("walkthroughs/")] == []
    assert all(any(page.startswith("reference/") for page in found[name][:3]) for name in names)


@built
def test_every_walkthrough_offers_its_notebook(pages):
    for page in (ROOT / "docs/walkthroughs").glob("*.md"):
        links = pages[f"walkthroughs/{page.stem}.html"][1].links
        assert {f"{page.stem}.ipynb", f"{page.stem}.py"} <= set(links)


def words_of(page):
    """Return the text of a page, every number as 0: the time that something took is never the same."""
    return re.sub(r"\d+(?:[.,]\d+)*", "0", page.text).split()


@built
@pytest.mark.skipif(OTHER is None, reason="MINIRCNN_OTHER_SITE names no site that another program built")
def test_another_program_builds_the_same_pages(pages):
    others = read_site(OTHER)
    assert others.keys() == pages.keys()
    different = [
        address
        for address, (_, page) in pages.items()
        if words_of(page) != words_of(others[address][1])
        or [figure["caption"] for figure in page.figures]
        != [figure["caption"] for figure in others[address][1].figures]
    ]
    assert different == []
    assert sum(len(page.figures) for _, page in pages.values()) > 20


GOOD = (
    '<a id="x" href="#x">x</a><a href="../b.css?v=1">b</a><a href="https://example.org">web</a>'
    '<figure><img src="../b.css" alt="a" width="1" height="2"><figcaption>c</figcaption></figure>'
    '<link rel="canonical" href="https://example.org/a"><script>fetch("b.json")</script>'
)


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("", None),
        (f"<pre>{TRACEBACK}:</pre>", "a traceback"),
        ("<figure><figcaption>c</figcaption></figure>", "a figure without picture"),
        ("<figure><svg></svg><figcaption> </figcaption></figure>", "a figure without picture or caption"),
        ('<img src="../b.css" width="1" height="2">', "an image without alt"),
        ('<img src="../b.css" alt="a" width="auto" height="2">', "an image without alt, width"),
        ('<img src="//x.org/a" alt="a" width="1" height="2">', "loads //x.org/a"),
        ('<script src="https://x.org/a.js"></script>', "loads https://x.org/a.js"),
        ('<link rel="stylesheet" href="https://x.org/a.css">', "loads https://x.org/a.css"),
        ("<style>@import 'https://x.org/a.css';</style>", "loads https://x.org/a.css"),
        ('<p style="background: url(//x.org/a)">', "loads //x.org/a"),
        ('<script>fetch("https://x.org/a")</script>', "loads https://x.org/a"),
        ('<a href="c.html">c</a>', "a dead link: c.html"),
        ('<a href="#y">y</a>', "a link to an anchor that is not there: #y"),
        ('<a href="../index.html#y">y</a>', "a link to an anchor that is not there"),
    ],
)
def test_each_fault_would_be_found(html, fault):
    page = SitePage(GOOD + html)
    known = {"w/a.html": page.ids, "b.css": None, "index.html": set()}
    faults = list(faults_of("w/a.html", GOOD + html, page, known))
    assert len(faults) == (fault is not None)
    assert fault is None or faults[0].startswith(fault)


def build_small(tmp_path, pages):
    """Build a site of these pages with the site's own settings."""
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    settings = settings[: settings.index("\nnav:")].replace(
        "docs_dir: docs", f"docs_dir: {tmp_path / 'docs'}"
    )
    config = tmp_path / "mkdocs.yml"
    config.write_text(re.sub(r"\bdocs/(\w+\.py)", rf"{ROOT}/docs/\1", settings), encoding="utf-8")
    for name, text in pages.items():
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in ("assets", "widgets"):
        shutil.copytree(ROOT / "docs" / name, tmp_path / "docs" / name)
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", config, "-d", tmp_path / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("line", "status"), [("print(1 + 1)", 0), ("print(1 / 0)", 1)])
def test_a_block_that_fails_fails_the_strict_build(tmp_path, line, status):
    done = build_small(tmp_path, {"index.md": f'# Page\n\n```python exec="on"\n{line}\n```\n'})
    assert done.returncode == status, done.stderr
    assert ("ZeroDivisionError" in done.stderr) == bool(status)


@pytest.mark.slow
def test_the_slides_are_the_figures_of_the_walkthroughs(tmp_path):
    code = (
        "from matplotlib.figure import Figure\nfrom docs.figures import picture\nfigure = Figure((4, 3))\n"
        "figure.add_subplot().plot([0, {0}])\nprint(picture(figure, '{0} < 3'))"
    )
    page = f'# Page & {{0}}\n\n```python exec="on"\n{code}\n```\n'
    slides = (ROOT / "docs/slides.md").read_text(encoding="utf-8")
    pages = {f"walkthroughs/{number}.md": page.replace("{0}", str(number)) for number in (1, 2)}
    done = build_small(tmp_path, {"index.md": page.replace("{0}", "0"), "slides.md": slides, **pages})
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "site/slides.html").read_text(encoding="utf-8")
    shown = SitePage(text)
    assert [figure["caption"] for figure in shown.figures] == ["1 < 3", "2 < 3"]
    assert text.count('<section class="slide"><h2>Page &amp; ') == 2
    assert {"walkthroughs/1.html", "walkthroughs/2.html"} <= set(shown.links)
    sources = [image["src"] for image in shown.images if "pictures/" in image["src"]]
    assert len(set(sources)) == 2
    assert all((tmp_path / "site" / source).is_file() for source in sources)
