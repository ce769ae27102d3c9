"""A benchmark's progress as a table of the terminal and of a notebook."""

import io
from threading import Event

from rich.console import Console

from fecbench.bench.status import BenchStatus
from fecbench.bench.time_estimates import Estimates
from fecbench.core.errors import RunError
from fecbench.terminal import bench_progress
from fecbench.terminal.bench_progress import Watch, html_table, table

ROWS = [
    BenchStatus("a<b", "demo", 1, 1, 0, 2, "s0 epoch 1/2", 60.0),
    BenchStatus("lost", "demo", 0, 0, 0, 1, "", None, ("no such encoder",)),
]


def test_both_tables_have_the_same_cells():
    screen = io.StringIO()
    Console(file=screen, width=200).print(table(ROWS, "time left: 1 min"))
    for cells in (["a<b", "demo", "1", "1", "2", "s0 epoch 1/2", "60 s"], ["lost", "demo", "1", "can't start"]):
        assert any(all(cell in line for cell in cells) for line in screen.getvalue().splitlines())
    html = html_table(ROWS, "time left: 1 min")
    first = ("a&lt;b", "demo", "1", "1", "", "2", "s0 epoch 1/2", "60 s")
    assert "".join(f"<td>{cell}</td>" for cell in first) in html
    assert "<td>can&#x27;t start</td><td>unknown</td>" in html
    assert html.endswith("<p>time left: 1 min</p>")


class Nothing:
    """A benchmark without runs."""

    def all_tasks(self):
        return []


def test_a_notebook_shows_the_table_until_the_end(monkeypatch):
    shown = []

    class Output:
        def show(self, html):
            shown.append(html)

    monkeypatch.setattr(bench_progress, "NotebookOutput", Output)
    monkeypatch.setattr(bench_progress, "console", lambda **_: Console(file=io.StringIO(), force_jupyter=True))
    monkeypatch.setattr(bench_progress, "bench_status", lambda *_: ROWS[:1])
    with Watch(Nothing(), Estimates([]), 1):
        pass
    assert len(shown) >= 2
    assert all("a&lt;b" in html for html in shown)


def test_a_look_that_fails_is_repeated(monkeypatch):
    """Another bench can rename a folder while it is read."""
    failed = Event()

    def look(*_):
        if failed.is_set():
            return ROWS[:1]
        failed.set()
        raise RunError("gone")

    screen = Console(file=io.StringIO(), force_terminal=True, force_jupyter=False, width=200)
    monkeypatch.setattr(bench_progress, "console", lambda **_: screen)
    monkeypatch.setattr(bench_progress, "bench_status", look)
    with Watch(Nothing(), Estimates([]), 1):
        assert failed.wait(60)
    assert "a<b" in screen.file.getvalue()
