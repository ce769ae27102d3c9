"""The named data sets, on hand-written files in the official formats, and on the real ones of FECBENCH_TEST_DATA."""

import csv
import io
import os
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from fecbench.core.errors import DataError, DataNotFound, UnknownName, UsageError
from fecbench.core.settings import RunSettings
from fecbench.data.datasets.builtin import empathetic_dialogues, goemotions, prepared
from fecbench.data.datasets.builtin.demo import demo
from fecbench.data.datasets.checks import Pin
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.load import get_dataset, load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.measures.statistics import statistics
from fecbench.data.datasets.rows import digest_rows

REAL = os.environ.get("FECBENCH_TEST_DATA")


@pytest.fixture
def places(tmp_path):
    return DataLocations(tmp_path / "data", None, tmp_path / "cache")


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


GE_FILES = {
    "train.tsv": 'I am so proud\t21\tid1\n"She said ""no"" again"\t2\tid2\nboth\t2,3\tid3\nmeh\t27\tid4\n',
    "dev.tsv": "what a joy\t17\tid5\n",
    "test.tsv": "sorry for that\t24\tid6\nwell\t27\tid7\n",
}


def pinned(data) -> dict[str, Pin]:
    return {split: Pin(len(data.splits[split]), digest_rows(data.splits[split], data.labels)) for split in SPLITS}


def load_ge(places, monkeypatch):
    monkeypatch.setattr(goemotions, "check_pinned", lambda data, *_: data)
    return goemotions.ge.load(places)


def test_ge_keeps_single_labels_that_are_not_neutral_and_reads_csv_quotes(places, monkeypatch):
    write(places.data_dir / "ge", GE_FILES)
    data = load_ge(places, monkeypatch)
    assert data.splits["train"]["text"][:] == ["I am so proud", 'She said "no" again']
    assert [data.labels[label] for label in data.splits["train"]["label"][:]] == ["pride", "anger"]
    assert [len(data.splits[split]) for split in SPLITS] == [2, 1, 1]


def test_ge_is_one_fixed_set_of_rows(places, monkeypatch):
    write(places.data_dir / "ge", GE_FILES)
    own = goemotions.GoEmotions(pinned(load_ge(places, monkeypatch)))
    monkeypatch.undo()
    assert len(own.load(places).splits["train"]) == 2
    with pytest.raises(
        DataError, match=r"the train split of ge must have 23,485 rows, but has 2; put the original files back"
    ):
        goemotions.ge.load(places)
    write(places.data_dir / "ge", {"train.tsv": GE_FILES["train.tsv"].replace("so proud", "very proud")})
    with pytest.raises(DataError, match="checksum differs"):
        own.load(places)


@pytest.mark.parametrize("line", ["only a text", "text\tx\tid", "text\t1,\tid"])
def test_ge_names_file_and_line_of_a_broken_row(places, line):
    write(places.data_dir / "ge", {**GE_FILES, "dev.tsv": f"fine\t1\tid\n{line}\n"})
    with pytest.raises(DataError, match=r"dev\.tsv, line 2: expected text TAB label indices TAB comment id, found"):
        goemotions.ge.load(places)


def test_ge_without_files_or_hub_says_what_to_do(places):
    places.data_dir.mkdir()
    with pytest.raises(
        DataNotFound, match=r"ge isn't in .*--data-dir.*user cache.*HF_HUB_OFFLINE is set; put the official train\.tsv"
    ):
        goemotions.ge.load(places)


def test_a_half_filled_folder_is_an_error_and_not_passed_over(places):
    write(places.data_dir / "ge", {"train.tsv": GE_FILES["train.tsv"]})
    with pytest.raises(DataError, match=r"ge needs train\.tsv, dev\.tsv, test\.tsv; missing: dev\.tsv, test\.tsv"):
        goemotions.ge.load(places)


def test_places_are_searched_in_order(tmp_path, monkeypatch):
    for place in ("flag", "environment", "cache"):
        write(tmp_path / place / "ge", GE_FILES)
    monkeypatch.setenv("FECBENCH_DATA", str(tmp_path / "environment"))
    assert goemotions.ge.source(DataLocations(tmp_path / "flag", cache=tmp_path / "cache")).where.endswith(
        "(--data-dir)"
    )
    assert goemotions.ge.source(DataLocations(cache=tmp_path / "cache")).where.endswith("(FECBENCH_DATA)")
    monkeypatch.delenv("FECBENCH_DATA")
    assert goemotions.ge.source(DataLocations(cache=tmp_path / "cache")).where.endswith("(user cache)")
    with pytest.raises(DataNotFound, match="--data-dir must be a folder"):
        goemotions.ge.source(DataLocations(tmp_path / "nowhere"))


ED_HEADER = "conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags"


