"""The command line, as a user meets it."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fecbench.runs import Record


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Work in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def trained(fecbench, toy, here) -> Record:
    """A finished run of cross-entropy on the toy data, under runs/."""
    run_dir = here / "runs" / "first"
    code, _, err = fecbench("run", "ce", "--dataset", toy, "--encoder", "scratch", "--epochs", 8, "--batch-size", 16, "--run-dir", run_dir)
    assert code == 0, err
    return Record(run_dir)


def test_run_prints_progress_and_a_table_of_scores(fecbench, toy, here):
    code, out, err = fecbench("run", "ce", "--dataset", toy, "--encoder", "scratch", "--epochs", 2, "--limit", 30, "--label-smoothing", 0.1)
    assert code == 0
    assert "ce on toy: encoder scratch, head linear, lr 0.001" in err
    assert "note: LIMITED to the first 30 of 60 training rows" in err
    assert "epoch 2/2  loss" in err
    assert [line.split()[0] for line in out.splitlines()[-3:]] == ["split", "validation", "test"]
    (folder,) = (here / "runs").iterdir()
    settings = Record(folder).about["settings"]
    assert settings["label_smoothing"] == {"value": 0.1, "origin": "flag"}
    assert settings["limit"] == {"value": 30, "origin": "flag"}


def test_run_prints_json(fecbench, toy, here):
    code, out, _ = fecbench("run", "ce", "--dataset", toy, "--encoder", "scratch", "--epochs", 1, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["objective"]["name"] == "ce"
    assert 0 <= found["metrics"]["test"]["accuracy"] <= 1


def test_demo_runs_and_says_that_it_is_a_demo(fecbench, here):
    code, out, err = fecbench("run", "ce", "--dataset", "demo", "--epochs", 1)
    assert code == 0, err
    assert "DEMO" in out
    assert "DEMO" in err


def test_help_shows_an_objectives_own_options_with_defaults_and_meaning(fecbench):
    code, out, _ = fecbench("run", "aml", "--help")
    assert code == 0
    flat = " ".join(out.split())
    assert "Options of aml" in out
    assert "--hidden INTEGER width of the discriminator, for family mlp [default: 256]" in flat
    assert "--adversary [maximize|confuse|cooperate]" in flat
    assert "--normalize / --no-normalize" in flat
    for flag in [
        "dataset",
        "data-dir",
        "encoder",
        "head",
        "pooling",
        "epochs",
        "batch-size",
        "lr",
        "weight-decay",
        "warmup",
        "patience",
        "max-length",
        "precision",
        "compile",
        "device",
        "seed",
        "run-dir",
        "resume",
        "tracker",
        "limit",
    ]:
        assert f"--{flag}" in out


def test_help_of_run_lists_objectives_with_their_origin(fecbench):
    code, out, _ = fecbench("run", "--help")
    assert code == 0
    assert "fecbench_aml.objective:AML of fecbench" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "alm", "--dataset", "demo"], 2, "no objective is called 'alm'; did you mean 'aml'?"),
        (["run", "ce"], 2, "a data set is needed: --dataset"),
        (["run", "ce", "--dataset", "dmeo"], 2, "no data set is called 'dmeo'; did you mean 'demo'?"),
        (["run", "ce", "--dataset", "demo", "--epochs", "many"], 2, "'many' is not a valid integer"),
        (["run", "ce", "--dataset", "demo", "--epochs", "0"], 2, "--epochs 0: input should be greater than or equal to 1"),
        (["run", "ce", "--dataset", "demo", "--k-pos", "3"], 2, "No such option"),
        (["run", "ce", "--dataset", "demo", "--head", "nativ"], 2, "no head is called 'nativ'; did you mean 'native'?"),
        (["run", "ce", "--dataset", "demo", "--head", "native"], 2, "--head native takes --pooling first, found mean"),
        (["run", "ce", "--dataset", "demo", "--encoder", "roberta-base"], 1, "isn't on this machine, and HF_HUB_OFFLINE is set"),
        (["run", "ce", "--dataset", "demo", "--device", "cuda:7"], 2, "--device cuda:7 isn't available here"),
        (["run", "ce", "--dataset", "demo", "--precision", "float16"], 2, "float16"),
        (["run", "ce", "--dataset", "./nowhere"], 1, "doesn't exist; give a folder"),
        (["run", "ce", "--dataset", "ge", "--data-dir", "nowhere"], 1, "--data-dir must be a folder"),
        (["run", "ce", "--dataset", "ed", "--data-dir", "."], 1, "use ed-prepared"),
        (["run", "ce", "--dataset", "demo", "--tracker", "mlflow"], 2, "mlflow"),
        (["run", "ce", "--dataset", "demo", "--resume"], 1, "there is none; leave it out"),
        (["predict", "nothing", "text"], 2, "no run (under runs, or complete run of a method) is called 'nothing'"),
        (["data", "stats", "gee"], 2, "did you mean 'ge'"),
        (["nonsense"], 2, "No such command 'nonsense'"),
    ],
)
def test_mistakes_end_in_one_line_and_an_exit_code(fecbench, here, monkeypatch, arguments, code, message):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    found, out, err = fecbench(*arguments)
    assert message in err.replace("\n", " ")
    assert found == code
    assert "Traceback" not in out + err
    assert not list(here.glob("runs/*"))


def test_ctrl_c_ends_cleanly_and_resumably(toy, here):
    flags = f"--dataset {toy} --encoder scratch --epochs 200 --patience 200 --run-dir run".split()
    process = subprocess.Popen([sys.executable, "-m", "fecbench", "run", "ce", *flags], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("epoch 2/"):
            break
    process.send_signal(2)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "stopped; the same command with --resume continues after the last finished epoch" in err
    assert "Traceback" not in err
    assert Record(Path("run")).status == "interrupted"


def test_runs_lists_newest_first_with_scores(fecbench, trained, here):
    code, out, _ = fecbench("runs")
    assert code == 0
    assert out.splitlines()[1].split()[:6] == ["first", "ce", "toy", "scratch", "0", "complete"]
    (row,) = json.loads(fecbench("runs", "--json")[1])
    assert row["accuracy"] == trained.result["metrics"]["test"]["accuracy"]


def test_a_broken_record_hides_no_other(fecbench, trained, here):
    for name, content in (("broken", "{"), ("empty", "{}"), ("odd", '{"format": 1, "objective": 3}')):
        (here / "runs" / name).mkdir()
        (here / "runs" / name / "run.json").write_text(content)
    rows = {row["id"]: row["status"] for row in json.loads(fecbench("runs", "--json")[1])}
    assert rows["first"] == "complete"
    assert all(rows[name].startswith("broken: ") for name in ("broken", "empty", "odd"))
    assert fecbench("predict", "ce", "a lovely day")[0] == 0


def test_no_runs_says_how_to_start_one(fecbench, here):
    code, out, _ = fecbench("runs")
    assert code == 0
    assert "no runs under runs; start one with: fecbench run ce --dataset demo" in out


def test_predict_from_arguments_by_folder_id_and_method(fecbench, trained):
    for run in (trained.folder, "first", "ce"):
        code, out, err = fecbench("predict", run, "what a lovely day", "my dog died", "--top", 2)
        assert code == 0, err
        lines = [line.split("\t") for line in out.splitlines()]
        assert [line[-1] for line in lines] == ["what a lovely day", "my dog died"]
        assert [line[0].split()[0] for line in lines] == ["glad", "sad"]
        assert all(len(line) == 3 for line in lines)


def test_predict_from_standard_input_as_json(fecbench, trained, monkeypatch):
    stdin = io.StringIO("stop shouting at me\n\nrain and an empty house\n")
    monkeypatch.setattr(sys, "stdin", stdin)
    code, out, _ = fecbench("predict", "ce", "--json", "--top", 9)
    assert code == 0
    found = json.loads(out)["predictions"]
    assert [row["text"] for row in found] == ["stop shouting at me", "rain and an empty house"]
    assert [row["labels"][0]["label"] for row in found] == ["mad", "sad"]
    for row in found:
        assert sum(label["probability"] for label in row["labels"]) == pytest.approx(1, abs=1e-5)


def test_predictions_equal_those_of_the_test(fecbench, trained, toy):
    """A predictor made from the directory alone gives the logits that were recorded."""
    import csv

    import torch
    from safetensors.torch import load_file

    from fecbench.prediction import Predictor

    with (toy / "test.csv").open(newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    recorded = load_file(trained.folder / "predictions.safetensors")["logits"].softmax(1)
    torch.testing.assert_close(Predictor.load(trained).probabilities(texts), recorded, rtol=1e-4, atol=1e-6)


def test_a_run_can_be_moved(fecbench, trained, here):
    trained.folder.rename(here / "elsewhere")
    code, out, _ = fecbench("predict", here / "elsewhere", "what a lovely day")
    assert code == 0
    assert out.startswith("glad")


@pytest.mark.parametrize("name", ["best.safetensors", "encoder/tokenizer.json", "encoder/config.json"])
def test_predict_names_a_missing_or_broken_file(fecbench, trained, name):
    (trained.folder / name).write_text("broken")
    code, _, err = fecbench("predict", "ce", "a text")
    assert code == 1
    assert "must" in err
    assert "Traceback" not in err


def test_predict_without_text_says_so(fecbench, trained, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    code, _, err = fecbench("predict", "ce")
    assert code == 2
    assert "a text is needed" in err


def test_plugins_from_metadata_and_checked(fecbench, install):
    install("sloppy", "fecbench_objectives", broken="nowhere:Thing")
    install("thief", "fecbench_heads", linear="thief:Head")
    code, out, _ = fecbench("plugins", "--json")
    assert code == 0
    rows = {(row["kind"], row["name"], row["distribution"]): row for row in json.loads(out)}
    assert rows["objectives", "ce", "fecbench"]["version"]
    assert rows["objectives", "broken", "sloppy"]["problem"] == ""
    assert rows["heads", "linear", "thief"]["problem"] == "claimed more than once"
    code, out, err = fecbench("plugins", "--check", "--json")
    assert code == 1
    problems = {(row["kind"], row["name"]): row["problem"] for row in json.loads(out)}
    assert "can't be imported: ModuleNotFoundError" in problems["objectives", "broken"]
    assert "must be claimed once" in problems["heads", "linear"]
    assert not any(problem for key, problem in problems.items() if key not in {("objectives", "broken"), ("heads", "linear")})
    assert "plugins work" in err


def test_all_built_in_plugins_work(fecbench):
    code, out, _ = fecbench("plugins", "--check")
    assert code == 0
    assert "problem" not in out


PLUGIN = """
from fecbench import Config, Objective, Update
class Fine(Objective):
    def updates(self, batch, model):
        yield Update(model.classify(model.project(model.encode(batch))).logsumexp(1).mean())
