"""The rows of data sets as a LaTeX table (Table 1 of the AML paper)."""

from fecbench.core.settings import RunSettings
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.measures.statistics import measure
from fecbench.results.data_latex import data_table


def test_a_data_set_has_a_line_with_its_rows_and_labels():
    demo = measure(load_dataset(RunSettings(dataset="demo"), DataLocations()))
    text = data_table([demo])
    labels = len(demo.data.labels)
    assert rf"demo & 1{{,}}140 & 240 & 240 & {labels} \\" in text
    assert r"Data set & Train & Validation & Test & Labels \\" in text
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 1
    assert text.endswith("\n")


def test_the_table_has_the_given_caption_and_label(fecbench, tmp_path):
    about = ("--caption", "Sizes", "--label", "tab:data")
    code, _, err = fecbench("data", "stats", "demo", "--latex", tmp_path / "t.tex", *about)
    assert code == 0, err
    text = (tmp_path / "t.tex").read_text(encoding="utf-8")
    assert (r"\caption{Sizes}" in text, r"\label{tab:data}" in text) == (True, True)
    code, _, err = fecbench("data", "stats", "demo", *about)
    assert (code, "add --latex FILE" in err) == (2, True)


def test_the_command_writes_it_besides_what_is_printed(fecbench, tmp_path):
    code, out, err = fecbench("data", "stats", "demo", "--latex", tmp_path / "t.tex")
    assert (code, "Rows" in out, "written:" in err) == (0, True, True), err
    assert r"\toprule" in (tmp_path / "t.tex").read_text(encoding="utf-8")
    code, _, err = fecbench("data", "stats", "demo", "--latex", tmp_path / "no" / "t.tex")
    assert (code, "can't be written" in err) == (1, True)
