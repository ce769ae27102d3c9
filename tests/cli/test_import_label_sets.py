"""``fecbench data import`` of texts with several labels, or shares of labels: the folder loads to the same rows."""

from __future__ import annotations

import json

import pytest

from fecbench.core.settings import RunSettings
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations

SPLITS = ("train", "validation", "test")
CELLS = {
    "lists": ([["joy"], ["joy", "love"], [], ["fear, or so"]], {}),
    "shares": ([{"joy": 0.7, "love": 0.1}, {"fear": 1}, {}, {"love": 0.3}], {"labelling": "multi"}),
    "votes": ([{"joy": 2, "love": 1}, {"fear": 3}, {"love": 1, "fear": 2}], {"labelling": "single"}),
}


def load(dataset, **settings):
    return load_dataset(RunSettings(dataset=str(dataset), **settings), DataLocations())


@pytest.mark.parametrize("kind", CELLS)
def test_what_is_written_loads_to_the_same_rows(fecbench, tmp_path, kind):
    cells, flags = CELLS[kind]
    raw = tmp_path / "raw"
    raw.mkdir()
    for split in SPLITS:
        rows = [{"text": f"{split} {n}", "label": cell} for n, cell in enumerate(cells)]
        (raw / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (raw / "dataset.toml").write_text('labels.background = ["love"]\n')
    given = [word for name, value in flags.items() for word in (f"--{name}", value)]
    code, out, err = fecbench("data", "import", raw, *given, "--to", tmp_path / "mine")
    assert code == 0, err
    before, after = load(raw, **flags), load(tmp_path / "mine")
    assert (after.fingerprint, after.labels, after.info.background) == (before.fingerprint, before.labels, ("love",))
    assert (after.labelling, after.info.soft) == (before.labelling, before.info.soft)
    told = {"lists": "3 labels, several a text: ", "shares": "3 labels, several a text, in shares: "}
    assert told.get(kind, "3 labels, in shares: ") in out


def test_a_registered_data_set_with_several_labels_is_written(fecbench, tmp_path):
    code, out, err = fecbench("data", "import", "demo-multi", "--to", tmp_path / "mine", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["labelling"], found["soft"], found["rows"]["train"]) == ("multi", False, 420)
    assert load(tmp_path / "mine").fingerprint == load("demo-multi").fingerprint


def test_one_label_a_text_is_reported_as_before(fecbench, tmp_path):
    code, out, err = fecbench("data", "import", "demo", "--to", tmp_path / "mine", "--json")
    assert code == 0, err
    assert "labelling" not in json.loads(out)