class Clash(Fine):
    class Config(Config):
        epochs: int = 3
class Needy(Fine):
    class Config(Config):
        must: int
class Wishful(Fine):
    settings = {"no_such_setting": 1}
class Idle(Objective): pass
class Untyped(Fine):
    Config = dict
function = lambda: 0
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Clash", "has the option epochs, which `fecbench run` has itself; rename it"),
        ("Needy", "has options without a default: must"),
        ("Wishful", "prefers settings that nobody has: no_such_setting"),
        ("Idle", "must define updates"),
        ("Untyped", "must have a Config that is a subclass of fecbench.Config"),
        ("function", "must be a subclass of fecbench.Objective"),
    ],
)
def test_a_plugin_that_is_not_what_it_claims_is_named_with_its_distribution(fecbench, install, name, message):
    install("their-plugin", "fecbench_objectives", theirs=f"their_module:{name}", code=PLUGIN)
    code, _, err = fecbench("run", "theirs", "--dataset", "demo")
    assert code == 1
    assert f"the objective 'theirs' (their_module:{name} of their-plugin 1.0) " in err
    assert message in err


def test_a_hook_plugin_adds_a_command_and_sees_the_run(fecbench, install, toy, here):
    code = """
        import click
        from fecbench import hookimpl
        @hookimpl
        def commands():
            return [click.Command("greet", callback=lambda: click.echo("hello"), help="say hello")]
        @hookimpl
        def run_finished(run, result):
            print("seen", run.objective, sorted(result["metrics"]))
        """
    install("greeter", "fecbench", greeter="greeter_module", code=code)
    assert "greet" in fecbench("--help")[1]
    assert fecbench("greet")[1] == "hello\n"
    out = fecbench("run", "ce", "--dataset", toy, "--encoder", "scratch", "--epochs", 1)[1]
    assert "seen ce ['test', 'validation']" in out


