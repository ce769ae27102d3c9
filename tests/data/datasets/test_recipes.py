"""Recipes: what they declare, where they look for the published files, and how they tell other rows apart."""

import shutil
import subprocess
import sys
import textwrap
import zipfile
from dataclasses import replace

import pytest

from fecbench.core import registry
from fecbench.core.errors import DataError, DataNotFound
from fecbench.core.settings import RunSettings
from fecbench.data.datasets.builtin.empathetic_dialogues import UnpackedEmpatheticDialogues
from fecbench.data.datasets.load import get_dataset, load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.recipe import Recipe
from fecbench.data.datasets.recipes import HERE
from tests.support import ROOT
from tests.support.shapes import SHAPES

RECIPES = sorted(path.stem for path in HERE.glob("*.toml"))


def places(folder):
    return DataLocations(folder, None, folder / "no cache")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_what_it_reads(name):
    loader = get_dataset(name)
    info, about = loader.info, loader.description
    assert (info.name, loader.path.stem) == (name, name)
    assert info.title
    assert about.language
    assert about.homepage.startswith("http")
    assert about.download
    assert about.citation
    metric, _, without = about.metric.partition(":without=")
    assert metric in {"accuracy", "macro_f1", "weighted_f1", "micro_f1"}
    assert not without or without in {*about.rows.train}
    assert about.files.train
    assert loader.files


def test_each_recipe_has_an_entry_point_and_each_entry_point_a_recipe():
    assert sorted(name for name in registry.datasets if isinstance(get_dataset(name), Recipe)) == RECIPES
    assert len(RECIPES) >= 20


@pytest.fixture
def meld(tmp_path, monkeypatch):
    """A clone of MELD's repository, whose rows are not compared with the published ones."""
    monkeypatch.setattr("fecbench.data.datasets.checks.check_counts", lambda data, *_: data)
    SHAPES["MELD"].write(tmp_path / "MELD")
    return tmp_path / "MELD"


def rows(folder, name="meld"):
    data = load_dataset(RunSettings(dataset=name), places(folder))
    return {split: len(part) for split, part in data.splits.items()}


def test_the_folder_may_be_the_clone_or_hold_it_or_be_in_it(meld):
    expected = {"train": 12, "validation": 12, "test": 12}
    for folder in (meld, meld.parent, meld / "data", meld / "data" / "MELD"):
        assert rows(folder) == expected
        assert str(folder) in get_dataset("meld").source(places(folder)).where


def test_the_files_alone_may_lie_in_a_folder_of_the_name(meld, tmp_path):
    shutil.copytree(meld / "data" / "MELD", tmp_path / "mine" / "meld")
    assert rows(tmp_path / "mine")["train"] == 12
    assert str(tmp_path / "mine" / "meld") in get_dataset("meld").source(places(tmp_path / "mine")).where


def test_the_files_are_found_in_the_folder_that_the_environment_names(meld, tmp_path):
    found = DataLocations(None, meld.parent, tmp_path / "no cache")
    assert get_dataset("meld").source(found).where == f"{meld} (FECBENCH_DATA)"


def test_several_clones_are_listed(meld):
    shutil.copytree(meld, meld.parent / "another")
    with pytest.raises(
        DataError, match=r"meld must be found once, but is in .*MELD, .*another; give one as --data-dir"
    ):
        rows(meld.parent)


def test_missing_files_are_named_with_the_way_to_get_them(meld, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        DataNotFound,
        match=r"meld isn't in .*empty \(--data-dir\).*git clone https://github\.com/declare-lab/MELD.*"
        r"put data/MELD/train_sent_emo\.csv, .* in a folder meld",
    ):
        rows(tmp_path / "empty")
    (meld / "data" / "MELD" / "dev_sent_emo.csv").unlink()
    with pytest.raises(
        DataError, match=r"meld needs data/MELD/train.*; missing: data/MELD/dev_sent_emo\.csv; add them"
    ):
        rows(meld)
    with pytest.raises(DataNotFound, match="--data-dir must be a folder"):
        rows(tmp_path / "nowhere")


def test_files_of_another_data_set_are_not_taken_for_a_clone_nearby(tmp_path):
    SHAPES["dair-ai emotion"].write(tmp_path / "other")
    with pytest.raises(DataNotFound, match=r"dair-emotion isn't in"):
        rows(tmp_path, "dair-emotion")


def test_files_whose_names_any_data_set_could_have_are_no_damaged_copy(tmp_path):
    (tmp_path / "train.txt").write_text("a text of something else\n")
    with pytest.raises(DataNotFound, match=r"dair-emotion isn't in"):
        rows(tmp_path, "dair-emotion")
    assert not get_dataset("dair-emotion").is_here(places(tmp_path))
    (tmp_path / "dair-emotion").mkdir()
    (tmp_path / "dair-emotion" / "train.txt").write_text("i feel fine;joy\n")
    with pytest.raises(DataError, match=r"dair-emotion needs train\.txt.*; missing: val\.txt, test\.txt"):
        rows(tmp_path, "dair-emotion")


def test_rows_within_files_of_json_lines_are_found(tmp_path):
    (tmp_path / "moods.toml").write_text('[files]\ntrain = "all.jsonl#items"\ntest = "data/test.json.gz#rows"\n')
    recipe = Recipe(tmp_path / "moods.toml")
    assert recipe.files == ["all.jsonl", "data/test.json.gz"]


def test_a_recipe_without_files_is_refused(tmp_path):
    (tmp_path / "moods.toml").write_text('title = "Moods"\n')
    with pytest.raises(DataError, match=r"moods\.toml must name the published files.* no train under \[files\]"):
        Recipe(tmp_path / "moods.toml").is_here(places(tmp_path))


