"""``fecbench cases BETTER WORSE``: examples that one method gets right and another wrong."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fecbench.cli.terminal.echo import echo, echo_document
from fecbench.cli.terminal.output import print_table
from fecbench.core.errors import UsageError
from fecbench.core.files import OUTPUT, replacing
from fecbench.core.options import PATH
from fecbench.runs.find import find_run
from fecbench.runs.record import ROOT

FORMATS = ("terminal", "markdown", "json")


@click.command()
@click.argument("better")
@click.argument("worse")
@click.option(
    "--split", type=click.Choice(["validation", "test"]), default="test", show_default=True, help="whose rows to judge"
)
@click.option("--top", type=click.IntRange(min=0), default=10, show_default=True, help="examples to show")
@click.option("--data-dir", type=PATH, help="folder with a folder for each data set")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="default: terminal; for a file markdown, or json where it ends so",
)
@click.option("-o", "--out", type=PATH, help="file to write instead of printing")
@click.option("--root", type=PATH, default=ROOT, show_default=True, help="where runs are looked for")
def cases(
    better: str, worse: str, split: str, top: int, data_dir: Path | None, form: str | None, out: Path | None, root: Path
) -> None:
    """Examples that BETTER gets right and WORSE wrong, those first where the gold label's probability gains most.

    BETTER and WORSE are runs' ids, folders, or methods' names (then the newest complete run), on the same rows. `fecbench cases aml
    aml-no-adv` is Table 4 of the AML paper. How many examples there are, and how many the other way round, is said above them.
    Texts and gold labels come from the data, which must be here; a record holds neither.
    """
    form = form or _fitting(out)
    if out and form == "terminal":
        raise UsageError("a file is written as markdown or json; choose with --format, or leave out -o")
    from fecbench.results.cases import as_dict, find_cases, markdown, table

    found = find_cases(find_run(better, root), find_run(worse, root), split, data_dir)
    if form == "terminal":
        echo(found.summary(top))
        print_table(*table(found, top))
        if found.remark:
            echo(f"note: {found.remark}")
        return
    text = (
        markdown(found, top)
        if form == "markdown"
        else json.dumps(as_dict(found, top), indent=1, ensure_ascii=False) + "\n"
    )
    if out:
        _write(out, text)
    else:
        echo_document(text)


def _fitting(out: Path | None) -> str:
    """The format where none is asked for."""
    if out is None:
        return "terminal"
    return "json" if out.suffix == ".json" else "markdown"


def _write(path: Path, text: str) -> None:
    with replacing(path, OUTPUT) as draft:
        draft.write_text(text, encoding="utf-8")
    echo(f"written: {path}")
