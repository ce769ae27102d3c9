"""``fecbench cases BETTER WORSE``: show examples that one run gets right and another wrong."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fecbench.cli.common_options import CAPTION, DATA_DIR, LABEL, ROOT, SPLIT
from fecbench.core.errors import UsageError
from fecbench.core.files import OUTPUT, replacing
from fecbench.core.options import PATH
from fecbench.runs.find import find_run
from fecbench.terminal.echo import echo, echo_document
from fecbench.terminal.output import print_table
from fecbench.terminal.status_line import status_line

FORMATS = ("terminal", "markdown", "latex", "json")
BY_SUFFIX = {".json": "json", ".tex": "latex"}  # of other files: markdown


@click.command()
@click.argument("better")
@click.argument("worse")
@SPLIT
@click.option("--top", type=click.IntRange(min=0), default=10, show_default=True, help="number of examples to show")
@DATA_DIR
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="format of the output  [default: terminal; with -o, json or latex if the file ends in .json or .tex, "
    "otherwise markdown]",
)
@click.option("-o", "--out", type=PATH, help="file to write instead of printing")
@CAPTION
@LABEL
@ROOT
def cases(
    better: str,
    worse: str,
    split: str,
    top: int,
    data_dir: Path | None,
    form: str | None,
    out: Path | None,
    caption: str,
    label: str,
    root: Path,
) -> None:
    """Show examples that one run gets right and another wrong.

    Lists rows that BETTER gets right and WORSE wrong, those with the largest gain in the gold label's probability
    first, and counts all rows. If texts can have several labels, it lists those on which BETTER has the greater Jaccard
    index, by the gain in that index, then by that in negative log-likelihood.

    BETTER and WORSE are each a run id, a run folder or a method (its newest complete run); both runs must be on the
    same rows. Texts and gold labels are read from the data, because a record holds no texts.

    \b
    Example (Table 4 of the AML paper):
      fecbench cases aml aml-no-adv
      fecbench cases aml aml-no-adv --top 4 -o table4.tex --label tab:cases
    """
    form = form or _default_format(out)
    if out and form == "terminal":
        raise UsageError(
            "-o writes markdown, latex or json, but --format is terminal; choose another format or leave out -o"
        )
    if (caption or label) and form != "latex":
        raise UsageError(f"--caption and --label are for LaTeX, but the format is {form}; add --format latex")
    from fecbench.results import case_formats
    from fecbench.results.cases import find_cases

    records = find_run(better, root), find_run(worse, root)
    with status_line() as report:
        report(f"comparing predictions of {split} rows")
        found = find_cases(*records, split, data_dir)
    if form == "terminal":
        echo(case_formats.summary(found, top))
        print_table(*case_formats.table(found, top))
        if note := case_formats.note(found):
            echo(f"note: {note}")
        return
    if form == "markdown":
        text = case_formats.markdown(found, top)
    elif form == "latex":
        from fecbench.results.case_latex import case_table

        text = case_table(found, top, caption, label)
    else:
        text = json.dumps(case_formats.as_dict(found, top), indent=1, ensure_ascii=False) + "\n"
    if out:
        _write(out, text)
    else:
        echo_document(text)


def _default_format(out: Path | None) -> str:
    """Return the format to use if --format is not given."""
    if out is None:
        return "terminal"
    return BY_SUFFIX.get(out.suffix, "markdown")


def _write(path: Path, text: str) -> None:
    with replacing(path, OUTPUT) as draft:
        draft.write_text(text, encoding="utf-8")
    echo(f"written: {path}")
