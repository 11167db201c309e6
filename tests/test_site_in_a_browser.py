"""The built site, opened from disk in a browser without a window: no network, searchable, for all readers."""

import os
import re
import shutil
from pathlib import Path

import pytest

SITE = os.environ.get("MINIRCNN_SITE")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if not SITE or BROWSER is None:
    pytest.skip("wants MINIRCNN_SITE to name a built site, and Chromium or Chrome", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

PAGES = sorted(
    path.relative_to(SITE).as_posix() for path in Path(SITE).rglob("*.html") if path.name != "404.html"
)
FAULTS_OF_LAYOUT = """async () => {
  const images = [...document.images];
  for (const image of images) image.loading = "eager";
  await Promise.all(images.map((image) => image.decode().catch(() => 0)));
  const faults = images.filter((image) => !image.naturalWidth).map((image) => `empty image ${image.src}`);
  const { scrollWidth } = document.scrollingElement;
  return scrollWidth > innerWidth ? [...faults, `${scrollWidth} pixels wide`] : faults;
}"""

# Every fold is opened. Of highlighted code, most of the site, one token of a kind stays: they look alike.
SHOW_ALL = """() => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  for (const anchor of document.querySelectorAll(".highlight a:empty")) anchor.remove();
  const kinds = new Set();
  for (const token of document.querySelectorAll(".highlight :is(code, .linenos) span[class]")) {
    if (kinds.has(token.className)) token.replaceWith(token.textContent);
    kinds.add(token.className);
  }
}"""
# Entries of the reference and of the menu, which templates make by the hundred, stay while they show anything
# that none before them did: an element of another class. Colours follow from classes.
ONE_OF_A_KIND = """() => {
  const kindOf = (element) => `${element.tagName}.${element.className}`;
  const seen = {};
  for (const entry of document.querySelectorAll(".doc-object, .md-nav__item")) {
    const known = (seen[kindOf(entry)] ??= new Set());
    const kinds = [...entry.querySelectorAll("*")].map(kindOf);
    if (known.size && kinds.every((kind) => known.has(kind))) entry.remove();
    else for (const kind of kinds) known.add(kind);
  }
}"""
STEADY = "* { transition: none !important; animation: none !important; }"  # no colour halfway to another
COLORS = ["color-contrast", "link-in-text-block"]  # all that a dark page has differently
WIDTHS = ["scrollable-region-focusable", "target-size"]  # and a narrow one, but for its own header
# The theme's script puts wide tables into boxes without tabindex. Browsers let keys scroll them anyway.
NOT_OURS = {("scrollable-region-focusable", ".md-typeset__scrollwrap")}


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser, address, **options):
    """Open a page of the site and return it with the list that its faults go into."""
    page, faults = browser.new_page(**options), []
    page.on(
        "request",
        lambda it: None if it.url.startswith(("file:", "data:", "blob:")) else faults.append(it.url),
    )
    page.on("console", lambda it: faults.append(it.text) if it.type in ("error", "warning") else None)
    page.on("pageerror", lambda it: faults.append(str(it)))
    page.goto((Path(SITE) / address).as_uri())
    return page, faults


@pytest.mark.slow
@pytest.mark.parametrize("address", PAGES)
def test_a_page_needs_no_network_and_is_no_wider_than_a_phone(browser, address):
    page, faults = opened(browser, address, viewport={"width": 390, "height": 844}, color_scheme="dark")
    faults += page.evaluate(FAULTS_OF_LAYOUT)
    page.close()
    assert faults == []


def barriers(page, rules=None, within=None):
    """Return what axe-core finds serious or critical `within` a part: rule, element and what is wrong.

    Without `rules` all are tried but those of colours.
    """
    those = {"runOnly": rules} if rules else {"rules": {rule: {"enabled": False} for rule in COLORS}}
    options = {"resultTypes": ["violations"], **those}
    return [
        f"{violation['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for violation in axe.Axe().run(page, within, options).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
        if not any(
            rule == violation["id"] and str(node["target"][-1]).startswith(start) for rule, start in NOT_OURS
        )
    ]


def barriers_of_a_phone(page):
    """Return what else axe-core finds once the page is as narrow as a phone."""
    page.set_viewport_size({"width": 390, "height": 844})
    return barriers(page, WIDTHS) + barriers(page, COLORS, within=".md-header")


