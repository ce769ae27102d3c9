"""The leaderboard's page in a browser; skipped where there is no Chromium."""

import re
from functools import partial

import pytest

from fecbench.results.leaderboard.formats.page.render import page

pytestmark = pytest.mark.slow


@pytest.fixture
def visit(browse, board, tmp_path):
    """Open the page: ``visit(width=360, color_scheme="dark")``."""
    (tmp_path / "board.html").write_text(page(board), encoding="utf-8")
    return partial(browse, tmp_path / "board.html")


def order(opened) -> list[str]:
    return opened.locator("table").first.locator("tbody th").all_text_contents()


def test_heads_sort_by_mouse_and_by_keyboard(visit, board):
    opened, table = visit(), board.tables[0]
    column = opened.locator("table").first.locator("th", has_text="Weighted-F1")
    means = {row.name: row.cells[0].scores["weighted_f1"].mean for row in table.rows}
    falling = sorted(means, key=lambda name: -means[name])
    assert order(opened) == [row.name for row in table.rows]
    column.get_by_role("button").click()
    assert (order(opened), column.get_attribute("aria-sort")) == (falling, "descending")
    column.get_by_role("button").click()
    assert (order(opened), column.get_attribute("aria-sort")) == (falling[::-1], "ascending")
    column.get_by_role("button").focus()
    opened.keyboard.press("Enter")
    assert (order(opened), column.get_attribute("aria-sort")) == (falling, "descending")
    opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Space")  # the head of the methods, by name
    assert order(opened) == sorted(means)
    assert column.get_attribute("aria-sort") is None
    assert opened.locator("tfoot th").first.text_content().startswith("Δ")  # the last row stays the last


def test_what_is_missing_stays_last(visit, chromium):
    opened = visit()
    table = opened.locator("#table-2 table")
    button = table.locator("th[data-column='4'] button")
    names = {"AML (ours)", "SACL"}
    opened.evaluate(
        "names => document.querySelectorAll('#table-2 tbody tr').forEach(row => "
        "names.includes(row.cells[0].textContent)"
        " && delete row.cells[4].dataset.value)",
        list(names),
    )
    for _ in range(2):
        button.click()
        assert set(table.locator("tbody th").all_text_contents()[-2:]) == names


def test_without_script_the_tables_stand_as_written(visit, board):
    opened = visit(java_script_enabled=False)
    assert opened.locator("button").count() == 0
    assert order(opened) == [row.name for row in board.tables[0].rows]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_schemes_are_readable(visit, scheme):
    opened = visit(color_scheme=scheme)
    ground = _luminance(opened.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
    assert ground < 0.05 if scheme == "dark" else ground > 0.9
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    colours = opened.evaluate(
        "[...document.querySelectorAll('h1, p, caption, td, th, a, li, .spread, dd, svg text')]"
        ".map((one) => getComputedStyle(one)[one.closest('svg') ? 'fill' : 'color'])"
    )
    assert len(set(colours)) >= 3
    for colour in set(colours):
        assert _contrast(_luminance(colour), ground) >= 4.5, colour
    strokes = opened.evaluate("[...document.querySelectorAll('polyline')].map((one) => getComputedStyle(one).stroke)")
    assert len(set(strokes)) >= 3
    assert min(_contrast(_luminance(colour), ground) for colour in strokes) >= 3


def test_what_is_printed_is_dark_on_light(visit):
    opened = visit(color_scheme="dark")
    opened.emulate_media(media="print")
    assert opened.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    for element in ("h1", ".legend", "a.mark"):
        colour = opened.locator(element).first.evaluate("one => getComputedStyle(one).color")
        assert _contrast(_luminance(colour), 1.0) >= 4.5, element


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of a computed colour."""
    parts = [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: float, other: float) -> float:
    low, high = sorted((one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_never_scrolls_sideways_but_its_tables_do(visit, width):
    opened = visit(width)
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    if width == 360:
        assert opened.evaluate(
            "[...document.querySelectorAll('.scroll')].some((one) => one.scrollWidth > one.clientWidth)"
        )
        wide = opened.evaluate(
            "Math.max(...[...document.querySelectorAll('caption span')].map((one) => "
            "one.getBoundingClientRect().right))"
        )
        assert wide <= width


def test_training_opens(visit):
    opened = visit()
    closed = opened.locator("details", has=opened.locator("summary", has_text=re.compile("^aml$")))
    assert not closed.locator("figure").first.is_visible()
    closed.locator("summary").click()
    assert closed.locator("figure").first.is_visible()
    assert closed.locator("figure").first.locator("polyline").first.bounding_box()["width"] > 100
