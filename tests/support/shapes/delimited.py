"""CSV and TSV files of one label a row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas

from tests.support.shapes.shape import SPLITS, Rows, Shape, lay, made_up, quoted

EMPATHETIC = ("train.csv", "valid.csv", "test.csv")


def table(
    files: Mapping[str, str | list[str]], text: str, label: str, **how: object
) -> Callable[[Path], dict[str, Rows]]:
    """Read columns of CSV files with pandas, every cell as text."""

    def read(folder: Path) -> dict[str, Rows]:
        found = {}
        for split, names in files.items():
            paths = [folder / name for name in ([names] if isinstance(names, str) else names)]
            frame = pandas.concat([pandas.read_csv(path, dtype=str, keep_default_na=False, **how) for path in paths])
            found[split] = list(zip(frame[text], frame[label], strict=True))
        return found

    return read


def banking(folder: Path) -> None:
    for name in ("train", "test"):
        rows = "".join(f"{quoted(text)},{label}\n" for text, label in made_up(["card_arrival", "top_up"], name))
        lay(folder, f"banking_data/{name}.csv", f"text,category\n{rows}")


MELD = {
    "train": "data/MELD/train_sent_emo.csv",
    "validation": "data/MELD/dev_sent_emo.csv",
    "test": "data/MELD/test_sent_emo.csv",
}


def meld(folder: Path) -> None:
    header = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime"
    for split, name in MELD.items():
        lines = [header]
        for number, (text, label) in enumerate(made_up(["joy", "neutral", "anger"], split), 1):
            said = quoted(f'"{text}\x92s", he said')
            lines.append(f'{number},{said},Ross,{label},positive,0,{number},8,21,"00:16:16,059","00:16:21,731"')
        lay(folder, name, "\n".join(lines) + "\n")
    lay(folder, "data/MELD_Dyadic/train_sent_emo_dya.csv", header + "\n")


EMORY = {
    "train": "data/emorynlp/emorynlp_train_final.csv",
    "validation": "data/emorynlp/emorynlp_dev_final.csv",
    "test": "data/emorynlp/emorynlp_test_final.csv",
}


def emory(folder: Path) -> None:
    header = "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Start_Time,End_Time"
    for split, name in EMORY.items():
        rows = made_up(["Joyful", "Mad", "Neutral"], split)
        lines = [
            f"{quoted(text)},\"['Monica']\",{label},4,{n},3,10,00:00:03.795,00:00:05.004"
            for n, (text, label) in enumerate(rows)
        ]
        lay(folder, name, "\n".join([header, *lines]) + "\n")


def dair(folder: Path) -> None:
    for name in ("train", "val", "test"):
        lay(folder, f"{name}.txt", "".join(f"{text};{label}\n" for text, label in made_up(["joy", "sadness"], name)))


def emocontext(folder: Path) -> None:
    for name in ("train", "valid", "test"):
        lines = ["id\tturn1\tturn2\tturn3\tlabel"]
        for number, (text, label) in enumerate(made_up(["others", "happy"], name)):
            lines.append(f'{number}\t"well\thow so?\t{text} "ha" :)\t{label}')
        lay(folder, f"DialogueRNN/semeval19_emocon/{name}.txt", "\r\n".join(lines) + "\r\n")


def read_emocontext(folder: Path) -> dict[str, Rows]:
    found = {}
    for split, name in zip(SPLITS, ("train", "valid", "test"), strict=True):
        text = (folder / f"DialogueRNN/semeval19_emocon/{name}.txt").read_bytes().decode()
        cells = [line.split("\t") for line in text.split("\r\n")[1:] if line]
        found[split] = [("\n".join(row[1:4]), row[4]) for row in cells]
    return found


def isear(folder: Path) -> None:
    rows = [(f"When I   \nlost it. {text}", label) for text, label in made_up(["joy", "guilt", "fear"])]
    rows.append(("When I forgot it.", "guit"))
    lay(folder, "ISEAR.csv", "".join(f"{label},{quoted(text)},\n" for text, label in rows))


def read_isear(folder: Path) -> dict[str, Rows]:
    with (folder / "ISEAR.csv").open(encoding="utf-8", newline="") as file:
        return {"train": [(text, "guilt" if label == "guit" else label) for label, text, _ in csv.reader(file)]}


def crowdflower(folder: Path) -> None:
    lines = ['"tweet_id","sentiment","author","content"']
    for number, (text, label) in enumerate(made_up(["worry", "fun", "love"])):
        lines.append(f'{1956967 + number},"{label}","writer{number}","@one {text} &quot;so&quot; ""so"""')
    lay(folder, "text_emotion.csv", "\n".join(lines) + "\n")


def indonesian(folder: Path) -> None:
    rows = "".join(f"{label},{quoted(text)}\n" for text, label in made_up(["anger", "happy", "love"]))
    lay(folder, "Twitter_Emotion_Dataset.csv", f"label,tweet\n{rows}")


