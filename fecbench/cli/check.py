"""``fecbench check NAME``: whether an objective does what every objective must."""

from __future__ import annotations

import inspect
import sys
import time
import traceback
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from fecbench.cli.output import print_json
from fecbench.cli.saying import say
from fecbench.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fecbench.objective import Objective


@click.command()
@click.argument("name", metavar="OBJECTIVE")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def check(name: str, as_json: bool) -> None:
    """Run the conformance checks on an objective, on the demo data with the scratch encoder on the CPU.

    Exit code 1 if one fails; each failure says what was required, what was found, and where to look. A plugin's own tests run the same
    checks by subclassing fecbench.testing.ObjectiveConformance.
    """
    from fecbench import objective
    from fecbench.testing import ObjectiveConformance

    kind = objective.named(name)

    kit = type("Kit", (ObjectiveConformance,), {"name": name})()
    rows, started = [], time.perf_counter()
    for method, required in kit.checks().items():
        with _one_thread():
            reason = _reason(getattr(kit, method), required, kind)
        rows.append({"check": method.removeprefix("test_").replace("_", " "), "requires": required, "failure": reason})
        if not as_json:
            say(f"{'FAILED' if reason else 'ok    '} {rows[-1]['check']}{reason}")
    failed = sum(bool(row["failure"]) for row in rows)
    if as_json:
        print_json(rows)
    say(f"{name}: {len(rows) - failed} of {len(rows)} checks hold ({time.perf_counter() - started:.0f} s)", err=True)
    sys.exit(1 if failed else 0)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Networks this small gain nothing from more threads, and lose much on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _reason(check: Callable[[], None], required: str, kind: type[Objective]) -> str:
    """Why a check fails; empty where it holds."""
    from fecbench.testing import NotConforming

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check()
    except NotConforming as failure:
        return str(failure)
    except Exception as error:  # a plugin's code can raise anything
        return _told(required, error.__cause__ if isinstance(error, PluginError) and error.__cause__ else error, kind)
    return ""


def _told(required: str, error: BaseException, kind: type[Objective]) -> str:
    from fecbench.testing import NotConforming

    return str(NotConforming(required, f"{type(error).__name__}: {error}", _place(error, kind)))


def _place(error: BaseException, kind: type[Objective]) -> str:
    """The last line of the objective's own files that led to ``error``; its updates where none did."""
    from fecbench import objective
    from fecbench.testing.subject import place

    own = {inspect.getsourcefile(base) for base in kind.__mro__ if issubclass(base, objective.Objective)} - {objective.__file__}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in own]
    return f"{frames[-1].filename}:{frames[-1].lineno} ({frames[-1].name})" if frames else place(kind, "updates")