def test_data_lists_sources_licences_and_rows(fecbench):
    code, out, _ = fecbench("data", "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["demo"]["source"] == "the installed package"
    assert rows["ge"]["rows"] == [23485, 2956, 2984]
    assert rows["ed-prepared"]["source"].startswith("not here: ed-prepared isn't in")
    assert all(row["licence"] for row in rows.values())
    assert "DEMO" in fecbench("data")[1]


def test_a_broken_data_set_plugin_hides_no_other(fecbench, install):
    install("odd-data", "fecbench_datasets", odd="fecbench.errors:DataError")
    rows = {row["name"]: row for row in json.loads(fecbench("data", "--json")[1])}
    assert "must offer info, source and load, but lacks info" in rows["odd"]["source"]
    assert rows["demo"]["source"] == "the installed package"


def test_data_stats(fecbench, toy):
    code, out, err = fecbench("data", "stats", "demo", toy, "--json")
    assert code == 0, err
    demo, own = json.loads(out)
    assert (demo["rows"], demo["labels"], demo["balance"]) == ({"train": 1140, "validation": 240, "test": 240}, 12, 1.0)
    assert own["name"] == "toy"
    assert "Exact duplicates and shared texts" in fecbench("data", "stats", "demo")[1]


def test_doctor_says_what_works(fecbench, here):
    code, out, err = fecbench("doctor", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["--dataset demo"]["works"] is True
    assert found["--dataset ge"]["works"] is False
    assert found["hub"] == {"works": False, "finding": found["hub"]["finding"]}
    assert "HF_HUB_OFFLINE" in found["hub"]["finding"]
    assert found["--encoder scratch"]["works"] is True
    assert found["torch"]["finding"]
    assert "won't" in fecbench("doctor")[1]


@pytest.mark.slow
def test_tensorboard_gets_the_runs_numbers(fecbench, toy, here):
    code, _, err = fecbench(
        "run", "ce", "--dataset", toy, "--encoder", "scratch", "--epochs", 2, "--run-dir", "run", "--tracker", "tensorboard"
    )
    assert code == 0, err
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(Path("run") / "trackers" / "fecbench"))
    reader.Reload()
    assert {"train/model_loss", "validation/accuracy"} <= set(reader.Tags()["scalars"])
    assert [event.step for event in reader.Scalars("validation/accuracy")] == [2, 4]
    (tested,) = reader.Scalars("test/accuracy")
    assert tested.value == pytest.approx(Record(Path("run")).result["metrics"]["test"]["accuracy"])


def test_version(fecbench):
    assert fecbench("--version")[1].startswith("fecbench, version 0.")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("needs = None", "must have needs that are a fecbench.BatchNeeds"),
        ("settings = None", "must have settings and presets that are dicts"),
        ("presets = {'demo': 3}", "must have settings and presets that are dicts"),
        ("presets = 3", "must have presets that are a dict"),
        ("class Config(Config):\n        rate: float = 'fast'", "can't be configured with its own defaults: ValidationError"),
        ("@classmethod\n    def batch_needs(cls, config): return config.size", "can't be configured with its own defaults: AttributeError"),
        ("@classmethod\n    def batch_needs(cls, config): return 2", "must have needs that are a fecbench.BatchNeeds, but they are 2"),
        ("class Config(Config):\n        sizes: tuple[int, ...] = ()", "has options that a command line can't give: sizes"),
    ],
)
def test_an_objective_with_broken_declarations_is_told_by_check_and_hurts_nobody(fecbench, install, body, message):
    head = "from fecbench import Config, Objective\n\nclass Mine(Objective):\n"
    source = f"{head}    {body}\n\n    def updates(self, batch, model):\n        yield\n"
    install("careless", "fecbench_objectives", careless="careless_code:Mine", code=source)
    code, out, _ = fecbench("plugins", "--check", "--json")
    assert code == 1
    problems = {row["name"]: row["problem"] for row in json.loads(out) if row["problem"]}
    assert list(problems) == ["careless"]
    assert message in problems["careless"]
    assert fecbench("doctor")[0] in (0, 1)