@pytest.mark.slow
@pytest.mark.parametrize("address", PAGES)
def test_a_page_keeps_no_reader_out(browser, address):
    page, _ = opened(browser, address, viewport={"width": 1280, "height": 900}, color_scheme="light")
    page.evaluate(SHOW_ALL)
    page.add_style_tag(content=STEADY)
    in_light = barriers(page)
    on_a_phone = barriers_of_a_phone(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate(ONE_OF_A_KIND)
    in_light += barriers(page, COLORS)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.body.dataset.mdColorScheme === 'slate'")
    in_dark = barriers(page, COLORS)
    page.close()
    found = {"light": in_light, "dark": in_dark, "phone": on_a_phone}
    assert found == {"light": [], "dark": [], "phone": []}, address


@pytest.mark.parametrize("address", ["index.html", "reference/nn.html"])
def test_searching_works_from_disk(browser, address):
    page, faults = opened(browser, address, viewport={"width": 1280, "height": 900})
    page.click("[data-md-component=search-query]")
    page.keyboard.type("hard negative")
    page.wait_for_selector(".md-search-result__item a[href*=negative]", state="attached")  # the whole query
    first = page.query_selector(".md-search-result__item > a")
    assert "/walkthroughs/" in first.evaluate("link => link.href")
    page.close()
    assert faults == []


def test_every_slide_is_printed_on_a_landscape_sheet_of_its_own(browser):
    page, faults = opened(browser, "slides.html", color_scheme="dark")
    slides = page.locator(".slide").count()
    printed = page.pdf(prefer_css_page_size=True)
    page.close()
    sheets = re.findall(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert slides > 20
    assert len(sheets) == slides
    assert all(float(width) > float(height) for width, height in sheets)
    assert faults == []


def test_a_barrier_would_be_noticed(browser, tmp_path):
    (tmp_path / "page.html").write_text(
        '<html lang="en"><title>.</title><main><h1>.</h1><input type="text"><img src="data:,">'
        '<p style="background: white; color: silver">Pale</p><div role="sheep"></div>'
        '<div class="{0}" style="height: 2em; overflow: auto">{1}</div>'
        '<div class="own" style="height: 2em; overflow: auto">{1}</div></main>'.format(
            "md-typeset__scrollwrap", "<p>Long</p>" * 9
        ),
        encoding="utf-8",
    )
    page, _ = opened(browser, tmp_path / "page.html")
    found, of_color = barriers(page), barriers(page, COLORS)
    page.close()
    rules = ["aria-roles", "image-alt", "label", "scrollable-region-focusable"]
    assert sorted(barrier.partition(":")[0] for barrier in found) == rules
    assert next(it for it in found if it.startswith("scrollable")).split(": ")[1] == ".own"
    assert [barrier.partition(":")[0] for barrier in of_color] == ["color-contrast"]


def test_of_entries_made_by_a_template_each_kind_stays(browser, tmp_path):
    entry = '<div class="doc-object"><b class="{}">Name</b></div>'
    entries = "".join(entry.format(kind) for kind in ("plain", "plain", "pale", "plain"))
    (tmp_path / "page.html").write_text(
        '<html lang="en"><title>.</title><style>.pale { background: white; color: silver }</style>'
        f"<main><h1>.</h1>{entries}</main>",
        encoding="utf-8",
    )
    page, _ = opened(browser, tmp_path / "page.html")
    page.evaluate(ONE_OF_A_KIND)
    left, found = page.locator(".doc-object").count(), barriers(page, COLORS)
    page.close()
    assert left == 2
    assert [barrier.partition(":")[0] for barrier in found] == ["color-contrast"]


def test_a_barrier_on_a_phone_would_be_noticed(browser, tmp_path):
    (tmp_path / "page.html").write_text(
        '<html lang="en"><title>.</title><meta name="viewport" content="width=device-width"><style>'
        "a { display: block; height: 6px; margin: 40px; overflow: hidden; font-size: 6px }"
        "@media (width < 400px) { p { width: 9px; overflow: auto } a { margin: 0 } b { color: silver } }"
        '</style><header class="md-header"><b>Pale</b></header>'
        '<main><p>Long-word</p><a href="#1">One</a><a href="#2">Two</a></main>',
        encoding="utf-8",
    )
    page, _ = opened(browser, tmp_path / "page.html", viewport={"width": 1280, "height": 900})
    wide, found = barriers(page, WIDTHS + COLORS), barriers_of_a_phone(page)
    page.close()
    assert wide == []
    assert {barrier.partition(":")[0] for barrier in found} == {*WIDTHS, "color-contrast"}


def test_a_fault_would_be_noticed(browser, tmp_path):
    (tmp_path / "page.html").write_text(
        '<img src="none.png"><div style="width: 2000px">.</div><script src="https://example.org/a.js"></script>'
        "<script>x.y</script>",
        encoding="utf-8",
    )
    page, faults = opened(browser, tmp_path / "page.html", viewport={"width": 390, "height": 844})
    faults += page.evaluate(FAULTS_OF_LAYOUT)
    page.close()
    for expected in ("https://example.org/a.js", "x is not defined", "empty image", "pixels wide"):
        assert any(expected in fault for fault in faults)
