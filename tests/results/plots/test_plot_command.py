"""``fecbench plot``: the pictures that it writes, and the targets that it refuses before the work."""

import xml.etree.ElementTree as ElementTree
from contextlib import nullcontext
from pathlib import Path

import pytest

from fecbench.core.errors import RunError
from fecbench.results.plots.saving import check_target, save


@pytest.mark.slow
def test_the_commands(fecbench, trained, recorded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = trained["ce"].folder.parent
    code, out, err = fecbench(
        "plot", "embeddings", "ce", "aml", "--root", root, "--labels", "glad, sad", "--device", "cpu"
    )
    assert code == 0, err
    assert [line.split()[:2] for line in out.splitlines()[1:3]] == [["ce", "ce"], ["aml", "aml"]]
    assert "over 12 test rows: 10-NN accuracy" in out
    assert "note: The runs differ in more than the method and its options: head (linear, label)" in out
    assert Path("embeddings.png").read_bytes().startswith(b"\x89PNG")
    code, out, err = fecbench("plot", "dynamics", "aml", "--root", root, "--out", "d.svg")
    assert (code, out) == (0, "written: d.svg\n")
    ElementTree.parse("d.svg")
    assert "gap (min-step loss - max-step loss)" in Path("d.svg").read_text(encoding="utf-8")
    assert "mean score" not in Path("d.svg").read_text(encoding="utf-8")
    code, _, err = fecbench("plot", "dynamics", "aml", "--root", root, "--all", "--out", "all.svg")
    assert code == 0, err
    assert "mean score" in Path("all.svg").read_text(encoding="utf-8")
    for weight in (1.0, 2.0):
        recorded(str(weight), weight / 4, weight=weight, limit=8)
    code, out, err = fecbench("plot", "sensitivity")
    assert code == 0, err
    assert [line.split() for line in out.splitlines()[1:3]] == [
        ["weight", "ed", "1", "25.00", "1"],
        ["weight", "ed", "2", "(base)", "50.00", "1"],
    ]
    assert "note: LIMITED: runs were trained on the first 8 rows only\n" in out
    assert Path("sensitivity.png").read_bytes().startswith(b"\x89PNG")
    code, _, err = fecbench("plot", "sensitivity", "nowhere")
    assert (code, "nowhere holds none" in err) == (1, True)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x.docs", r"x\.docs must end in \.png, \.svg, \.pdf; choose another --out"),
        ("x.jpg", r"x\.jpg must end in"),
        ("x", r"/x must end in"),
        ("folder", r"folder must end in"),
        ("album.png", r"album\.png can't be written: it is a folder"),
        ("no/x.png", "isn't a folder; create it"),
    ],
)
def test_targets_that_cannot_be_written_are_refused(tmp_path, name, reason):
    from matplotlib.figure import Figure

    for folder in ("folder", "album.png"):
        (tmp_path / folder).mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RunError, match=reason):
        check_target(tmp_path / name)
    with pytest.raises(RunError, match=reason):
        save(Figure(), tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_a_bad_out_is_refused_before_the_work(fecbench, trained, recorded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = trained["ce"].folder.parent
    for command in (["dynamics", root / "ce"], ["embeddings", root / "ce"], ["sensitivity", tmp_path / "no runs here"]):
        code, out, err = fecbench("plot", *command, "--out", "picture")
        assert (code, out, err) == (1, "", "fecbench: picture must end in .png, .svg, .pdf; choose another --out\n")


@pytest.mark.parametrize("command", ["sensitivity", "confusion", "scores"])
def test_what_reads_many_records_says_so_meanwhile(fecbench, tmp_path, monkeypatch, command):
    """Nothing is there to be read, so that the line is all that happens."""
    said = []
    monkeypatch.setattr("fecbench.cli.plot.status_line", lambda: nullcontext(said.append))
    code, _, _ = fecbench("plot", command, tmp_path / "none", "-o", tmp_path / "p.svg")
    assert (code != 0, said) == (True, ["reading the runs"])
