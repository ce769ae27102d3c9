"""Texts with several labels that one run labels better than another."""

import json

import numpy as np
import pytest
import torch

from fecbench.core.errors import RunError
from fecbench.core.files import write_json, write_tensors
from fecbench.data.datasets.load import load_registered
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.rows import targets_of
from fecbench.results.case_formats import as_dict, caption, markdown, summary, table
from fecbench.results.cases import find_cases
from fecbench.runs.record import Record

NOTHING, TOO_MUCH, SURE, BETTER_WRONG = 3, 5, 9, 7  # rows of the test split


@pytest.fixture(scope="module")
def data():
    return load_registered("demo-multi", DataLocations())


@pytest.fixture(scope="module")
def true(data) -> torch.Tensor:
    """The labels of the test rows, bool ``[90, 12]``."""
    return torch.from_numpy(targets_of(data.splits["test"], 12)) > 0


@pytest.fixture
def recorded(tmp_path, data):
    """Write the record of a run that never was: ``recorded("aml", logits, order=[1, 0, ...], thresholds={...})``."""

    def write(name: str, logits: torch.Tensor, *, order=None, thresholds=None, validation=None, **settings) -> Record:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        order = list(range(12)) if order is None else order
        labels = [data.labels[number] for number in order]
        values = {"dataset": "demo-multi", "seed": 0, **settings}
        about = {
            "format": 2,
            "objective": {"name": name},
            "dataset": {
                "name": "demo-multi",
                "fingerprint": data.fingerprint,
                "labels": labels,
                "labelling": "multi",
                "licence": "MIT",
            },
            "settings": {key: {"value": value, "origin": "flag"} for key, value in values.items()},
            "code": "c",
        }
        write_json(folder / "run.json", about)
        for file, rows in (("predictions", logits), ("validation", validation)):
            if rows is not None:
                tensors = {"row": torch.arange(len(rows)), "logits": rows[:, order].contiguous()}
                write_tensors(folder / f"{file}.safetensors", tensors)
        result = {"metrics": {"test": {}}, "thresholds": dict.fromkeys(labels, 0.5) | (thresholds or {})}
        write_json(folder / "result.json", result)
        return Record(folder)

    return write