RUSSIAN = {
    "train": ["Dataset/rusentiment_random_posts.csv", "Dataset/rusentiment_preselected_posts.csv"],
    "test": "Dataset/rusentiment_test.csv",
}


def russian(folder: Path) -> None:
    for name in ("random_posts", "preselected_posts", "test"):
        rows = made_up(["neutral", "positive", "skip"], name)
        lines = "".join(f"{label},{quoted(text)}\n" for text, label in rows)
        lay(folder, f"Dataset/rusentiment_{name}.csv", f"label,text\n{lines}")


def news(folder: Path) -> None:
    for name in ("train", "test"):
        rows = made_up(["1", "2", "3", "4"], name)
        lines = [f'"{label}","{text}","A ""body"", with \\$5 #39;s"\n' for text, label in rows]
        lay(folder, f"data/ag_news_csv/{name}.csv", "".join(lines))
    lay(folder, "data/ag_news_csv/classes.txt", "World\nSports\nBusiness\nSci/Tech\n")


def read_news(folder: Path) -> dict[str, Rows]:
    names, found = ["World", "Sports", "Business", "Sci/Tech"], {}
    for name in ("train", "test"):
        with (folder / f"data/ag_news_csv/{name}.csv").open(encoding="utf-8", newline="") as file:
            found[name] = [(f"{title} {body}", names[int(label) - 1]) for label, title, body in csv.reader(file)]
    return found


def empathetic(folder: Path) -> None:
    from fecbench.data.datasets.builtin.empathetic_dialogues import LABELS

    header = "conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags"
    for name in EMPATHETIC:
        lines = [header]
        for number, label in enumerate(LABELS):
            prompt = f'I lost my dog_comma_ "Rex_comma_ in {name} {number}'
            lines += [f"hit:{number}_conv,{turn},{label},{prompt},{turn},So_comma_ sad,5|5|5_2|2|5," for turn in (1, 2)]
        lines = lines if name == "train.csv" else [lines[0], *(f"{line},a|b" for line in lines[1:])]
        lay(folder, f"empatheticdialogues/{name}", "\n".join(lines) + "\n")


def read_empathetic(folder: Path) -> dict[str, Rows]:
    found = {}
    for split, name in zip(SPLITS, EMPATHETIC, strict=True):
        lines = (folder / "empatheticdialogues" / name).read_text(encoding="utf-8").splitlines()[1:]
        rows = {(cells := line.split(","))[0]: (cells[3].replace("_comma_", ","), cells[2]) for line in lines}
        found[split] = list(rows.values())
    return found


def hypemo(folder: Path) -> None:
    for name in EMPATHETIC:
        rows = made_up(["0", "1", "2", "3"], name)
        lines = "".join(f"{quoted(text)},{quoted(f'in other words, {text}')},{label}\n" for text, label in rows)
        lay(folder, f"data/ED_easy_4/{name}", f"text,aug_text,label\n{lines}")


def read_hypemo(folder: Path) -> dict[str, Rows]:
    names = ("sad", "joyful", "angry", "afraid")
    read = table(
        {split: f"data/ED_easy_4/{name}" for split, name in zip(SPLITS, EMPATHETIC, strict=True)}, "text", "label"
    )
    return {split: [(text, names[int(label)]) for text, label in rows] for split, rows in read(folder).items()}


BANKING = {"train": "banking_data/train.csv", "test": "banking_data/test.csv"}
DAIR = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}
SHAPES = {
    "banking77": Shape(banking, table(BANKING, "text", "category"), recipe="banking77"),
    "MELD": Shape(meld, table(MELD, "Utterance", "Emotion"), recipe="meld"),
    "EmoryNLP, CSV": Shape(emory, table(EMORY, "Utterance", "Emotion"), recipe="emorynlp"),
    "dair-ai emotion": Shape(dair, table(DAIR, 0, 1, sep=";", header=None), recipe="dair-emotion"),
    "EmoContext": Shape(emocontext, read_emocontext, recipe="emocontext"),
    "ISEAR": Shape(isear, read_isear, recipe="isear"),
    "CrowdFlower": Shape(
        crowdflower, table({"train": "text_emotion.csv"}, "content", "sentiment"), recipe="crowdflower"
    ),
    "Indonesian tweets": Shape(
        indonesian,
        table({"train": "Twitter_Emotion_Dataset.csv"}, "tweet", "label"),
        flags={"dataset": "Twitter_Emotion_Dataset.csv", "text_column": "tweet"},
    ),
    "RuSentiment": Shape(russian, table(RUSSIAN, "text", "label"), recipe="rusentiment"),
    "AG News": Shape(news, read_news, recipe="ag-news"),
    "EmpatheticDialogues, CSV": Shape(empathetic, read_empathetic, recipe="ed-csv"),
    "HypEmo, ED_easy_4": Shape(hypemo, read_hypemo, recipe="ed-easy"),
}
