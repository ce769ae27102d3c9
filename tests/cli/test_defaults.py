"""Help and `--dry-run` show the settings that a run uses."""

import json
import re
from itertools import product

import pytest

from fecbench import Config, Objective
from fecbench.cli import cli
from fecbench.core import registry
from fecbench.runs.defaults import text
from fecbench.runs.plan import plan

METHODS = list(registry.objectives)
DATASETS = ["demo", "ed", "ge", "ge-prepared", "./own"]
ENCODERS = [None, "minilm", "scratch", "tiny-bert", "someone/encoder"]


def told(method: str) -> dict[str, str]:
    """The default of each option of ``method``, as its help words it."""
    context = cli.make_context("fecbench", [], resilient_parsing=True, terminal_width=10_000, max_content_width=10_000)
    for name in ("run", method):
        command = context.command.get_command(context, name)
        context = command.make_context(name, [], parent=context, resilient_parsing=True)
    lines = re.sub(r"\n {9,}", "  ", context.get_help())  # a long option has its text on the next line
    found = re.findall(r"^  --([\w-]+) .*?(?:\[default: ([^\]]*)\])?$", lines, re.MULTILINE)
    return {flag.replace("-", "_"): default for flag, default in found}


def understood(words: str, method: str, dataset: str, encoder: str) -> str:
    """The value that a reader of ``words`` expects: the last part that applies.

    Parts are "V", "V (METHOD)", "V with ENCODERS", "V on DATASETS" and "V in other methods".
    """
    expected = "none"
    for part in words.split("; ") if words else ():
        value, word, names = re.fullmatch(r"(\S*)(?: (with|on|in) (.*?)(?: with any encoder)?| \(.*\))?", part).groups()
        if not word or {"with": encoder, "on": dataset, "in": method}[word] in re.split(", | or ", names):
            expected = value
    return expected


@pytest.mark.parametrize("method", METHODS)
def test_help_says_what_a_run_would_use(method):
    shown = told(method)
    for dataset, encoder in product(DATASETS, ENCODERS):
        chosen = plan(method, {"dataset": dataset, "pooling": "first"} | ({"encoder": encoder} if encoder else {}))
        own_words = {
            key
            for key, option in chosen.objective.Config.model_fields.items()
            if "[default:" in (option.description or "")
        }
        for key, setting in chosen.origins.items():
            if setting.origin != "flag" and key not in own_words:
                found = understood(shown[key], method, dataset, chosen.settings.encoder)
                assert found == text(setting.value), f"{key} on {dataset} with {encoder}: {shown[key]}"


@pytest.mark.parametrize(
    ("method", "option", "words"),
    [
        ("lcl", "batch_size", "32 (lcl); 64 in other methods"),
        ("aml", "head", "label (aml); native in other methods"),
        ("aml", "k_pos", "10; 20 on ge, ge-multi or ge-prepared"),
        ("aml-no-adv", "weight", "0.0 (aml-no-adv); 1.0 in other methods"),
        ("emoberta", "clip", "1.0 (emoberta); none in other methods"),
        ("ce", "encoder", "roberta-base; scratch on demo or demo-multi"),
        ("ce", "lr", "2e-05; 0.0001 with minilm; 0.001 with scratch"),
        ("ce", "clip", ""),
        (
            "hypemo",
            "lr",
            "2e-05; 0.0001 with minilm; 0.001 with scratch; 1e-05 on ed, ed-prepared, ge or ge-prepared "
            "with any encoder",
        ),
    ],
)
def test_help_names_where_a_default_comes_from(method, option, words):
    assert told(method)[option] == words


def test_help_knows_plugins_and_passes_over_broken_ones(install, registered):
    class Picky(Objective):
        Config = type("PickyConfig", (Config,), {"__annotations__": {"k": int}, "k": 3})
        settings = {"lr": 0.5}  # noqa: RUF012
        presets = {"hf:me/mine": {"k": 4}}  # noqa: RUF012

        def updates(self, batch, model):
            yield from ()

    code = "class Fast:\n    settings = {'epochs': 2, 'lr': 0.1}\n    def __call__(self, texts): ...\nfast = Fast()\n"
    install("fast-encoder", "fecbench_encoders", fast="fast_encoder:fast", code=code)
    install("lost-encoder", "fecbench_encoders", lost="no_such_module:lost")
    install("lost-data", "fecbench_datasets", lost="no_such_module_either:lost")
    shown = told(registered("picky", Picky))
    assert shown["k"] == "3; 4 on hf:me/mine"
    assert shown["lr"] == "0.5 (picky); 2e-05 in other methods"  # over any encoder's
    assert shown["epochs"] == "8; 2 with fast; 15 with scratch"


def test_a_dry_run_prints_every_setting_with_its_origin_and_leaves_nothing(fecbench, here):
    flags = ["--dataset", "demo", "--k-pos", 5, "--settings", '{"k_neg": 6}']
    code, out, err = fecbench("run", "aml", *flags, "--dry-run", "--json")
    assert code == 0, err
    found = json.loads(out)["settings"]
    expected = plan("aml", {"dataset": "demo", "k_pos": 5}, {"k_neg": 6}).origins
    assert found == {key: {"value": setting.value, "origin": setting.origin} for key, setting in expected.items()}
    code, table, _ = fecbench("run", "aml", *flags, "--dry-run")
    assert code == 0
    rows = {tuple(re.split(r"  +", line.strip())) for line in table.splitlines()}
    assert {
        ("--lr", "0.001", "encoder scratch"),
        ("--k-pos", "5", "flag"),
        ("--k-neg", "6", "spec"),
        ("--clip", "none", "default"),
    } <= rows
    assert not list(here.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["--dataset", "dmeo"], 2, "did you mean 'demo'"),
        (["--dataset", "./nowhere"], 1, "doesn't exist; give a folder"),
        (["--dataset", "hf:nowhere"], 2, "written hf:owner/name[:config][@revision], found hf:nowhere"),
        (
            ["--dataset", "demo", "--encoder", "~/nowhere"],
            1,
            "/nowhere doesn't exist; give the folder of a downloaded encoder",
        ),
        (["--dataset", "demo", "--epochs", "0"], 2, "--epochs 0: it must be at least 1"),
        (["--dataset", "demo", "--head", "native"], 2, "--head native takes --pooling first, found mean"),
        (["--dataset", "demo", "--device", "cuda:7"], 2, "--device cuda:7 isn't available here"),
        (["--dataset", "demo", "--tracker", "mlflow"], 2, "mlflow"),
        (["--dataset", "demo", "--settings", "[]"], 2, "--settings must be a JSON object"),
    ],
)
def test_a_dry_run_refuses_what_a_run_refuses(fecbench, here, flags, code, message):
    for dry in ([], ["--dry-run"]):
        found, _, err = fecbench("run", "ce", *flags, *dry)
        assert (found, message in err) == (code, True), err


@pytest.mark.slow
def test_a_dry_run_refuses_a_batch_that_is_too_small(fecbench, here):
    for dry in ([], ["--dry-run"]):
        code, _, err = fecbench("run", "aml", "--dataset", "demo", "--batch-size", "1", *dry)
        assert (code, "needs at least 2 texts in a batch, found --batch-size 1" in err) == (1, True), err
