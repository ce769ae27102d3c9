"""The formats: what they say, that others can add theirs, that LaTeX compiles."""

import csv
import json
import re
import shutil
import subprocess
from dataclasses import replace
from io import StringIO

import pytest

from fecbench.core import registry
from fecbench.core.errors import PluginError, UnknownName
from fecbench.core.text import escape
from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats import latex
from fecbench.results.leaderboard.formats.registered import get_format, render
from fecbench.results.leaderboard.paper_table import published


@pytest.fixture
def board(three, make):
    return replace(board_of_records([*three, make("supcon", accuracy=0.5, seed=0)]), published=published())


@pytest.mark.parametrize("name", ["markdown", "latex", "csv", "json"])
def test_every_format_is_registered_and_gives_text_that_ends_with_a_line(board, name):
    assert name in registry.formats
    text = render(board, name)
    assert text == get_format(name)(board)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert str(board.tables[0].rows[0].cells[0].runs[0].record.folder.parent) not in text


def test_markdown_shows_best_second_spread_marks_and_gain(board):
    text = render(board, "markdown")
    lines = {
        line.split(" | ")[0].removeprefix("| "): line.split(" | ")
        for line in text.splitlines()
        if line.startswith("| ")
    }
    table = board.tables[0]
    best, second = (table.rows[of[0]] for of in (table.columns[0].best, table.columns[0].second))
    score = best.cells[0].scores["accuracy"]
    assert lines[best.name][1] == f"**{100 * score.mean:.2f} ± {100 * score.std:.2f} (n=3)**"
    assert lines[second.name][1].startswith("<ins>")
    assert lines["ce"][1].endswith(" †")
    assert lines["Δ (aml vs. best baseline)"][1].startswith("+")
    assert text.index("## Published, not measured here: Table 2") > text.index("## demo")
    widths = {
        line.replace(r"\|", "").count("|")
        for line in text.partition("## Published")[0].splitlines()
        if line.startswith("|")
    }
    assert widths == {5}


def test_markdown_escapes():
    assert escape("k_pos <5> | `x`\ny") == r"k\_pos \<5\> \| \`x\` y"


def test_csv_holds_raw_numbers_and_every_seeds_score(board):
    lines = list(csv.DictReader(StringIO(render(board, "csv"))))
    (ours,) = [
        line for line in lines if (line["method"], line["metric"], line["origin"]) == ("aml", "accuracy", "measured")
    ]
    (row,) = [row for row in board.tables[0].rows if row.name == "aml"]
    score = row.cells[0].scores["accuracy"]
    assert float(ours["mean"]) == score.mean
    assert dict(zip(map(int, ours["seeds"].split()), map(float, ours["scores"].split()), strict=True)) == score.seeds
    assert (ours["encoder"], ours["epochs"], ours["limit"], ours["place"]) == ("scratch", "1", "", "best")
    assert float(ours["gain"]) > 0
    assert sum(line["origin"] == "published" for line in lines) == 15 * 6


def test_json_spells_significance_out(board):
    found = json.loads(render(board, "json"))
    (table,) = found["tables"]
    pairs = {(pair["other"], pair["metric"]): pair for pair in table["significance"]}
    tested, untested = pairs["ce", "accuracy"], pairs["supcon", "accuracy"]
    assert (tested["best"], tested["seeds"], tested["examples"], tested["significant"]) == ("aml", [0, 1, 2], 150, True)
    assert tested["p"] == max(tested["p_examples"], tested["p_seeds"])
    assert (untested["significant"], untested["holm"]) == (None, None)
    assert "3 seeds" in untested["reason"]
    cell = table["rows"][-1]["cells"][0]
    assert cell["settings"]["encoder"] == "scratch"
    assert [run["code"] for run in cell["runs"]] == ["c1"] * 3
    assert table["datasets"][0]["fingerprint"] == "rows of demo"
    assert len(found["published"]["rows"]) == 15


@pytest.mark.parametrize("name", ["[99cm] x", "*starred", "*[99cm]", " [2pt]y", "(lr){1-2}"])
def test_latex_takes_no_name_for_an_argument(board, name):
    """After \\\\ and rules comes neither a bracket nor a star, which LaTeX would swallow without an error."""
    (table,) = board.tables
    columns = tuple(replace(column, label=name) for column in table.columns)
    rows = tuple(replace(row, name=name) for row in table.rows)
    datasets = tuple(replace(version, name=name) for version in table.datasets)
    named = replace(table, title=name, rows=rows, columns=columns, datasets=datasets, notes=(name,))
    text = latex.latex(replace(board, title=name, tables=(named,), notes=(name,)))
    body = text[text.index(r"\begin{table") :]
    taken = re.findall(
        r"(?:\\\\|\\[a-z]+rule(?:\(lr\))?(?:\{[\d-]+\})?|\\(?:par|item|caption|raggedright|footnotesize))\s*([\[*])",
        body,
    )
    assert taken == []
    assert latex.escape(name).replace("{", "").replace("}", "").replace("\\", "") == name.strip().replace(
        "{", ""
    ).replace("}", "")
    first_cells = [line.split(" & ")[0] for line in body.splitlines() if line.endswith(r"\\")]
    assert latex.escape(name) in first_cells