def archive(path: Path, files: dict[str, list[str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, lines in files.items():
            content = "\n".join([ED_HEADER, *lines]).encode()
            member = tarfile.TarInfo(f"empatheticdialogues/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def conversations() -> dict[str, list[str]]:
    """Every emotion once in each split; the first conversation has two rows, a comma and a stray quote."""
    rows = [
        f"hit:{n}_conv,1,{label},I felt it once. ,1,hello_comma_ you,5|5|5_2|2|5,"
        for n, label in enumerate(empathetic_dialogues.LABELS)
    ]
    rows[0] = 'hit:0_conv,1,sad,I lost my dog_comma_ "Rex_comma_ and cried.,1,I am sorry,5|5|5,'
    again = 'hit:0_conv,2,sad,I lost my dog_comma_ "Rex_comma_ and cried.,2,Oh no_comma_ really?,5|5|5,'
    return {name: [rows[0], again, *rows[1:]] for name in ("train.csv", "valid.csv", "test.csv")}


def test_ed_takes_each_situation_once_and_restores_commas(places):
    import pooch

    path = archive(places.data_dir / "ed" / "empatheticdialogues.tar.gz", conversations())
    loader = empathetic_dialogues.EmpatheticDialogues(sha256=pooch.file_hash(str(path)), rows=(32, 32, 32))
    data = loader.load(places)
    assert data.splits["train"]["text"][:2] == ['I lost my dog, "Rex, and cried.', "I felt it once."]
    assert data.splits["test"]["label"][:] == list(range(32))
    with pytest.raises(DataError, match="expected 40 / 32 / 32 conversations, found 32 / 32 / 32"):
        replace(loader, rows=(40, 32, 32)).load(places)


def test_ed_wants_the_official_archive(places):
    archive(places.data_dir / "ed" / "empatheticdialogues.tar.gz", conversations())
    with pytest.raises(DataError, match="isn't the official archive"):
        empathetic_dialogues.ed.load(places)


@pytest.mark.parametrize("line", ["hit:1_conv,1,smug,I won.,1,x,,", "hit:1_conv,1"])
def test_ed_names_the_line_of_a_broken_row(tmp_path, line):
    path = archive(tmp_path / "a.tar.gz", conversations() | {"valid.csv": [line]})
    with pytest.raises(DataError, match=r"valid\.csv, line 2: expected conv_id,utterance_idx,context,prompt"):
        empathetic_dialogues.read_archive(path)


def test_ed_archive_must_be_one(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"not a tar")
    with pytest.raises(DataError, match="must be a readable tar archive"):
        empathetic_dialogues.read_archive(tmp_path / "a.tar.gz")
    with pytest.raises(DataError, match=r"missing: valid\.csv, test\.csv"):
        empathetic_dialogues.read_archive(archive(tmp_path / "b.tar.gz", {"train.csv": []}))


def test_ed_that_cannot_be_had_points_at_ed_prepared(places):
    places.data_dir.mkdir()
    loader = empathetic_dialogues.EmpatheticDialogues(url="http://127.0.0.1:9/nothing.tar.gz")
    with pytest.raises(DataNotFound, match=r"can't be fetched.*or use ed-prepared"):
        loader.load(places)


def test_a_disk_without_room_for_ed_is_said(places, monkeypatch):
    import pooch

    places.data_dir.mkdir(exist_ok=True)

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pooch, "retrieve", full)
    with pytest.raises(DataNotFound, match=r"can't be fetched \(No space left on device\)"):
        empathetic_dialogues.EmpatheticDialogues().load(places)


def test_ed_is_fetched_checked_and_kept(places, tmp_path):
    import functools
    import http.server
    import threading

    import pooch

    path = archive(tmp_path / "web" / "empatheticdialogues.tar.gz", conversations())
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(path.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/empatheticdialogues.tar.gz"
        places.data_dir.mkdir()
        loader = empathetic_dialogues.EmpatheticDialogues(url, pooch.file_hash(str(path)), (32, 32, 32))
        assert loader.source(places) == (url, True)
        assert len(loader.load(places).splits["train"]) == 32
        server.shutdown()
    assert loader.source(places).where.endswith("(user cache)")
    assert len(loader.load(places).splits["train"]) == 32


def test_prepared_reads_the_shared_csv(places, monkeypatch):
    text = 'text,aug_text,label\n"so, sad",very sad,25\nhaha,funny,1\n'
    write(places.data_dir / "ge-prepared", dict.fromkeys(("train.csv", "valid.csv", "test.csv"), text))
    monkeypatch.setattr(prepared, "check_pinned", lambda data, *_: data)
    data = prepared.ge_prepared.load(places)
    assert data.columns == ["text", "aug_text", "label"]
    assert data.splits["train"][0] == {"text": "so, sad", "aug_text": "very sad", "label": 25}
    own = replace(prepared.ge_prepared, pins=pinned(data))
    monkeypatch.undo()
    assert own.load(places).fingerprint == data.fingerprint
    with pytest.raises(DataError, match="the train split of ge-prepared must have 23,485 rows, but has 2"):
        prepared.ge_prepared.load(places)


@pytest.mark.parametrize(
    "content", ["text,label\na,1\n", "text,aug_text,label\na,b,27\n", "text,aug_text,label\na,b\n"]
)
def test_prepared_refuses_another_format(places, content):
    write(places.data_dir / "ge-prepared", dict.fromkeys(("train.csv", "valid.csv", "test.csv"), content))
    with pytest.raises(DataError, match=r"train\.csv must have the columns text,aug_text,label with labels 0 to 26"):
        prepared.ge_prepared.load(places)


def test_prepared_that_is_nowhere_says_where_it_was_looked_for(places):
    places.data_dir.mkdir()
    with pytest.raises(DataNotFound, match=r"ed-prepared isn't in .*--data-dir.*; get train\.csv"):
        prepared.ed_prepared.load(places)


def test_demo_is_varied_balanced_and_fixed():
    data = demo.load(DataLocations())
    texts = [text for split in SPLITS for text in data.splits[split]["text"][:]]
    assert len(texts) == 1620
    assert len({text.lower() for text in texts}) == 1620
    assert all(5 <= len(text.split()) <= 25 for text in texts)
    for split, count in (("train", 95), ("validation", 20), ("test", 20)):
        assert set(Counter(data.splits[split]["label"][:]).values()) == {count}
    frames = Counter(" ".join(text.lower().split()[:3]) for text in texts)
    assert max(frames.values()) <= 12  # no template with a word swapped
    assert "DEMO" in data.info.title


def test_labels_are_described_unless_their_names_alone_are_asked_for():
    described, named = (
        load_dataset(RunSettings(dataset="demo", label_texts=kind), DataLocations()) for kind in ("described", "names")
    )
    assert all(
        text.startswith(f"{label}: ") for label, text in zip(described.labels, described.label_texts, strict=True)
    )
    assert named.label_texts == named.labels == described.labels
    assert named.fingerprint == described.fingerprint  # the same rows: such runs are compared example by example


def test_names_never_fall_through(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "mine", {"train.csv": "text,label\na,x\n"})
    with pytest.raises(UsageError, match=r"no data set is called 'mine'.*--dataset \./mine"):
        load_dataset(RunSettings(dataset="mine"), DataLocations())
    with pytest.raises(UnknownName, match="did you mean 'ge-prepared'"):
        load_dataset(RunSettings(dataset="ge-prepred"), DataLocations())


def test_statistics_count(toy):
    with (toy / "validation.csv").open("a") as file:
        file.write("what a lovely day train0,glad\nwhat a lovely day train0,glad\n")
    found = statistics(load_dataset(RunSettings(dataset=str(toy)), DataLocations()))
    assert found["rows"] == {"train": 60, "validation": 14, "test": 15}
    assert found["duplicates"] == {"train": 0, "validation": 1, "test": 0}
    assert found["shared"] == {"train/validation": 1, "train/test": 0, "validation/test": 0}
    assert found["balance"] == 1.0
    assert found["paper"] is None


@pytest.mark.skipif(not REAL, reason="FECBENCH_TEST_DATA names no folder with the real files")
@pytest.mark.parametrize(
    ("name", "rows", "labels", "columns"),
    [
        ("ge", (23_485, 2_956, 2_984), 27, ["text", "label"]),
        ("ge-prepared", (23_485, 2_956, 2_984), 27, ["text", "aug_text", "label"]),
        ("ed-prepared", (17_802, 2_761, 2_541), 32, ["text", "aug_text", "label"]),
    ],
)
def test_the_real_files(name, rows, labels, columns):
    data = get_dataset(name).load(DataLocations(Path(REAL)))
    assert tuple(len(data.splits[split]) for split in SPLITS) == rows == data.info.rows
    assert len(data.labels) == labels
    assert data.columns == columns


@pytest.mark.skipif(not REAL, reason="FECBENCH_TEST_DATA names no folder with the real files")
def test_ge_and_ge_prepared_hold_the_same_rows():
    official, shared = (get_dataset(name).load(DataLocations(Path(REAL))) for name in ("ge", "ge-prepared"))
    for split in SPLITS:
        assert [text.lower() for text in official.splits[split]["text"][:]] == shared.splits[split]["text"][:]
        assert official.splits[split]["label"][:] == shared.splits[split]["label"][:]


def test_demo_file_is_plain_csv():
    from fecbench.data.datasets.builtin.demo import FILE

    with FILE.open(encoding="utf-8", newline="") as file:
        assert all(row["split"] in SPLITS for row in csv.DictReader(file))
