"""Files of ``several.py``, each row with all its labels: how to load them so, and an independent reading."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.shapes.several import (
    AFFECT,
    AMHARIC,
    CEDR,
    EKMAN,
    ELEVEN,
    ENGLISH,
    FIVE,
    PLUTCHIK,
    SIX,
    TSV,
    cedr,
    goemotions,
    read_cells,
    subtitles,
    switches,
)
from tests.support.shapes.shape import lay, made_up, quoted

Sets = list[tuple[str, list[str]]]


@dataclass(frozen=True)
class SetShape:
    """A published form whose rows have several labels.

    Attributes:
        write: writes the files into a folder.
        read: reads the texts and the sorted labels of each published split without fecbench.
        recipe: recipe that loads it.
        toml: a ``dataset.toml`` that loads it.
        background: labels that say that a text has none of the others.
    """

    write: Callable[[Path], None]
    read: Callable[[Path], Mapping[str, Sets]]
    recipe: str = ""
    toml: str = ""
    background: tuple[str, ...] = ()


def read_ones(files: Mapping[str, str], mark: str, text: str = "text") -> Callable[[Path], dict[str, Sets]]:
    """The labels whose column is 1."""

    def read(folder: Path) -> dict[str, Sets]:
        found = {}
        for split, name in files.items():
            header, *rows = read_cells(folder / name, delimiter=mark)
            place, labels = header.index(text), header[2:]
            found[split] = [
                (row[place], sorted(label for label, cell in zip(labels, row[2:], strict=True) if cell == "1"))
                for row in rows
            ]
        return found

    return read


def read_numbers(files: Mapping[str, str], names: Sequence[str], first: int = 0) -> Callable[[Path], dict[str, Sets]]:
    """The names of the numbers in the second column, with commas between them; quotes are characters."""

    def read(folder: Path) -> dict[str, Sets]:
        plain = {} if first == 0 else {"quoting": csv.QUOTE_NONE}
        return {
            split: [
                (text, sorted(names[int(number) - first] for number in numbers.split(",")))
                for text, numbers, *_ in read_cells(folder / name, delimiter="\t", **plain)
            ]
            for split, name in files.items()
        }

    return read


def read_cedr(folder: Path) -> dict[str, Sets]:
    return {
        split: [
            (text, sorted(FIVE[int(number)] for number in labels.strip("[]").split()))
            for text, labels, _ in read_cells(folder / name)[1:]
        ]
        for split, name in CEDR.items()
    }


def columns(files: Mapping[str, str], labels: Sequence[str], more: str = "") -> str:
    """A description of files with a column of 0 and 1 for each label."""
    named = "".join(f'files.{split} = "{name}"\n' for split, name in files.items())
    return f'{named}columns.label = {json.dumps(labels)}\nlabels.labelling = "multi"\n{more}'


CEDR_TOML = f"""
columns.label = "labels"
[labels]
names = {json.dumps(FIVE)}
separator = " "
labelling = "multi"
"""
EKMAN_TOML = """
files = { train = "data/ekman/train.tsv", validation = "data/ekman/dev.tsv", test = "data/ekman/test.tsv" }
format = { header = false, columns = ["text", "label", "id"] }
[labels]
names = "data/ekman/labels.txt"
separator = ","
labelling = "multi"
background = ["neutral"]
"""


def affect(folder: Path) -> None:
    """TSV with a column of 0 and 1 for each of eleven emotions."""
    switches(AFFECT, ELEVEN, "\t", "Tweet")(folder)
    for name in AFFECT.values():
        content = (folder / name).read_text(encoding="utf-8")
        lay(folder, name, content.replace("id\t", "ID\t", 1))


def intents(folder: Path) -> None:
    """One JSON array for each split, with lists of labels."""
    for split in TSV:
        rows = [{"text": text, "intents": [label]} for text, label in made_up(["change", "card"], split)]
        rows += [{"text": f"both {split}", "intents": ["change", "card"]}, {"text": f"none {split}", "intents": []}]
        lay(folder, f"{split}.json", json.dumps(rows, indent=2))


def read_intents(folder: Path) -> dict[str, Sets]:
    content = {split: json.loads((folder / f"{split}.json").read_text(encoding="utf-8")) for split in TSV}
    return {split: [(row["text"], sorted(row["intents"])) for row in rows] for split, rows in content.items()}


SHAPES = {
    "SemEval-2018 E-c": SetShape(affect, read_ones(AFFECT, "\t", "Tweet"), recipe="semeval-ec"),
    "BRIGHTER, track A": SetShape(
        switches(AMHARIC, SIX, ","), read_ones(AMHARIC, ","), toml=columns(AMHARIC, SIX, 'columns.id = "id"\n')
    ),
    "BRIGHTER, English": SetShape(
        switches(ENGLISH, SIX, ","), read_ones(ENGLISH, ","), toml=columns(ENGLISH, SIX, 'columns.id = "id"\n')
    ),
    "CEDR": SetShape(cedr, read_cedr, toml=CEDR_TOML),
    "GoEmotions, Ekman": SetShape(
        goemotions("ekman", EKMAN),
        read_numbers({split: f"data/ekman/{name}" for split, name in TSV.items()}, EKMAN),
        toml=EKMAN_TOML,
        background=("neutral",),
    ),
    "XED, English": SetShape(
        subtitles("AnnotatedData/en-annotated.tsv", ""),
        read_numbers({"train": "AnnotatedData/en-annotated.tsv"}, PLUTCHIK, 1),
        recipe="xed-en-multi",
    ),
    "lists in JSON": SetShape(intents, read_intents, toml='columns.label = "intents"\n'),
}


def annotations(folder: Path) -> None:
    """A row for each rater of a text, with a column for each label, as GoEmotions' raw files have them."""
    for split in TSV:
        lines = ["text,id,author,rater_id,unclear,joy,fear"]
        for n in range(6):
            for rater in range(3):
                joy, fear = int(n % 3 == 0 and rater < 2), int(n % 3 == 1 or (n % 3 == 0 and rater == 1))
                lines.append(f"{quoted(f'{split} text, {n}')},{split}{n},somebody,{rater},False,{joy},{fear}")
        lines.append(f"{quoted(f'{split} text, 0')},{split}0,somebody,9,True,0,0")
        lay(folder, f"{split}.csv", "\n".join(lines) + "\n")


ANNOTATIONS_TOML = """
[columns]
label = ["joy", "fear"]
id = "id"
rater = "rater_id"
where = { unclear = false }
[labels]
labelling = "multi"
"""
