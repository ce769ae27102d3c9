"""Files whose rows may have several labels or none; fecbench reads the rows with one."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.shapes.shape import SPLITS, Rows, Shape, lay, made_up, quoted


def read_cells(path: Path, **how: str | int) -> list[list[str]]:
    """The cells of a file, read with the csv module."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, **how))


TAB = "\t"
TSV = {"train": "train.tsv", "validation": "dev.tsv", "test": "test.tsv"}


def goemotions(group: str, names: Sequence[str]) -> Callable[[Path], None]:
    """TSV without a header: text, numbers, id."""

    def write(folder: Path) -> None:
        for split, name in TSV.items():
            rows = made_up(list(map(str, range(len(names)))), split)
            rows += [('She said "no" again', "0"), ("both", "0,1"), ("all three", "2,0,1")]
            lines = [f"{quoted(text, TAB)}\t{label}\teebb{n}\n" for n, (text, label) in enumerate(rows)]
            lay(folder, f"data/{group}/{name}", "".join(lines))
        lay(folder, f"data/{group}/labels.txt", "\n".join(names) + "\n")

    return write


def read_goemotions(group: str, names: Sequence[str]) -> Callable[[Path], dict[str, Rows]]:
    """Keep the rows with one number."""

    def read(folder: Path) -> dict[str, Rows]:
        cells = {split: read_cells(folder / "data" / group / name, delimiter="\t") for split, name in TSV.items()}
        return {
            split: [(text, names[int(label)]) for text, label, _ in rows if "," not in label]
            for split, rows in cells.items()
        }

    return read


PLUTCHIK = ["anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust"]


def subtitles(file: str, sign: str) -> Callable[[Path], None]:
    """TSV without a header: text, numbers from 1."""

    def write(folder: Path) -> None:
        rows = [*made_up(list("12345678")), ("both", "1, 4"), ("three", "1, 4, 7")]
        lay(folder, file, "".join(f"{sign}{text}\t{label}\n" for text, label in rows))

    return write


