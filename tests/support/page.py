"""A parser of the leaderboard's HTML page, and edits of the records that it shows."""

import json
from html.parser import HTMLParser

import numpy as np

VOID = {"meta", "link"}


class Document(HTMLParser):
    """Tags of a page. A tag that isn't closed at its place is an error."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        if "style" not in self.open and "script" not in self.open:
            self.text += data

    def named(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def lived(record, matrix=None, scores=(0.2, 0.5), logs=({"model_loss": 2.0}, {"model_loss": 1.0})):
    """Give a record a confusion matrix and a history of two epochs."""
    seed = record.settings()["seed"]
    support = [int(of["support"]) for of in record.result["per_class"].values()]
    found = np.diag(support) if matrix is None else np.array(matrix)
    write(record, "result.json", record.result | {"confusion_matrix": found.tolist(), "best_epoch": 2, "epochs": 2})
    events = []
    for epoch, (score, logged) in enumerate(zip(scores, logs, strict=True), start=1):
        events.append({"event": "updates", "epoch": epoch, "step": 10, "logs": logged})
        metrics = {"accuracy": score + seed / 100}
        events.append({"event": "evaluation", "epoch": epoch, "split": "validation", "metrics": metrics, "best": True})
    (record.folder / "history.jsonl").write_text("\n".join(map(json.dumps, events)))
    return record


def write(record, name, content):
    (record.folder / name).write_text(json.dumps(content))
    record.reload()


def rename(record, **about):
    write(record, "run.json", record.about | about)
    return record
