"""LaTeX for papers: place, caption, label, names and notes of tables, and that it compiles in two columns."""

import shutil
import subprocess
from dataclasses import replace

import pytest

from fecbench.core.errors import UsageError
from fecbench.results.latex import check_label, escape, head, line, table
from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats.registered import render
from fecbench.results.leaderboard.paper_table import published
from fecbench.results.leaderboard.view.view import View

PAPER = View(notes="short", display_names=True, caption="Main results, in 100%", label="tab:main")


def test_a_narrow_table_takes_one_column_and_a_wide_one_both(three):
    text = render(replace(board_of_records(three), published=published()), "latex")
    assert [line for line in text.splitlines() if line.startswith(r"\begin{table")] == [
        r"\begin{table}[t]",
        r"\begin{table*}[t]",
    ]
    assert text.count(r"\end{table}") == text.count(r"\end{table*}") == 1


def test_caption_and_label_are_the_given_ones(three):
    text = render(PAPER.of(board_of_records(three)), "latex")
    assert r"\caption{Main results, in 100\%}" in text
    assert r"\label{tab:main}" in text
    assert "Test scores in percent" in text.partition(r"\caption")[2]  # under the table instead of in the caption


def test_several_tables_have_labels_and_captions_of_their_own(three):
    text = render(PAPER.of(replace(board_of_records(three), published=published())), "latex")
    assert [text.count(label) for label in (r"\label{tab:main}", r"\label{tab:main-2}")] == [1, 1]
    assert r"\caption{Main results, in 100\% (demo)}" in text


def test_without_notes_only_the_caption_is_there(three):
    text = render(View(notes="none", caption="Results").of(board_of_records(three)), "latex")
    assert r"\footnotesize" not in text
    assert r"\caption{Results}" in text


def test_a_data_set_without_columns_has_no_heading(make):
    records = [make("ce", extra={"kappa": 0.5}), make("ce", dataset="ed-prepared")]
    board = board_of_records(records, ["demo", "ed-prepared"])
    text = render(View(metrics=("kappa",)).of(board), "latex")
    assert r"\multicolumn{1}{c}{demo}" in text
    assert "{c}{ed-prepared}" not in text
    assert r"\multicolumn{0}" not in text


@pytest.mark.parametrize("label", ["tab:x", "tab:a-b_c.2/3", ""])
def test_labels_are_checked(label):
    check_label(label)
    with pytest.raises(UsageError, match="must consist of letters"):
        check_label(f"{label}}}")


def test_the_command_writes_a_table_for_a_paper(three, fecbench, tmp_path):
    file = tmp_path / "table.tex"
    flags = ("--caption", "Results", "--label", "tab:r", "--metrics", "macro_f1,accuracy", "-o", file)
    code, _, err = fecbench("leaderboard", tmp_path / "runs", *flags)
    assert code == 0, err
    text = file.read_text(encoding="utf-8")
    assert "Method & Rank & Macro-F1 $\\uparrow$ & Acc $\\uparrow$" in text
    assert text.index("AML & 1 &") < text.index("Cross-entropy & 2 &")
    for flags, said in {
        ("--label", "tab:r"): "--caption and --label are for LaTeX, but the format is terminal",
        ("--format", "latex", "--label", "{"): "a label must consist of letters",
        ("--metrics", "acuracy"): "did you mean 'accuracy'",
        ("--sort", "acuracy"): "did you mean 'accuracy'",
    }.items():
        code, _, err = fecbench("leaderboard", tmp_path / "runs", *flags)
        assert (code, said in err) == (2, True), err


def test_the_command_ranks_what_people_read_and_leaves_data_as_it_is(three, fecbench, tmp_path):
    for form, heading in {"terminal": "Rank", "markdown": "| Rank |", "latex": "& Rank &"}.items():
        ranked, plain = (
            fecbench("leaderboard", tmp_path / "runs", "--format", form, *sort)[1] for sort in ((), ("--sort", "none"))
        )
        assert (heading in ranked, heading in plain) == (True, False), form
    for form in ("csv", "json", "html"):
        default, plain = (
            fecbench("leaderboard", tmp_path / "runs", "--format", form, *sort)[1] for sort in ((), ("--sort", "none"))
        )
        assert default == plain


def compiled(tables, folder):
    """Return what pdflatex says of tables on a page of two columns; they must compile."""
    head = r"\documentclass[twocolumn]{article}\usepackage{booktabs,graphicx}"
    (folder / "page.tex").write_text(rf"{head}\begin{{document}}Text.{tables}\end{{document}}", encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


needs_pdflatex = pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex isn't installed")


@needs_pdflatex
def test_tables_compile_on_a_page_of_two_columns(three, make, tmp_path):
    others = [make(method, accuracy=0.7, seed=seed, epochs=2) for method in ("taco", "lcl") for seed in range(3)]
    board = replace(board_of_records([*three, *others]), published=published())
    said = compiled("\n".join(render(PAPER.of(one), "latex") for one in (board, board_of_records(three))), tmp_path)
    assert "Overfull" not in said
    assert "too large" not in said


@needs_pdflatex
def test_a_table_longer_than_the_page_shrinks_to_it(tmp_path):
    body = [line(["Method", "Acc"]), *(line([f"method {number}", "50.00"]) for number in range(120))]
    for wide in (False, True):
        said = compiled(f"{head('Long')}\n{table('lr', body, 'Long', wide=wide)}", tmp_path)
        assert "too large" not in said
        assert "Overfull" not in said


@needs_pdflatex
def test_every_sign_compiles(tmp_path):
    signs = "".join(chr(number) for number in (*range(32, 127), *range(161, 256)))
    typographic = "‘’“”–—−…±Δ↑↓†‡ \N{GRINNING FACE}"  # noqa: RUF001  all signs with an entry of their own
    compiled(escape(signs) + escape(typographic), tmp_path)


def test_typographic_signs_are_kept_and_others_become_question_marks():
    assert escape("“We’re”…") == r"\textquotedblleft{}We're\textquotedblright{}\ldots{}"  # noqa: RUF001
    assert escape("\N{GRINNING FACE}") == "?"


def test_a_method_that_is_nowhere_ahead_has_no_line_of_gains(three):
    ahead, behind = (render(board_of_records(three, against=name), "latex") for name in ("aml", "ce"))
    assert (r"$\Delta$" in ahead, r"$\Delta$" in behind) == (True, False)
