"""Answers read as labels: the card's examples, each rule, and what must never match."""

import json
from importlib.resources import files

import pytest

from fecbench import FecbenchError
from fecbench.data.datasets.builtin.descriptions import EMPATHETIC_DIALOGUES, GOEMOTIONS
from fecbench_llm import Parser

LISTS = {"ed": list(EMPATHETIC_DIALOGUES), "ge": list(GOEMOTIONS)}


def name_of(answer, names, multi="first"):
    index = Parser(names, multi)(answer)
    return names[index] if index >= 0 else None


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("Proud.", "proud"),
        ("I think: **joyful**", "joyful"),
        ("not sure", None),
        ("sad, lonely", "sad"),
        ("unafraid", None),
        ("", None),
        (" \n\t", None),
        ("JOYFUL!", "joyful"),
        ("'sad'", "sad"),
        ("\u201cSad\u201d", "sad"),
        ("`angry`", "angry"),
        ("<label>hopeful</label>", "hopeful"),
        ("happiness", "joyful"),
        ("Not proud, but sad", "proud"),
        ("The writer was sad.\nEmotion: lonely", "lonely"),
        ("Answer: sad\nfinal answer: lonely", "lonely"),
        ("The answer is lonely.", "lonely"),
        ("This text contains emotions:\nlonely, sad", "lonely"),
        ("Emotion: it is sad or lonely", "sad"),
        ("I was terrified, so my emotion: afraid", "terrified"),
        ("<think>sad? lonely? proud!</think>\n\nguilty", "guilty"),
        ("<think>sad? lonely? I run out of tok", None),
        ("saddened", None),
        ("non-jealous", None),
        ("proudly sad", "sad"),
        ("rage", "furious"),
        ("fear and happiness", "afraid"),
        ("disappointed", "disappointed"),
        ("self-confident", "confident"),
        ("\u2028sad\u2028", "sad"),
        ("{'emotion': 'sad'}", "sad"),
    ],
)
def test_answers_to_empathetic_dialogues(answer, label):
    assert name_of(answer, LISTS["ed"]) == label


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("sad, lonely", None),
        ("sad, sad, SAD", "sad"),
        ("fear and happiness", None),
        ("afraid of fear", "afraid"),
        ("joy, happiness", "joyful"),
    ],
)
def test_several_labels_can_count_as_no_answer(answer, label):
    assert name_of(answer, LISTS["ed"], "invalid") == label


def test_a_label_that_holds_another_is_matched_first():
    names = ["pride", "quiet pride", "quiet", "quiet pride at last"]
    assert name_of("it is quiet pride, surely", names, "invalid") == "quiet pride"
    assert name_of("quiet pride at last it is", names, "invalid") == "quiet pride at last"
    assert name_of("it was quiet at last", names, "invalid") == "quiet"


def test_labels_of_a_data_set_of_ones_own():
    names = ["c++ (rage)", "So-So", "grim_news", "\u00dcbermut"]
    for name in names:
        assert name_of(f"I'd say {name.upper()}!", names) == name
    with pytest.raises(FecbenchError, match="labels must differ in more than case and marks"):
        Parser(["sad", "Sad"])


@pytest.mark.parametrize("names", LISTS.values(), ids=LISTS)
def test_every_label_is_read_back_whatever_its_dress(names):
    for name in names:
        for dress in ("{}", "{}.", "**{}**", "Emotion: {}", "I think it is {} here", "{}\n"):
            assert name_of(dress.format(name.title()), names, "invalid") == name


@pytest.mark.parametrize("names", LISTS.values(), ids=LISTS)
def test_no_other_name_is_ambiguous_and_every_one_is_read(names):
    table = json.loads(files("fecbench_llm").joinpath("aliases.json").read_text())
    meant = {}
    for name in names:
        for alias in table.get(name, []):
            if alias not in names:
                assert meant.setdefault(alias, name) == name, f"{alias} could be {meant[alias]} or {name}"
    assert len(meant) > 50
    for alias, name in meant.items():
        assert name_of(f"{alias}", names) == name


def test_other_names_belong_to_known_labels_and_are_plain():
    table = json.loads(files("fecbench_llm").joinpath("aliases.json").read_text())
    assert set(table) <= {*LISTS["ed"], *LISTS["ge"]}
    for name, aliases in table.items():
        assert len({name, *aliases}) == 1 + len(aliases)
        assert all(alias == alias.lower().strip() for alias in aliases)
