"""A small data set of three labels."""

from pathlib import Path

WORDS = {
    "glad": ["what a lovely day", "we laughed and sang", "the cake was a treat", "sunshine at last"],
    "mad": ["he broke my window", "they lied to us again", "stop shouting at me", "that was unfair"],
    "sad": ["my dog died", "she left without a word", "rain and an empty house", "i miss him so"],
}
LABELS = tuple(WORDS)


def rows(per_label: int, tag: str = "") -> list[tuple[str, str]]:
    """Texts of three labels in turn, all different."""
    return [(f"{texts[n % 4]} {tag}{n}", label) for n in range(per_label) for label, texts in WORDS.items()]


def write_toy(folder: Path, tag: str = "", per_label: tuple[int, int, int] = (10, 3, 4)) -> Path:
    """Write the data set as a folder of CSV files with so many rows of each label per split; return the folder."""
    folder.mkdir(parents=True)
    for split, count in zip(("train", "validation", "test"), per_label, strict=True):
        lines = [f"{text},{label}" for text, label in rows(count, tag + split)]
        (folder / f"{split}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    return folder
