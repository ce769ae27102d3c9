"""Malformed benchmark specs: every command that reads one names the file and the key, and starts nothing."""

import json
from pathlib import Path

import pytest

from fecbench.bench.spec import read_spec
from fecbench.core.errors import UsageError

HEAD = 'title = "t"\nobjectives = ["ce"]\ndatasets = ["demo"]\nseeds = [0]\n'
NONE = HEAD.replace('objectives = ["ce"]\n', "")
ROW = '[[row]]\nname = "a"\nobjective = "ce"\n'
GRID = '[grid]\nselect = "validation"\n'

BAD = {
    "empty": ("", "title is required"),
    "a comment alone": ("# nothing\n", "title is required"),
    "a syntax error": (HEAD + "[settings", "readable TOML"),
    "a key without a value": (HEAD + "[settings]\nlr =", "readable TOML"),
    "cut in a string": (HEAD + '[settings]\nencoder = "min', "readable TOML"),
    "a key twice": (HEAD + "seeds = [1]\n", "readable TOML"),
    "a table twice": (HEAD + "[settings]\nlr = 1.0\n[settings]\nclip = 1.0\n", "readable TOML"),
    "nested very deeply": (HEAD + "x = " + "[" * 5000, "readable TOML"),
    "a table of very many parts": (HEAD + "[" + ".".join("a" * 5000) + "]\n", "a"),
    "json": (json.dumps({"title": "t"}), "readable TOML"),
    "yaml": ("title: t\nseeds:\n  - 0\n", "readable TOML"),
    "latin-1": (HEAD.replace('"t"', '"caf\xe9"').encode("latin-1"), "readable TOML"),
    "utf-16": (HEAD.encode("utf-16"), "readable TOML"),
    "a mark at the start": (b"\xef\xbb\xbf" + HEAD.encode(), "readable TOML"),
    "zeros": (b"\0" * 512, "readable TOML"),
    "binary": (bytes(range(256)), "readable TOML"),
    "without a title": (HEAD.replace('title = "t"\n', ""), "title is required"),
    "a title that is a number": (HEAD.replace('"t"', "3"), "title: it must be text"),
    "a title that is a list": (HEAD.replace('"t"', '["t"]'), "title: it must be text"),
    "a title that is a date": (HEAD.replace('"t"', "2026-11-23"), "title: it must be text"),
    "without data sets": (HEAD.replace('datasets = ["demo"]\n', ""), "datasets is required"),
    "no data sets": (HEAD.replace('["demo"]', "[]"), "datasets: it must hold at least 1"),
    "data sets that are a string": (HEAD.replace('["demo"]', '"demo"'), "datasets: it must be a list"),
    "data sets that are numbers": (HEAD.replace('["demo"]', "[1]"), "datasets.0: it must be text"),
    "an empty data set": (HEAD.replace('["demo"]', '[""]'), "datasets.0"),
    "a data set twice": (HEAD.replace('["demo"]', '["demo", "demo"]'), "datasets must list each value once"),
    "an unknown data set": (HEAD.replace('["demo"]', '["dmeo"]'), "did you mean 'demo'"),
    "a data set that isn't there": (HEAD.replace('["demo"]', '["./nowhere"]'), "doesn't exist"),
    "a hub address without an owner": (HEAD.replace('["demo"]', '["hf:moods"]'), "hf:owner/name"),
    "an unknown method": (HEAD.replace('["ce"]', '["cee"]'), "did you mean 'ce'"),
    "an empty method": (HEAD.replace('["ce"]', '[""]'), "objectives.0"),
    "a method that is a number": (HEAD.replace('["ce"]', "[3]"), "objectives.0"),
    "a method that is a list": (HEAD.replace('["ce"]', '[["ce"]]'), "objectives.0"),
    "a method twice": (HEAD.replace('["ce"]', '["ce", "ce"]'), "objectives must list each value once"),
    "methods that are another string": (HEAD.replace('["ce"]', '"all"'), "objectives"),
    "methods that are a table": (HEAD.replace('["ce"]', "{ ce = 1 }"), "objectives"),
    "no methods and no rows": (NONE, "objectives"),
    "methods that are none": (HEAD.replace('["ce"]', "[]"), "objectives"),
    "methods and rows": (HEAD + ROW, "not both"),
    "no seeds": (HEAD.replace("[0]", "[]"), "seeds: it must hold at least 1"),
    "a seed alone": (HEAD.replace("[0]", "0"), "seeds: it must be a list"),
    "a negative seed": (HEAD.replace("[0]", "[-1]"), "--seed -1"),
    "a huge seed": (HEAD.replace("[0]", "[99999999999999999999]"), "seed"),
    "a seed that is text": (HEAD.replace("[0]", '["0"]'), "seeds.0"),
    "a seed that is true": (HEAD.replace("[0]", "[true]"), "seeds.0"),
    "a seed that is a float": (HEAD.replace("[0]", "[0.0]"), "seeds.0"),
    "a seed that is a date": (HEAD.replace("[0]", "[2026-11-23]"), "seeds.0"),
    "a seed twice": (HEAD.replace("[0]", "[0, 0]"), "seeds must list each value once"),
    "an unknown key": (HEAD + "epochs = 3\n", "no key of a spec is called 'epochs'"),
    "an unknown section": (HEAD + "[setings]\nlr = 1.0\n", "did you mean 'settings'"),
    "an unknown setting": (HEAD + "[settings]\nepocs = 3\n", "did you mean 'epochs'"),
    "settings that are a list": (HEAD + "settings = [1]\n", "settings"),
    "settings that are text": (HEAD + 'settings = "lr"\n', "settings"),
    "settings in rows": (HEAD + "[[settings]]\nlr = 1.0\n", "settings"),
    "a rate of infinity": (HEAD + "[settings]\nlr = inf\n", "--lr inf"),
    "a rate of minus infinity": (HEAD + "[settings]\nlr = -inf\n", "--lr -inf"),
    "a rate that is no number": (HEAD + "[settings]\nlr = nan\n", "--lr nan"),
    "a rate that is a date": (HEAD + "[settings]\nlr = 2026-11-23\n", "--lr 2026-11-23"),
    "a rate that is a time": (HEAD + "[settings]\nlr = 07:32:00\n", "--lr 07:32:00"),
    "a rate that is a list": (HEAD + "[settings]\nlr = [1.0]\n", "--lr [1.0]"),
    "a rate that is a table": (HEAD + "[settings]\nlr = { a = 1 }\n", "--lr"),
    "a rate that is text": (HEAD + '[settings]\nlr = "fast"\n', "--lr fast"),
    "a rate that is empty": (HEAD + '[settings]\nlr = ""\n', "--lr"),
    "a rate that is true": (HEAD + "[settings]\nlr = true\n", "--lr true"),
    "epochs that are true": (HEAD + "[settings]\nepochs = true\n", "--epochs true"),
    "epochs that are a float": (HEAD + "[settings]\nepochs = 1.5\n", "--epochs 1.5"),
    "epochs that are huge": (HEAD + "[settings]\nepochs = 1" + "0" * 5000 + "\n", "spec.toml"),
    "no epochs": (HEAD + "[settings]\nepochs = 0\n", "--epochs 0"),
    "packing that is a number": (HEAD + "[settings]\npacking = 3\n", "--packing 3"),
    "packing that is text": (HEAD + '[settings]\npacking = "perhaps"\n', "--packing perhaps"),
    "an encoder that is a number": (HEAD + "[settings]\nencoder = 3\n", "encoder"),
    "an encoder that is a list": (HEAD + '[settings]\nencoder = ["minilm"]\n', "encoder"),
    "an encoder that is a table": (HEAD + "[settings]\nencoder = { a = 1 }\n", "encoder"),
    "an encoder that is empty": (HEAD + '[settings]\nencoder = ""\n', "encoder"),
    "an encoder that isn't there": (HEAD + '[settings]\nencoder = "roberta-bsae"\n', "roberta-bsae"),
    "a head that is a number": (HEAD + "[settings]\nhead = 3\n", "head"),
    "a head that is a list": (HEAD + '[settings]\nhead = ["mlp"]\n', "head"),
    "an unknown head": (HEAD + '[settings]\nhead = "mpl"\n', "did you mean 'mlp'"),
    "an unknown pooling": (HEAD + '[settings]\npooling = "max"\n', "--pooling max"),
    "a data set among the settings": (HEAD + '[settings]\ndataset = "demo"\n', "can't be settings of a spec"),
    "a seed among the settings": (HEAD + "[settings]\nseed = 3\n", "can't be settings of a spec"),
    "another method's option": (HEAD + "[settings]\nk_pos = 3\n", "no setting (spec) is called 'k_pos'"),
    "a section of a method that isn't there": (HEAD + "[objective.aml]\nlr = 1.0\n", "[objective.aml]"),
    "a section of a data set that isn't there": (HEAD + "[dataset.ge]\nlr = 1.0\n", "[dataset.ge]"),
    "a pair of a data set that isn't there": (HEAD + "[pair.ce.ge]\nlr = 1.0\n", "[pair.ce.ge]"),
    "a pair of a method that isn't there": (HEAD + "[pair.aml.demo]\nlr = 1.0\n", "[pair.aml]"),
    "a pair that is a number": (HEAD + "[pair]\nce = 3\n", "pair.ce"),
    "a method's section that is a number": (HEAD + "objective.ce = 3\n", "objective.ce"),
    "a row without a name": (NONE + '[[row]]\nobjective = "ce"\n', "row.0.name is required"),
    "a row without a method": (NONE + '[[row]]\nname = "a"\n', "row.0.objective is required"),
    "a row of an unknown method": (NONE + ROW.replace('"ce"', '"cee"'), "did you mean 'ce'"),
    "a row of an empty name": (NONE + ROW.replace('"a"', '""'), "row.0.name"),
    "a row twice": (NONE + ROW + ROW, "row must list each value once"),
    "a row that is a table": (NONE + ROW.replace("[[row]]", "[row]"), "row"),
    "a row with an unknown key": (NONE + ROW + "seed = 3\n", "no key of row.0 is called 'seed'"),
    "a row whose settings are a list": (NONE + ROW + "settings = [3]\n", "row.0.settings"),
    "a row of an unknown encoder type": (NONE + ROW + "encoder = 3\n", "row.0.encoder"),
    "a row of an empty encoder": (NONE + ROW + 'encoder = ""\n', "encoder"),
    "a grid without select": (HEAD + "[grid]\nsettings = { lr = [1.0] }\n", "grid.select is required"),
    "a grid by test": (HEAD + GRID.replace("validation", "test") + "settings = { lr = [1.0] }\n", "grid.select"),
    "a grid of nothing": (HEAD + GRID + "settings = { lr = [] }\n", "[grid]"),
    "a grid of a number": (HEAD + GRID + "settings = { lr = 1.0 }\n", "grid.settings.lr"),
    "a grid of an unknown setting": (
        HEAD + GRID + "settings = { rl = [1.0, 2.0] }\n",
        "no setting (spec) is called 'rl'",
    ),
    "a grid of wrong values": (HEAD + GRID + 'settings = { lr = [1.0, "fast"] }\n', "--lr fast"),
    "a grid of a value twice": (HEAD + GRID + "settings = { lr = [1.0, 1.0] }\n", ("grid.settings.lr", "repeated")),
    "a grid of lists": (HEAD + GRID + "settings = { lr = [[1.0]] }\n", "--lr [1.0]"),
    "a grid of an unknown method": (HEAD + GRID + "objective.aml = { lr = [1.0] }\n", "[grid.objective.aml]"),
    "a grid of seeds": (HEAD + GRID + "settings = { seed = [1, 2] }\n", "can't be settings of a spec"),
    "a grid of very many trials": (
        HEAD
        + GRID
        + f"settings = {{ lr = {[n / 1e4 for n in range(1, 1001)]}, clip = {[n / 10 for n in range(1, 1001)]} }}\n",
        ("[grid]", "1,000,000"),
    ),
}


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "spec.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(("content", "says"), BAD.values(), ids=BAD)
def test_refused(judge, content, says):
    path = write(judge.folder, content)
    answer = judge.refuses("bench", path, "--dry-run", says=says)
    assert len(answer.text) < 2000


