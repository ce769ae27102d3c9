"""Publishing: what is copied, that the copies tell the same, that nothing is overwritten."""

import json

import pytest
from click.testing import CliRunner

from fecbench.bench import matrix
from fecbench.bench.spec import read_spec
from fecbench.cli import cli
from fecbench.core.errors import RunError
from fecbench.core.files import write_tensors
from fecbench.data.datasets.locations import DataLocations
from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats.registered import render
from fecbench.results.leaderboard.publish import publish
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.find import find_records
from fecbench.runs.record import Record
from fecbench.runs.write_record import complete


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_copies_hold_no_weights_and_give_the_same_board(three, make, tmp_path):
    write_tensors(three[0].folder / "best.safetensors", {})
    (three[0].folder / "encoder").mkdir()
    (three[0].folder / "history.jsonl").write_text("{}\n")
    make("ce", seed=0, folder=tmp_path / "older", about={"started": "2020"})  # not behind the table
    board = board_of_records(find_records([tmp_path]))
    copies = publish(board, tmp_path / "public")
    assert sorted(path.name for path in copies) == sorted(record.id for record in three)
    assert {path.name for path in copies[0].iterdir()} == {
        "run.json",
        "result.json",
        "history.jsonl",
        "predictions.safetensors",
    }
    again = board_of_records(find_records([tmp_path / "public"]))
    ours, theirs = (json.loads(render(one, "json"))["tables"][0] for one in (board, again))
    assert ours | {"notes": None} == theirs | {"notes": None}
    assert json.loads((tmp_path / "public" / "board.json").read_text()) == json.loads(render(board, "json"))
    assert (tmp_path / "public" / "board.md").read_text() == render(board, "markdown")


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("llm-prompt", {"backend": "fake", "model": "/home/me/models/llama"}),
        ("llm-prompt", {"backend": "replay", "answers": "../kept/answers.jsonl"}),
    ],
)
def test_a_copy_of_a_run_whose_settings_are_paths_is_whole(make, tmp_path, method, options):
    record = make(method, **options)
    complete(record, record.result)
    (copy,) = publish(board_of_records([record]), tmp_path / "public")
    assert "/" not in json.dumps(json.loads((copy / "run.json").read_text())["settings"])
    assert Record(copy).result == Record(record.folder).result


def test_publishing_again_changes_nothing(three, tmp_path):
    publish(board_of_records(three), tmp_path / "public")
    before = contents(tmp_path / "public")
    publish(board_of_records(three), tmp_path / "public")
    publish(board_of_records(find_records([tmp_path / "public"])), tmp_path / "public")
    assert contents(tmp_path / "public") == before


def test_a_different_copy_is_refused_and_nothing_is_written(three, tmp_path):
    last = tmp_path / "public" / three[5].id
    last.mkdir(parents=True)
    for name in ("run.json", "predictions.safetensors"):
        (last / name).write_bytes((three[5].folder / name).read_bytes())
    (last / "result.json").write_text("{}")
    (last / "thesis.txt").write_text("precious")
    before = contents(tmp_path / "public")
    with pytest.raises(
        RunError,
        match=r"must be empty or an equal copy of .*, but differs in result\.json, thesis\.txt; publish to another",
    ):
        publish(board_of_records(three), tmp_path / "public")
    assert contents(tmp_path / "public") == before


@pytest.mark.parametrize("name", ["board.md", "board.json", "board.html"])
def test_a_page_that_is_a_link_out_of_the_folder_is_not_written_through(three, tmp_path, name):
    (tmp_path / "public").mkdir()
    (tmp_path / "precious").write_text("thesis")
    (tmp_path / "public" / name).symlink_to(tmp_path / "precious")
    with pytest.raises(RunError, match=rf"{name} must be a file in .*, but leads to .*precious"):
        publish(board_of_records(three), tmp_path / "public")
    assert (tmp_path / "precious").read_text() == "thesis"
    assert [path.name for path in (tmp_path / "public").iterdir()] == [name]


def test_two_runs_of_one_id_are_refused(make, tmp_path):
    records = [make("ce", seed=0, folder=tmp_path / "a" / "r"), make("ce", seed=1, folder=tmp_path / "b" / "r")]
    with pytest.raises(RunError, match=r"published runs must have different ids, but .* are both named r; rename one"):
        publish(board_of_records(records), tmp_path / "public")
    assert not (tmp_path / "public").exists()


def test_a_folder_that_cannot_be_made(three, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"file.* can't be written: .*; free space or choose another folder"):
        publish(board_of_records(three), tmp_path / "file" / "public")


def test_what_a_killed_process_left_is_no_copy(three, tmp_path):
    draft = tmp_path / "public" / f"{three[0].id}.unfinished"
    draft.mkdir(parents=True)
    (draft / "run.json").write_text("half")
    publish(board_of_records(three), tmp_path / "public")
    assert not draft.exists()
    assert (tmp_path / "public" / three[0].id / "run.json").read_bytes() == (three[0].folder / "run.json").read_bytes()


