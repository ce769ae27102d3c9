"""``fecbench leaderboard``, as a user meets it."""

import json

import pytest

from fecbench.runs.record import Record


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_real_runs_become_a_table(fecbench, toy, here):
    for seed in range(3):
        flags = ("--dataset", toy, "--encoder", "scratch", "--epochs", 1, "--batch-size", 16, "--seed", seed)
        assert fecbench("run", "ce", *flags, "--run-dir", here / "runs" / f"ce-{seed}")[0] == 0
        assert fecbench("run", "aml", *flags, "--run-dir", here / "runs" / "deep" / f"aml-{seed}")[0] == 0
    code, out, err = fecbench("leaderboard", "--json")
    assert code == 0, err
    (table,) = json.loads(out)["tables"]
    assert [row["method"] for row in table["rows"]] == ["ce", "aml"]
    for pair in table["significance"]:
        assert 0 <= pair["p"] <= pair["holm"] <= 1, pair["reason"]  # real predictions give the record's scores
    first = Record(here / "runs" / "ce-0").result["metrics"]["test"]
    assert table["rows"][0]["cells"][0]["scores"]["macro_f1"]["seeds"]["0"] == first["macro_f1"]


def test_the_terminals_table_isnt_cut_and_is_marked(fecbench, three, here, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    code, out, err = fecbench("leaderboard")
    assert code == 0, err
    (line,) = [line for line in out.splitlines() if line.startswith("aml")]
    assert line.count("±") == 3
    assert "\x1b[1m" in line
    assert "…" not in out
    assert "\x1b[4m" in out
    assert "Δ (aml vs. best baseline)" in out
    assert " †" in out


def test_files_take_their_format_from_their_ending(fecbench, three, here):
    assert fecbench("leaderboard", "-o", "t.tex")[:2] == (0, "")
    assert r"\toprule" in (here / "t.tex").read_text()
    assert fecbench("leaderboard", "-o", "t.txt", "--format", "csv")[0] == 0
    assert (here / "t.txt").read_text().startswith("origin,")
    code, _, err = fecbench("leaderboard", "-o", "t.doc")
    assert (code, "t.doc must end in .md, .tex, .csv, .json, .html" in err) == (2, True)
    code, _, err = fecbench("leaderboard", "-o", here / "no" / "t.md")
    assert (code, "can't be written" in err) == (1, True)


def test_the_terminals_table_can_be_written_to_a_file(fecbench, three, here, monkeypatch):
    piped = fecbench("leaderboard")[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    for number, arguments in enumerate(
        (("-o", "t.txt"), ("--format", "terminal", "-o", "t.txt"), ("--format", "terminal", "-o", "t.any"))
    ):
        code, out, err = fecbench("leaderboard", *arguments)
        assert (code, out) == (0, ""), (number, err)
        text = (here / arguments[-1]).read_text()
        assert text == piped
        (here / arguments[-1]).unlink()
    assert "\x1b" not in text
    ours, theirs = (next(line for line in text.splitlines() if line.startswith(name)) for name in ("aml", "ce"))
    assert (ours.count("*"), theirs.count("_"), theirs.count("†")) == (6, 6, 3)
    assert "In *asterisks*: best of the column; in _underscores_: second." in text
    assert "Bold" not in text


def test_the_ending_of_a_file_is_read_in_either_case_and_one_format_is_asked_for(fecbench, three, here):
    assert fecbench("leaderboard", "-o", "T.MD")[0] == 0
    assert (here / "T.MD").read_text().startswith("# ")
    code, _, err = fecbench("leaderboard", "--format", "csv", "--json")
    assert (code, "--json and --format must agree, but --format is csv; leave one out" in err) == (2, True)
    code, _, err = fecbench("leaderboard", "-o", "t")
    assert (code, "for its format to be known; add --format" in err) == (2, True)


def test_mistakes_are_said(fecbench, three, here):
    for arguments, message in {
        ("--format", "jsn"): "did you mean 'json'",
        ("nowhere",): "nowhere must be a run's folder or a folder of runs",
        ("--columns", "dem"): "did you mean 'demo'",
        ("--against", "alm"): "did you mean 'aml'",
        ("--spec", "no.toml"): "no.toml must be a readable TOML file",
        ("--spec", "no.toml", "--columns", "demo"): "leave out --columns",
    }.items():
        code, out, err = fecbench("leaderboard", *arguments)
        assert (code, out) == (2, "")
        assert message in err


def test_without_runs_it_says_what_to_run_and_published_figures_stand_alone(fecbench, here):
    code, _, err = fecbench("leaderboard")
    assert (code, "make one with: fecbench run ce --dataset demo" in err) == (1, True)
    code, out, _ = fecbench("leaderboard", "--published", "--format", "markdown")
    assert code == 0
    assert "| AML (ours) | roberta-base | **65.52 ± 0.27** ‡" in out
    assert "docs/reproduction.md" in out


def test_a_broken_record_stops_no_table(fecbench, three, here):
    (three[0].folder / "result.json").unlink()
    (three[0].folder / "failure.json").write_text("{")
    code, out, err = fecbench("leaderboard")
    assert code == 0, err
    assert f"left out because not complete: {three[0].id} (failed)" in out
    assert "(n=2)" in out


def test_a_spec_says_rows_and_seeds(fecbench, three, here):
    (here / "s.toml").write_text(
        'title = "Mine"\nobjectives = ["ce", "aml", "supcon"]\ndatasets = ["demo"]\nseeds = [0, 1, 2, 3]\n'
        "[settings]\nepochs = 1\n"
    )
    code, out, err = fecbench("leaderboard", "--spec", "s.toml", "--json")
    assert code == 0, err
    found = json.loads(out)
    (table,) = found["tables"]
    assert found["title"] == "Mine"
    assert [(row["method"], len(row["cells"][0]["runs"])) for row in table["rows"]] == [
        ("ce", 3),
        ("aml", 3),
        ("supcon", 0),
    ]
    assert table["rows"][0]["cells"][0]["missing"] == [{"seed": 3, "reason": "not run"}]


def test_publishing(fecbench, three, here):
    code, _, err = fecbench("leaderboard", "--publish", "public")
    assert (code, "published: 6 runs in public" in err) == (0, True)
    again = fecbench("leaderboard", "public", "--format", "markdown", "--sort", "none")[1]
    assert again == (here / "public" / "board.md").read_text()


def test_a_data_set_named_twice_is_one_column_group(fecbench, three, here):
    once, twice = (fecbench("leaderboard", "--columns", names, "--json") for names in ("demo", "demo,demo"))
    assert once == twice
    assert once[0] == 0
