"""The built site, opened from disk in a browser without a window, needs no network, and its search works."""

import os
import shutil
from pathlib import Path

import pytest

SITE = os.environ.get("MINIRCNN_SITE")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if not SITE or BROWSER is None:
    pytest.skip("wants MINIRCNN_SITE to name a built site, and Chromium or Chrome", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api")

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