def test_choices_and_numbers_of_any_kind_can_be_set(fecbench, install, toy, here):
    code = """
from typing import Literal
from fecbench import Config, Objective, Update
from torch.nn.functional import cross_entropy

class Options(Config):
    degree: Literal[1, 2, 3] = 1
    share: int | float = 1

class Mine(Objective):
    Config = Options

    def updates(self, batch, model):
        assert (self.config.degree, self.config.share) == (2, 0.5)
        yield Update(cross_entropy(model.classify(model.project(model.encode(batch))), batch.labels))
"""
    install("choosy", "fecbench_objectives", choosy="choosy_code:Mine", code=code)
    given = ["--encoder", "scratch", "--epochs", 1, "--degree", 2, "--share", 0.5, "--run-dir", "run"]
    code, _, err = fecbench("run", "choosy", "--dataset", toy, *given)
    assert code == 0, err
    assert Record(Path("run")).settings()["degree"] == 2


def test_statistics_of_ones_own_columns(fecbench, toy):
    for file in toy.glob("*.csv"):
        file.write_text(file.read_text().replace("text,label", "words,mood", 1))
    code, _, err = fecbench("data", "stats", toy)
    assert code == 1
    assert "name yours with --text-column" in err
    code, out, err = fecbench("data", "stats", toy, "--text-column", "words", "--label-column", "mood", "--json")
    assert code == 0, err
    assert json.loads(out)[0]["labels"] == 3
    code, _, err = fecbench("data", "--json", "stats", toy)
    assert code == 2
    assert "must stand after its name" in err


def test_newest_is_what_was_begun_last_not_what_was_copied_last(fecbench, trained, here):
    import shutil

    copied = here / "runs" / "copied"
    shutil.copytree(trained.folder, copied)
    path = copied / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"started": "2001-01-01T00:00:00+00:00"}))
    _, out, _ = fecbench("runs", "--json")
    assert [row["id"] for row in json.loads(out)] == ["first", "copied"]
