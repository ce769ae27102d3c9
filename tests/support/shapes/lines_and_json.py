"""Text files of lines, with the labels in them or in other files, and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.support.shapes.shape import SPLITS, Rows, Shape, lay, made_up


def clinc(folder: Path) -> None:
    content = {}
    for name in ("val", "train", "test"):
        content[name] = [[text, label] for text, label in made_up(["translate", "transfer"], name)]
        content[f"oos_{name}"] = [[f"{name} nonsense {n}", "oos"] for n in range(3)]
    lay(folder, "data/data_full.json", json.dumps(content))


def read_clinc(folder: Path) -> dict[str, Rows]:
    content = json.loads((folder / "data/data_full.json").read_text(encoding="utf-8"))
    return {
        split: [tuple(row) for row in content[name]]
        for split, name in zip(SPLITS, ("train", "val", "test"), strict=True)
    }


EMORY = {"train": "trn", "validation": "dev", "test": "tst"}


def emory(folder: Path) -> None:
    for split, name in EMORY.items():
        said = [
            {
                "utterance_id": f"s01_{n}",
                "speakers": ["Monica Geller"],
                "transcript": text,
                "tokens": [["a"]],
                "emotion": label,
            }
            for n, (text, label) in enumerate(made_up(["Joyful", "Mad", "Neutral"], split))
        ]
        scenes = [{"scene_id": "s01_c01", "utterances": said[:5]}, {"scene_id": "s01_c02", "utterances": said[5:]}]
        content = {"season_id": "s01", "episodes": [{"episode_id": "s01_e01", "scenes": scenes}]}
        lay(folder, f"json/emotion-detection-{name}.json", json.dumps(content, indent=2))


def read_emory(folder: Path) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for split, name in EMORY.items():
        content = json.loads((folder / f"json/emotion-detection-{name}.json").read_text(encoding="utf-8"))
        scenes = [scene for episode in content["episodes"] for scene in episode["scenes"]]
        found[split] = [(said["transcript"], said["emotion"]) for scene in scenes for said in scene["utterances"]]
    return found


PATH = "episodes[].scenes[].utterances[]"
EMORY_TOML = f"""
[files]
train = "json/emotion-detection-trn.json#{PATH}"
validation = "json/emotion-detection-dev.json#{PATH}"
test = "json/emotion-detection-tst.json#{PATH}"
[columns]
text = "transcript"
label = "emotion"
"""
TWEETS = {"train": "train", "validation": "val", "test": "test"}


def tweets(task: str, names: list[str], sign: str) -> Callable[[Path], None]:
    """Texts and labels in files of their own."""

    def write(folder: Path) -> None:
        for name in TWEETS.values():
            rows = made_up(list(map(str, range(len(names)))), name)
            lay(folder, f"datasets/{task}/{name}_text.txt", "".join(f"{sign}{text} @user\n" for text, _ in rows))
            lay(folder, f"datasets/{task}/{name}_labels.txt", "".join(f"{label}\n" for _, label in rows))
        lay(folder, f"datasets/{task}/mapping.txt", "".join(f"{n}\t{name}\n" for n, name in enumerate(names)))

    return write


def read_tweets(task: str, names: list[str]) -> Callable[[Path], dict[str, Rows]]:
    """Pair the lines of both files."""

    def read(folder: Path) -> dict[str, Rows]:
        found = {}
        for split, name in TWEETS.items():
            texts, labels = (
                (folder / f"datasets/{task}/{name}_{what}.txt").read_text(encoding="utf-8").split("\n")[:-1]
                for what in ("text", "labels")
            )
            found[split] = [(text, names[int(label)]) for text, label in zip(texts, labels, strict=True)]
        return found

    return read


TREC = {"train": "train_5500.label", "test": "TREC_10.label"}


def trec(folder: Path) -> None:
    for split, name in TREC.items():
        lines = [
            f"{label} What caf\xe9 ` is {text} ?\n"
            for text, label in made_up(["DESC:manner", "DESC:def", "HUM:ind"], split)
        ]
        lay(folder, name, "".join(lines), "latin-1")


def read_trec(fine: bool) -> Callable[[Path], dict[str, Rows]]:
    """Split each line at its first space."""

    def read(folder: Path) -> dict[str, Rows]:
        found = {}
        for split, name in TREC.items():
            lines = (folder / name).read_bytes().decode("latin-1").split("\n")[:-1]
            pairs = [line.split(" ", 1) for line in lines]
            found[split] = [(text, label if fine else label.split(":")[0]) for label, text in pairs]
        return found

    return read


EMOTIONS = ["no emotion", "anger", "disgust", "fear", "happiness", "sadness", "surprise"]


def dialogues(folder: Path) -> None:
    for split in SPLITS:
        rows = made_up(list("0123456"), split)
        turns = [rows[start : start + 4] for start in range(0, len(rows), 4)]
        texts = "".join("".join(f" {text} __eou__" for text, _ in turn).lstrip() + "\n" for turn in turns)
        lay(folder, f"{split}/dialogues_{split}.txt", texts)
        numbers = "".join(" ".join(label for _, label in turn) + " \n" for turn in turns)
        lay(folder, f"{split}/dialogues_emotion_{split}.txt", numbers)


def read_dialogues(folder: Path) -> dict[str, Rows]:
    found = {}
    for split in SPLITS:
        texts, labels = (
            (folder / split / f"dialogues_{what}{split}.txt").read_text(encoding="utf-8") for what in ("", "emotion_")
        )
        said = [text.strip() for line in texts.splitlines() for text in line.split("__eou__")[:-1]]
        found[split] = list(zip(said, (EMOTIONS[int(number)] for number in labels.split()), strict=True))
    return found


SMP = {"train": "usual_train", "validation": "usual_eval_labeled", "test": "usual_test_labeled"}


def weibo(folder: Path) -> None:
    for split, name in SMP.items():
        rows = [
            {"id": n, "content": f"今天{text}", "label": label}
            for n, (text, label) in enumerate(made_up(["angry", "happy", "neutral"], split))
        ]
        lay(folder, f"data/raw/{name}.txt", json.dumps(rows, ensure_ascii=False))


def read_weibo(folder: Path) -> dict[str, Rows]:
    found = {}
    for split, name in SMP.items():
        rows = json.loads((folder / f"data/raw/{name}.txt").read_text(encoding="utf-8"))
        found[split] = [(row["content"], row["label"]) for row in rows]
    return found


MOODS = ["anger", "joy", "optimism", "sadness"]
SHAPES = {
    "CLINC150": Shape(clinc, read_clinc, recipe="clinc150"),
    "EmoryNLP, JSON": Shape(emory, read_emory, toml=EMORY_TOML),
    "TweetEval, emotion": Shape(
        tweets("emotion", MOODS, ""), read_tweets("emotion", MOODS), recipe="tweeteval-emotion"
    ),
    "TweetEval, irony (TABs and quotes in texts)": Shape(
        tweets("irony", ["non_irony", "irony"], '"a\tb '),
        read_tweets("irony", ["not irony", "irony"]),
        recipe="tweeteval-irony",
    ),
    "TREC": Shape(trec, read_trec(fine=False), recipe="trec"),
    "DailyDialog": Shape(dialogues, read_dialogues, recipe="dailydialog"),
    "SMP2020-EWECT": Shape(weibo, read_weibo, recipe="smp2020"),
}
