"""Mistakes in any command."""

import pytest

from fecbench.cli import main
from fecbench.cli.predict import _lines
from fecbench.core.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "alm", "--dataset", "demo"], 2, "no objective is called 'alm'; did you mean 'aml'?"),
        (["run", "ce"], 2, "a data set is needed: --dataset"),
        (["run", "ce", "--dataset", "dmeo"], 2, "no data set is called 'dmeo'; did you mean 'demo'?"),
        (["run", "ce", "--dataset", "demo", "--epochs", "many"], 2, "'many' is not a valid integer"),
        (["run", "ce", "--dataset", "demo", "--folds", "101"], 2, "--folds 101: it must be at most 100"),
        (["run", "ce", "--dataset", "./x", "--delimiter", "ab"], 2, "--delimiter ab: it must have at most 1 character"),
        (
            ["run", "ce", "--dataset", "demo", "--epochs", "0"],
            2,
            "--epochs 0: it must be at least 1",
        ),
        (["run", "ce", "--dataset", "demo", "--k-pos", "3"], 2, "No such option"),
        (["run", "ce", "--dataset", "demo", "--head", "nativ"], 2, "no head is called 'nativ'; did you mean 'native'?"),
        (["run", "ce", "--dataset", "demo", "--head", "native"], 2, "--head native takes --pooling first, found mean"),
        (
            ["run", "ce", "--dataset", "demo", "--encoder", "roberta-base"],
            1,
            "isn't on this machine, and HF_HUB_OFFLINE is set",
        ),
        (["run", "ce", "--dataset", "demo", "--device", "cuda:7"], 2, "--device cuda:7 isn't available here"),
        (["run", "ce", "--dataset", "demo", "--precision", "float16"], 2, "float16"),
        (["run", "ce", "--dataset", "./nowhere"], 1, "doesn't exist; give a folder"),
        (["run", "ce", "--dataset", "ge", "--data-dir", "nowhere"], 1, "--data-dir must be a folder"),
        (["run", "ce", "--dataset", "ed", "--data-dir", "."], 1, "use ed-prepared"),
        (["run", "ce", "--dataset", "demo", "--tracker", "mlflow"], 2, "mlflow"),
        (["run", "ce", "--dataset", "demo", "--resume"], 1, "there is none; leave it out"),
        (["predict", "nothing", "text"], 2, "no run or method with a complete run under runs is called 'nothing'"),
        (["predict", "nothing", "text", "--root", "nowhere"], 2, "nowhere must be a run's folder or a folder of runs"),
        (["runs", "nowhere"], 2, "nowhere must be a run's folder or a folder of runs, but there is no such folder"),
        (["run", "ce", "--dataset", "demo", "--device", "mps"], 2, "'MPS' backend); choose auto or cpu"),
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


def test_errors_of_the_system_name_file_reason_and_remedy(monkeypatch, capsys):
    def refuse():
        raise PermissionError(13, "Permission denied", "data/train.csv")

    monkeypatch.setattr("fecbench.cli.cli", refuse)
    with pytest.raises(SystemExit, match="1"):
        main()
    told = "fecbench: data/train.csv: permission denied; check the path and its permissions\n"
    assert capsys.readouterr().err == told


def test_a_full_disk_behind_standard_output_has_a_remedy(monkeypatch, capsys):
    def refuse():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fecbench.cli.cli", refuse)
    with pytest.raises(SystemExit, match="1"):
        main()
    assert "free space or choose another place" in capsys.readouterr().err


def test_a_closed_standard_input_is_no_text(fecbench, here, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UsageError, match="a text is needed, but none was given"):
        _lines()
