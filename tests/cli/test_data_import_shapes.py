"""``fecbench data import`` of every form in which data sets are published: what is written loads to the same rows."""

import pytest

from fecbench.core.settings import RunSettings
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from tests.support.shapes import SHAPES

LOADED = [name for name, shape in SHAPES.items() if not shape.refused]


@pytest.fixture
def unpinned(monkeypatch):
    """Recipes don't compare the rows with the published numbers."""
    for module in ("checks", "builtin.empathetic_dialogues"):
        monkeypatch.setattr(f"fecbench.data.datasets.{module}.check_counts", lambda data, *_: data)


def arguments(shape, folder) -> list[object]:
    """The arguments that read a shape's files in ``folder``."""
    if shape.recipe:
        return [shape.recipe, "--data-dir", folder]
    flags = {name: value for name, value in shape.flags.items() if name != "dataset"}
    given: list[object] = [folder / shape.flags.get("dataset", "")]
    for name, value in flags.items():
        flag = name.replace("_", "-")
        given += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", value]
    return given


@pytest.mark.parametrize("name", LOADED)
def test_what_is_written_loads_to_the_same_rows_without_flags(fecbench, tmp_path, unpinned, name):
    shape, folder = SHAPES[name], tmp_path / "published"
    folder.mkdir()
    shape.write(folder)
    if shape.toml:
        (folder / "dataset.toml").write_text(shape.toml, encoding="utf-8")
    code, _, err = fecbench("data", "import", *arguments(shape, folder), "--to", tmp_path / "mine")
    assert code == 0, err
    dataset = shape.recipe or str(folder / shape.flags.get("dataset", ""))
    settings = RunSettings(**{**shape.flags, "dataset": dataset})
    before = load_dataset(settings, DataLocations(folder, None, folder / "cache"))
    after = load_dataset(RunSettings(dataset=str(tmp_path / "mine")), DataLocations())
    assert (after.fingerprint, after.labels, after.cut) == (before.fingerprint, before.labels, before.cut)
    for fact in ("title", "licence", "homepage", "language", "citation", "metric", "note"):
        assert getattr(after.info, fact) == getattr(before.info, fact), fact
    assert (after.unlabelled is None) == (before.unlabelled is None)