def test_trials_are_published_with_the_table_that_rests_on_them(toy, tmp_path, monkeypatch):
    spec = tmp_path / "spec.toml"
    spec.write_text(f"""
        title = "Two rates"
        objectives = ["ce"]
        datasets = ["{toy}"]
        seeds = [0, 1]
        settings = {{ encoder = "tiny-bert", epochs = 1, batch_size = 16 }}
        grid = {{ select = "validation", settings = {{ lr = [1e-5, 1e-2] }} }}
    """)
    monkeypatch.chdir(tmp_path)
    nothing = CliRunner().invoke(cli, ["leaderboard", "--spec", str(spec)])
    assert f"make them with: fecbench bench {spec}" in str(nothing.exception)
    for seeds in matrix.expand(read_spec(spec)).entries[0].runs:
        for planned in seeds:
            run(
                planned.plan,
                RunContext(DataLocations(), tmp_path / "runs" / planned.name(str(planned.plan.settings.lr))),
            )
    shown = CliRunner().invoke(cli, ["leaderboard", "--spec", str(spec), "--format", "markdown", "--publish", "public"])
    assert shown.exit_code == 0, shown.output
    assert "published: 3 runs" in shown.stderr
    assert "2 of 2 trials complete" in shown.stdout
    files = sorted(len(list(folder.iterdir())) for folder in (tmp_path / "public").iterdir() if folder.is_dir())
    assert files == [4, 4, 4]
    texts = [path for path in (tmp_path / "public").rglob("*") if path.suffix in (".json", ".md", ".html")]
    assert [path for path in texts if str(tmp_path) in path.read_text()] == []
    again = CliRunner().invoke(cli, ["leaderboard", "public", "--spec", str(spec), "--format", "markdown"])
    assert again.stdout == shown.stdout


def test_what_stands_in_the_way_is_named(three, tmp_path):
    public = tmp_path / "public"
    (public / "board.md").mkdir(parents=True)
    with pytest.raises(RunError, match=r"board\.md must be a file to overwrite, but is a folder; move it or publish"):
        publish(board_of_records(three), public)
    assert [path.name for path in public.iterdir()] == ["board.md"]
    (public / "board.md").rmdir()
    (public / three[0].id).write_text("a file")
    with pytest.raises(RunError, match=r"must be empty or an equal copy of .*, but is a file; publish to another"):
        publish(board_of_records(three), public)
    (public / three[0].id).unlink()
    (public / three[0].id / "encoder").mkdir(parents=True)
    with pytest.raises(RunError, match=r"must be empty or an equal copy of .*, but differs in encoder, "):
        publish(board_of_records(three), public)


@pytest.mark.parametrize("own", ["board.md", "board.json", "board.html"])
def test_pages_of_the_users_are_not_written_anew(three, tmp_path, own):
    public = tmp_path / "public"
    public.mkdir()
    (public / own).write_text("precious")
    with pytest.raises(
        RunError,
        match=rf"must hold no own board\.json or .*, but holds {own}, .* move them or publish to another folder",
    ):
        publish(board_of_records(three), public)
    assert {path.name: path.read_text() for path in public.iterdir()} == {own: "precious"}
    (public / own).unlink()
    publish(board_of_records(three), public)
    publish(board_of_records(three), public)  # a board's own pages are


@pytest.mark.parametrize("own", ["thesis.txt", "encoder/weights", ""])
def test_a_folder_that_stands_where_a_copy_is_drafted_is_not_removed(three, tmp_path, own):
    draft = tmp_path / "public" / f"{three[0].id}.unfinished"
    file = draft / own if own else draft
    file.parent.mkdir(parents=True)
    file.write_text("precious")
    with pytest.raises(
        RunError, match=r"\.unfinished must be free for a copy, but .*; move it or publish to another folder"
    ):
        publish(board_of_records(three), tmp_path / "public")
    assert file.read_text() == "precious"
    assert [path.name for path in (tmp_path / "public").iterdir()] == [draft.name]


def test_an_empty_folder_is_filled(three, tmp_path):
    (tmp_path / "public" / three[0].id).mkdir(parents=True)
    publish(board_of_records(three), tmp_path / "public")
    assert (tmp_path / "public" / three[0].id / "result.json").is_file()


def test_trials_of_one_id_are_refused(make, tmp_path):
    board, trial = board_of_records([make("ce", folder=tmp_path / "a" / "r")]), make("aml", folder=tmp_path / "b" / "r")
    with pytest.raises(RunError, match="are both named r; rename one"):
        publish(board, tmp_path / "public", [trial])


def test_no_copy_and_no_board_says_where_it_was_made(make, tmp_path):
    place = str(tmp_path / "folder of mine" / "my-encoder")
    flags = {"encoder": place, "dataset": str(tmp_path / "toy")}
    data = {"dataset": {"name": "toy", "fingerprint": "rows", "labels": ["angry", "glad", "sad"]}}
    told = {**data, "encoder": {"name": place}, "notes": [f"taken from {place}"]}
    records = [make(method, seed=seed, **flags, about=told) for method in ("ce", "aml") for seed in range(3)]
    records.append(make("supcon", **flags | {"encoder": "owner/name"}, about=data))
    (records[5].folder / "predictions.safetensors").write_text("torn")
    public = tmp_path / "public"
    publish(board_of_records(records), public)
    assert [path for path in public.rglob("*") if path.is_file() and str(tmp_path).encode() in path.read_bytes()] == []
    about = json.loads((public / records[0].id / "run.json").read_text())
    assert (about["settings"]["encoder"]["value"], about["encoder"]["name"]) == ("my-encoder", "my-encoder")
    assert json.loads((public / records[6].id / "run.json").read_text())["settings"]["encoder"]["value"] == "owner/name"
    assert "my-encoder" in (public / "board.md").read_text()
    before = contents(public)
    publish(board_of_records(records), public)
    assert contents(public) == before


def test_encoders_whose_folders_have_one_name_are_not_one(make, tmp_path):
    records = [make("ce", encoder=str(tmp_path / place / "last")) for place in "ab"]
    (table,) = board_of_records(records).tables
    assert [len(row.cells[0].runs) for row in table.rows] == [1, 1]
    assert table.columns[0].comparisons == ()
