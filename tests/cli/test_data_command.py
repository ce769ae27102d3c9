"""``fecbench data``: which data sets there are, and figures on them."""

import json


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