def read_subtitles(file: str) -> Callable[[Path], dict[str, Rows]]:
    """Keep the rows with one number; quotes are characters."""

    def read(folder: Path) -> dict[str, Rows]:
        rows = read_cells(folder / file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {"train": [(text, PLUTCHIK[int(label) - 1]) for text, label in rows if "," not in label]}

    return read


XED_TOML = """
files.train = "Projections/zh-projections.tsv"
format = { header = false, columns = ["text", "label"], quotes = "plain" }
[labels]
names = ["anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust"]
first = 1
separator = ","
several = "drop"
"""


def intents(folder: Path) -> None:
    for number in range(3):
        rows = [{"text": text, "intents": [label]} for text, label in made_up(["change", "card"], f"fold {number}")]
        rows += [{"text": f"both {number}", "intents": ["change", "card"]}, {"text": f"none {number}", "slots": {}}]
        lay(folder, f"nlupp/data/banking/fold{number}.json", json.dumps(rows, indent=2))


def read_intents(folder: Path) -> dict[str, Rows]:
    rows: Rows = []
    for number in range(3):
        content = json.loads((folder / f"nlupp/data/banking/fold{number}.json").read_text(encoding="utf-8"))
        rows += [(row["text"], row["intents"][0]) for row in content if len(row.get("intents", [])) == 1]
    return {"train": rows}


NLU_TOML = """
files.train = "nlupp/data/banking/fold*.json"
columns.label = "intents"
labels = { several = "drop", none = "drop" }
"""


def switches(
    files: Mapping[str, str], labels: Sequence[str], mark: str, text: str = "text", on: str = "1", unlabelled: str = ""
) -> Callable[[Path], None]:
    """A column of 0 and 1 for each label; some rows have several or none."""

    def write(folder: Path) -> None:
        for split, name in files.items():
            lines = [mark.join(["id", text, *labels])]
            rows: list[tuple[str, set[str]]] = [(said, {label}) for said, label in made_up(labels, split)]
            rows += [(f"both in {split}", set(labels[:2])), (f"none in {split}", set()), (f"no more in {split}", set())]
            rows += [(f"nothing in {split}", set()), (f"and none in {split}", set())]
            for number, (said, chosen) in enumerate(rows):
                cells = ["" if split == unlabelled else on if label in chosen else "0" for label in labels]
                lines.append(mark.join([f"{split}_{number}", quoted(said, mark), *cells]))
            lay(folder, name, "\n".join(lines) + "\n")

    return write


def read_switches(
    files: Mapping[str, str], mark: str, text: str = "text", none: str = "", unlabelled: str = ""
) -> Callable[[Path], dict[str, Rows]]:
    """Keep the rows with one 1, and call those without one ``none``; an unlabelled split has its texts alone."""

    def read(folder: Path) -> dict[str, Rows]:
        found: dict[str, Rows] = {}
        for split, name in files.items():
            header, *rows = read_cells(folder / name, delimiter=mark)
            named = [
                (
                    cells[header.index(text)],
                    [label for label, cell in zip(header[2:], cells[2:], strict=True) if cell == "1"],
                )
                for cells in rows
            ]
            found[split] = [
                (said, "" if split == unlabelled else labels[0] if labels else none)
                for said, labels in named
                if split == unlabelled or len(labels) == 1 or (none and not labels)
            ]
        return found

    return read


AFFECT = {
    "train": "2018-E-c-En-train.txt",
    "validation": "2018-E-c-En-dev.txt",
    "test": "2018-E-c-En-test-gold.txt",
}
ELEVEN = [
    "anger", "anticipation", "disgust", "fear", "joy", "love", "optimism", "pessimism", "sadness", "surprise", "trust",
]  # fmt: skip
AFFECT_TOML = f"""
files.train = "2018-E-c-En-train.txt"
files.validation = "2018-E-c-En-dev.txt"
files.test = "2018-E-c-En-test-gold.txt"
format = {{ kind = "tsv", quotes = "plain" }}
[columns]
text = "Tweet"
label = {json.dumps(ELEVEN)}
[labels]
several = "drop"
none = "neutral"
""".strip()
CEDR = {"train": "train.csv", "test": "test.csv"}
FIVE = ["joy", "sadness", "surprise", "fear", "anger"]


def cedr(folder: Path) -> None:
    for split, name in CEDR.items():
        rows = [(text, f"[{label}]") for text, label in made_up(list("01234"), split)]
        rows += [(f"{split} neither {n}", "[]") for n in range(4)] + [(f"{split} both", "[0 4]")]
        lines = [f"{quoted(text)},{label},lj\n" for text, label in rows]
        lay(folder, name, "text,labels,source\n" + "".join(lines))


def read_cedr(folder: Path) -> dict[str, Rows]:
    found = {}
    for split, name in CEDR.items():
        rows = [(text, label.strip("[]").split()) for text, label, _ in read_cells(folder / name)[1:]]
        found[split] = [
            (text, FIVE[int(labels[0])] if labels else "no emotion") for text, labels in rows if len(labels) < 2
        ]
    return found


CEDR_TOML = f"""
columns.label = "labels"
[labels]
names = {json.dumps([*FIVE, "no emotion"])}
several = "drop"
none = "no emotion"
"""
AMHARIC = {split: f"amh/{name}.csv" for split, name in zip(SPLITS, ("train", "dev", "test"), strict=True)}
ENGLISH = {split: f"eng/{name}.csv" for split, name in zip(SPLITS, ("train", "dev", "test"), strict=True)}
SIX = ["anger", "disgust", "fear", "joy", "sadness", "surprise"]


def brighter_toml(files: Mapping[str, str], labels: Sequence[str]) -> str:
    """A description of BRIGHTER's files."""
    named = "".join(f'files.{split} = "{name}"\n' for split, name in files.items())
    return f"""
{named}columns.id = "id"
columns.label = {json.dumps(labels)}
labels = {{ several = "drop", none = "neutral" }}
"""


def annotators(folder: Path) -> None:
    lines = ["text_content,emotion,annotator_1,annotator_2,annotator_3,majority_vote"]
    for text, label in made_up(["anger", "joy", "fear"]):
        lines += [
            f"{quoted(text)},{emotion},{vote},{vote},0,{vote}"
            for emotion in ("anger", "joy", "fear")
            for vote in [int(emotion == label)]
        ]
    lay(folder, "afr.csv", "\n".join(lines) + "\n")


def read_annotators(folder: Path) -> dict[str, Rows]:
    return {"train": [(row[0], row[1]) for row in read_cells(folder / "afr.csv")[1:] if row[-1] == "1"]}


ANNOTATORS_TOML = """
files.train = "afr.csv"
columns = { text = "text_content", label = "emotion", where = { majority_vote = 1 } }
"""
ORIGINAL = ["admiration", "anger", "neutral"]
EKMAN = ["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"]
GROUP = ["positive", "negative", "ambiguous", "neutral"]
SHAPES = {
    "GoEmotions, original": Shape(
        goemotions("original", ORIGINAL), read_goemotions("original", ORIGINAL), "ge-original-single"
    ),
    "GoEmotions, Ekman": Shape(goemotions("ekman", EKMAN), read_goemotions("ekman", EKMAN), "ge-ekman-single"),
    "GoEmotions, group": Shape(goemotions("group", GROUP), read_goemotions("group", GROUP), "ge-group-single"),
    "XED, English": Shape(
        subtitles("AnnotatedData/en-annotated.tsv", ""), read_subtitles("AnnotatedData/en-annotated.tsv"), "xed-en"
    ),
    "XED, Chinese (lone quotes)": Shape(
        subtitles("Projections/zh-projections.tsv", '"'),
        read_subtitles("Projections/zh-projections.tsv"),
        toml=XED_TOML,
    ),
    "NLU++": Shape(intents, read_intents, toml=NLU_TOML),
    "SemEval-2018 E-c": Shape(
        switches(AFFECT, ELEVEN, "\t", "Tweet"), read_switches(AFFECT, "\t", "Tweet", none="neutral"), toml=AFFECT_TOML
    ),
    "CEDR": Shape(cedr, read_cedr, toml=CEDR_TOML),
    "BRIGHTER, track A": Shape(
        switches(AMHARIC, SIX, ","), read_switches(AMHARIC, ",", none="neutral"), toml=brighter_toml(AMHARIC, SIX)
    ),
    "BRIGHTER, track A, unlabelled test": Shape(
        switches(ENGLISH, SIX, ",", unlabelled="test"),
        read_switches(ENGLISH, ",", none="neutral", unlabelled="test"),
        toml=brighter_toml(ENGLISH, SIX),
        unlabelled=True,
    ),
    "BRIGHTER, track B": Shape(
        switches(AMHARIC, SIX, ",", on="3"),
        read_switches(AMHARIC, ","),
        toml=brighter_toml(AMHARIC, SIX),
        refused=r"amh/train\.csv, line 2: the column 'anger' of a label must hold 0 or 1 .*, found '3'; intensities",
    ),
    "BRIGHTER, annotators": Shape(annotators, read_annotators, toml=ANNOTATORS_TOML),
}