def test_other_numbers_of_rows_than_published_are_refused(tmp_path):
    SHAPES["MELD"].write(tmp_path)
    with pytest.raises(
        DataError, match=r"split of meld must have 9,989 rows, but has 12; put the original files back, or give yours"
    ):
        rows(tmp_path)
    SHAPES["TREC"].write(tmp_path)
    with pytest.raises(DataError, match=r"trec-fine must have 50 labels, but has 3"):
        rows(tmp_path, "trec-fine")


TOML = """
title = "Moods, made up"
licence = "MIT"
download = "git clone https://example.org/moods"
rows = { train = { glad = 8, mad = 8 }, test = 4 }
[files]
train = "moods/all.csv"
test = "moods/test.csv"
"""


def csv(glad, mad, tag=""):
    pairs = [(f"{tag} {label} {n}", label) for label, count in (("glad", glad), ("mad", mad)) for n in range(count)]
    return "text,label\n" + "".join(f"{text},{label}\n" for text, label in pairs)


@pytest.fixture
def moods(tmp_path, install):
    """A recipe of another package, and its files."""
    (tmp_path / "moods.toml").write_text(TOML)
    code = f"""
        from pathlib import Path
        from fecbench import Recipe
        moods = Recipe(Path({str(tmp_path / "moods.toml")!r}))
    """
    install("moods-recipe", "fecbench_datasets", moods="moods_recipe:moods", code=textwrap.dedent(code))
    folder = tmp_path / "files" / "moods"
    folder.mkdir(parents=True)
    (folder / "all.csv").write_text(csv(8, 8))
    (folder / "test.csv").write_text(csv(2, 2, "test"))
    return folder


def test_a_package_adds_a_recipe_with_one_entry_point(moods):
    data = load_dataset(RunSettings(dataset="moods"), places(moods.parent))
    assert data.cut == ("validation",)
    assert len(data.splits["train"]) + len(data.splits["validation"]) == 16
    assert (data.info.title, data.info.licence) == ("Moods, made up", "MIT")
    assert get_dataset("moods").rows == (16, None, 4)
    assert get_dataset("moods").info.rows == ()


def test_splits_that_were_not_published_are_cut_by_the_seed(moods):
    first, again, other = (
        load_dataset(RunSettings(dataset="moods", split_seed=seed), places(moods.parent)).fingerprint
        for seed in (0, 0, 5)
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("all.csv", csv(9, 7), r"the train split of moods must have 8 rows of 'glad', but has 9"),
        ("all.csv", csv(9, 8), r"the train split of moods must have 16 rows, but has 17"),
        ("test.csv", csv(2, 3, "test"), r"the test split of moods must have 4 rows, but has 5"),
    ],
)
def test_rows_are_compared_by_number_and_by_class(moods, name, content, says):
    (moods / name).write_text(content)
    with pytest.raises(DataError, match=says):
        load_dataset(RunSettings(dataset="moods"), places(moods.parent))


def test_a_description_of_ones_own_may_declare_its_rows_too(moods):
    (moods.parent / "dataset.toml").write_text(TOML)
    own = RunSettings(dataset=str(moods.parent))
    assert load_dataset(own, places(moods)).name == "files"
    (moods.parent / "dataset.toml").write_text(TOML.replace("test = 4", "test = 5"))
    with pytest.raises(
        DataError, match=r"test split of files must have 5 rows, but has 4; correct the files, or rows and"
    ):
        load_dataset(own, places(moods))


def test_rows_without_a_text_may_be_left_out(moods):
    (moods / "test.csv").write_text(csv(2, 2, "test") + " ,glad\n,mad\n")
    with pytest.raises(DataError, match=r"test\.csv, line 6: the text must not be empty"):
        load_dataset(RunSettings(dataset="moods"), places(moods.parent))
    recipe = get_dataset("moods")
    recipe.path.write_text(TOML + '[columns]\nempty = "drop"\n')
    data = Recipe(recipe.path).load(places(moods.parent))
    assert len(data.splits["test"]) == 4
    assert "left out: 2 rows of test without a text" in data.notes


def test_a_recipe_with_a_mistake_names_its_line(moods):
    recipe = get_dataset("moods")
    recipe.path.write_text(TOML.replace("licence", "license"))
    with pytest.raises(DataError, match=r"moods\.toml, line 3: .*license.*did you mean 'licence'"):
        Recipe(recipe.path).info  # noqa: B018


def test_unpacked_files_of_ed_are_read_once_a_conversation(tmp_path):
    SHAPES["EmpatheticDialogues, CSV"].write(tmp_path)
    shutil.copytree(tmp_path / "empatheticdialogues", tmp_path / "more" / "ed")
    loader = UnpackedEmpatheticDialogues(rows=(32, 32, 32))
    for folder in (tmp_path, tmp_path / "empatheticdialogues", tmp_path / "more"):
        data = loader.load(places(folder))
        assert data.splits["train"]["text"][0] == 'I lost my dog, "Rex, in train.csv 0'
        assert [len(part) for part in data.splits.values()] == [32, 32, 32]
    with pytest.raises(
        DataError, match=r"train split of ed-csv must have 19,533 rows, but has 32; put the original files"
    ):
        replace(loader, rows=(19_533, 2_770, 2_547)).load(places(tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataNotFound, match=r"ed-csv isn't in .*unpack empatheticdialogues\.tar\.gz"):
        loader.load(places(tmp_path / "empty"))


@pytest.mark.slow
def test_the_wheel_holds_every_recipe(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = {name.rpartition("/")[2] for name in wheel.namelist() if "/recipes/" in name}
    assert packed >= {f"{name}.toml" for name in RECIPES}