@pytest.mark.parametrize("command", [("leaderboard", "--spec"), ("bench", "--smoke"), ("bench",)], ids=" ".join)
@pytest.mark.parametrize(
    "name", ["a syntax error", "utf-16", "a rate of infinity", "an unknown method", "no seeds", "a grid by test"]
)
def test_refused_by_every_reader(judge, command, name):
    content, says = BAD[name]
    judge.refuses(*command, write(judge.folder, content), says=says)


PLACES = {
    "nothing": "nowhere.toml",
    "a folder": "folder",
    "a link to nothing": "link.toml",
    "a path through a file": "file/spec.toml",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_spec_that_is_no_file(judge, place):
    (judge.folder / "folder").mkdir()
    (judge.folder / "file").write_text("")
    (judge.folder / "link.toml").symlink_to("nowhere")
    for command in (("bench",), ("leaderboard", "--spec")):
        judge.refuses(*command, place, says=(place, "must be a readable TOML file"))


def test_a_pipe_is_read_as_any_file(judge):
    """A shell's <(...) is a pipe."""
    import os
    from threading import Thread

    os.mkfifo(judge.folder / "pipe")
    writer = Thread(target=(judge.folder / "pipe").write_text, args=("seeds = [0]\n",))
    writer.start()
    with pytest.raises(UsageError, match="title is required"):
        read_spec(judge.folder / "pipe")
    writer.join()