@pytest.fixture
def logits(true) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of the better and the worse run: right but for a few rows."""
    right = torch.where(true, 2.0, -2.0)
    better, worse = right.clone(), right.clone()
    worse[NOTHING] = -2.0
    worse[SURE] = -20.0
    worse[TOO_MUCH, int((~true[TOO_MUCH]).nonzero()[0])] = 1.0
    better[BETTER_WRONG] = -2.0
    return better, worse


@pytest.fixture
def pair(recorded, logits) -> tuple[Record, Record]:
    better, worse = logits
    return recorded("aml", better), recorded("ce", worse)


def test_cases_are_those_of_the_greater_jaccard_by_gain_then_by_likelihood(pair, data, true):
    found = find_cases(*pair)
    assert [case.row for case in found.cases] == [SURE, NOTHING, TOO_MUCH]
    assert (found.worse_ahead, found.equal, found.rows) == (1, 86, 90)
    first, second, third = found.cases
    assert (first.better.jaccard, first.worse.jaccard, first.worse.labels) == (1.0, 0.0, ())
    assert first.gold == first.better.labels == names(true[SURE], data)
    assert first.gain == second.gain == 1
    assert first.nll_gain > second.nll_gain
    assert third.gain == pytest.approx(1 - true[TOO_MUCH].sum().item() / (true[TOO_MUCH].sum().item() + 1))
    assert third.text == data.splits["test"]["text"][TOO_MUCH]
    shares = torch.sigmoid(torch.tensor(2.0)).item()
    assert third.better.nll == pytest.approx(-12 * np.log(shares), rel=1e-5)


def names(chosen: torch.Tensor, data) -> tuple[str, ...]:
    return tuple(label for label, is_chosen in zip(data.labels, chosen.tolist(), strict=True) if is_chosen)


def test_the_other_way_round(pair):
    better, worse = pair
    found = find_cases(worse, better)
    assert ([case.row for case in found.cases], found.worse_ahead) == ([BETTER_WRONG], 3)


def test_labels_are_matched_by_name(recorded, logits, pair):
    _, worse = logits
    turned = recorded("taco", worse, order=[*range(1, 12), 0])
    assert find_cases(pair[0], turned).cases == find_cases(*pair).cases


def test_labels_are_those_that_reach_the_threshold_of_the_run(recorded, logits, pair, data, true):
    lenient = recorded("taco", logits[1], thresholds={"angry": 0.1})  # the sigmoid of -2 is .12
    calm = (~true[:, data.labels.index("angry")]).nonzero().flatten().tolist()
    rows = set(calm) - {NOTHING, TOO_MUCH, SURE, BETTER_WRONG}
    of_row = {case.row: case for case in find_cases(pair[0], lenient).cases}
    assert rows <= of_row.keys()
    assert all(set(of_row[row].worse.labels) - set(of_row[row].gold) == {"angry"} for row in rows)


def test_at_least_one_label_is_given_where_the_run_does_so(recorded, logits, pair):
    forced = recorded("taco", logits[1], at_least_one=True)
    of_row = {case.row: case for case in find_cases(pair[0], forced).cases}
    assert all(case.worse.labels for case in of_row.values())


def test_validation_rows_need_no_weights(recorded, data):
    true = torch.from_numpy(targets_of(data.splits["validation"], 12)) > 0
    right = torch.where(true, 2.0, -2.0)
    test = torch.zeros(90, 12)
    better, worse = (recorded(name, test, validation=rows) for name, rows in (("aml", right), ("ce", -right)))
    found = find_cases(better, worse, "validation")
    assert len(found.cases) == found.rows == 90


def test_a_damaged_record_is_named(recorded, logits, pair):
    short = recorded("taco", logits[1][:5])
    with pytest.raises(RunError, match=r"must hold predictions of 90 rows and 12 labels, but holds \(5, 12\)"):
        find_cases(pair[0], short)
    result = json.loads((pair[1].folder / "result.json").read_text())
    del result["thresholds"]["angry"]
    write_json(pair[1].folder / "result.json", result)
    pair[1].reload()
    with pytest.raises(RunError, match="must have a threshold for every label, but has none for angry"):
        find_cases(*pair)


def test_the_formats(pair, true):
    found = find_cases(*pair)
    assert summary(found, 2) == (
        "Of 90 test rows of demo-multi, aml has the greater Jaccard index on 3 and ce on 1; on 86 they are equal. "
        "Shown: 2 of the rows on which aml is ahead, selected by the largest gain in Jaccard index, then in NLL "
        "(nats); they are not typical."
    )
    assert caption(found, ("A", "B")) == "Texts whose labels A gives with a greater Jaccard index than B."
    columns, lines = table(found, 2)
    assert columns[2:5] == ["labels", "ce", "aml"]
    assert columns[5:] == ["Jaccard ce", "Jaccard aml", "NLL ce", "NLL aml"]
    first = found.cases[0]
    assert lines[0][:1] == [SURE]
    assert lines[0][2:7] == [", ".join(first.gold), "(none)", ", ".join(first.gold), "0.00", "1.00"]
    page = markdown(found, 2).splitlines()
    assert page[3] == "| ---: | --- | --- | --- | --- | ---: | ---: | ---: | ---: |"
    assert page[-1] == "Runs: aml: aml, ce: ce. Licence of the texts: MIT."
    content = as_dict(found, 1)
    assert (content["better_ahead"], content["worse_ahead"], content["equal"]) == (3, 1, 86)
    (case,) = content["cases"]
    assert case["gain"] == 1
    assert case["worse"] == {"labels": (), "jaccard": 0.0, "nll": first.worse.nll}


def test_the_command(fecbench, pair):
    better, worse = pair
    code, out, err = fecbench("cases", better.folder, worse.folder, "--top", 1)
    assert code == 0, err
    assert "aml has the greater Jaccard index on 3 and ce on 1" in out
    code, out, _ = fecbench("cases", better.folder, worse.folder, "--format", "json")
    assert [case["row"] for case in json.loads(out)["cases"]] == [SURE, NOTHING, TOO_MUCH]