def test_latex_joins_no_signs():
    assert latex.escape("--- ?` !` ``x''") == "-{}-{}- ?{}` !{}` `{}`x'{}'"


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex isn't installed")
@pytest.mark.parametrize("packages", ["booktabs", "booktabs,graphicx"])
def test_latex_compiles(board, make, tmp_path, packages):
    nasty = replace(
        board.tables[0],
        notes=(
            "[99cm] x",
            "*starred",
            r"100% of a_b & {c} #$~^\ <x> | → “y” é --lr",
        ),
    )
    text = latex.latex(replace(board, tables=(nasty,)))
    head = rf"\documentclass{{article}}\usepackage[margin=2cm]{{geometry}}\usepackage{{{packages}}}"
    page = rf"{head}\begin{{document}}{text}\end{{document}}"
    (tmp_path / "page.tex").write_text(page, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert ("Overfull" in done.stdout) == (packages == "booktabs")  # graphicx shrinks the wide table


def test_latex_looks_like_the_papers_table(board):
    text = render(board, "latex")
    assert r" &  & \multicolumn{3}{c}{ED} & \multicolumn{3}{c}{GE} \\" in text
    assert r"\cmidrule(lr){3-5} \cmidrule(lr){6-8}" in text
    assert r"AML (ours) & roberta-base & \textbf{65.52 $\pm$ 0.27}$^\ddagger$ & " in text
    assert r"$\Delta$ (AML (ours) vs. best baseline)} & +8.17\% & +8.36\% &  & +0.12\% & +0.38\% &  \\" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 2


def test_a_third_partys_format(install, board):
    install("my-format", "fecbench_formats", short="my_short:short", code="def short(board):\n    return board.title")
    assert render(board, "short") == "Leaderboard"


def test_a_broken_format_is_named(install, board):
    code = """
    nothing = 5
    def number(board): return 5
    def failing(board): return board.nothing
    """
    install(
        "bad-format",
        "fecbench_formats",
        nothing="bad_f:nothing",
        number="bad_f:number",
        failing="bad_f:failing",
        code=code,
    )
    for name, reason in {
        "nothing": "must be a function of a board",
        "number": "must return text, but returned int",
        "failing": "AttributeError",
    }.items():
        with pytest.raises(PluginError, match=f"the format '{name}' .*bad-format 1.0.*{reason}"):
            render(board, name)
    with pytest.raises(UnknownName, match="did you mean 'markdown'"):
        render(board, "markdwn")


def test_the_published_table_is_the_papers():
    table = published()
    assert len(table.rows) == 15
    means = {row.name: [row.cells[c.dataset].scores[c.metric].mean for c in table.columns] for row in table.rows}
    assert means["TACO"] == pytest.approx([0.6057, 0.5994, 0.5982, 0.6597, 0.6542, 0.5823])
    assert means["AML (ours)"] == pytest.approx([0.6552, 0.6495, 0.5734, 0.6605, 0.6567, 0.5719])
    assert table.rows[10].cells[0].scores["accuracy"].std is None  # zero-shot
    best = [{table.rows[number].name for number in column.best} for column in table.columns]
    assert best == [{"AML (ours)"}, {"AML (ours)"}, {"TACO"}] * 2
    assert [row.name for row in table.rows if any(cell.footnote for cell in row.cells)] == ["AML (ours)"]
    assert not any(column.comparisons for column in table.columns)


def test_our_gain_gives_the_papers_last_row():
    (gain,) = published().gains
    assert [value and f"{100 * value:+.2f}" for value in gain.values] == [
        "+8.17",
        "+8.36",
        None,
        "+0.12",
        "+0.38",
        None,
    ]


@pytest.fixture
def mixed(make):
    """Two budgets: on one epoch aml beats ce, on two epochs supcon beats taco, and supcon stands above all."""
    means = {("ce", 1): 0.3, ("aml", 1): 0.6, ("taco", 2): 0.65, ("supcon", 2): 0.95}
    return [
        make(method, accuracy=mean, seed=seed, epochs=epochs)
        for (method, epochs), mean in means.items()
        for seed in range(3)
    ]


def test_ranks_stand_within_an_encoder_and_budget_and_every_format_says_so(mixed, fecbench, tmp_path):
    board = board_of_records(mixed)
    (table,) = board.tables
    numbers = {row.name: number for number, row in enumerate(table.rows)}
    for column in table.columns:
        assert set(column.best) == {numbers["aml"], numbers["supcon"]}
        assert set(column.second) == {numbers["ce"], numbers["taco"]}
        assert {(pair.best, pair.other) for pair in column.comparisons} == {
            (numbers[a], numbers[b]) for a, b in (("aml", "ce"), ("supcon", "taco"))
        }
        assert (
            column.group(numbers["aml"])
            == column.group(numbers["ce"])
            != column.group(numbers["taco"])
            == column.group(numbers["supcon"])
        )
    said = "best of the column among rows of the same encoder and budget"
    _, terminal, _ = fecbench("leaderboard", tmp_path / "runs")
    assert f"In *asterisks*: {said}; in _underscores_: second." in terminal
    assert f"† The {said} is significantly better" in terminal
    for text in (render(board, name) for name in ("markdown", "latex", "html")):
        assert f"Bold: {said}; underlined: second." in text
        assert f"† The {said} is significantly better" in text.replace(r"$^\dagger$", "†")
        assert "The best of the column is" not in text
    assert json.loads(render(board, "json"))["tables"][0]["best"] == said
    lines = {line["method"]: line for line in csv.DictReader(StringIO(render(board, "csv")))}
    assert {name: (line["group"], line["place"]) for name, line in lines.items()} == {
        "ce": ("1", "second"),
        "aml": ("1", "best"),
        "supcon": ("2", "best"),
        "taco": ("2", "second"),
        "most frequent test class": ("", ""),
    }
    bold = [line for line in render(board, "markdown").splitlines() if line.startswith("| ") and "**" in line]
    assert [line.split(" | ")[0] for line in bold] == ["| aml", "| supcon"]


def test_one_budget_is_ranked_by_the_column(board):
    assert "Bold: best of the column; underlined: second." in render(board, "markdown")
    lines = csv.DictReader(StringIO(render(board, "csv")))
    assert {line["group"] for line in lines if line["origin"] != "computed"} == {"1"}
