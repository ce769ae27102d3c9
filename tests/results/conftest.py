"""A browser for the tests of pages; they are skipped where there is no Chromium."""

import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("Chromium isn't installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium):
    """Open a file in windows of any width: ``browse(file, width=360)``; it must stay quiet and alone."""
    heard, contexts = [], []

    def open_page(file, width=1280, **options):
        address = file.as_uri()
        contexts.append(chromium.new_context(viewport={"width": width, "height": 800}, **options))
        opened = contexts[-1].new_page()
        opened.on("console", lambda message: heard.append(message.text))
        opened.on("pageerror", lambda error: heard.append(str(error)))
        opened.on(
            "request",
            lambda request: heard.append(request.url) if not request.url.startswith((address, "data:")) else None,
        )
        opened.goto(address)
        return opened

    yield open_page
    for context in contexts:
        context.close()
    assert heard == []
