"""What is trained on and with: an excerpt of a data set, and the shape of roberta-base with random weights."""

from pathlib import Path

from datasets import disable_progress_bars

from fecbench import datasets
from fecbench.datasets.core import Places
from fecbench.encoders.minilm import minilm
from fecbench.planning import plan

SHAPE = "roberta-base-shape"


def excerpt(dataset: str, data_dir: Path | None, rows: int, folder: Path) -> Path:
    """The first ``rows`` training rows and one row of each class in every split, as a data set of one's own: tests end at once."""
    data = datasets.load(plan("ce", {"dataset": dataset}).settings, Places(data_dir))
    disable_progress_bars()
    folder.mkdir()
    for split, table in data.splits.items():
        labels = table["label"][:]
        first = [labels.index(label) for label in range(len(data.labels))]
        kept = dict.fromkeys([*range(min(rows, len(table))), *first] if split == "train" else first)
        table.select(kept).to_json(folder / f"{split}.jsonl")
    lines = (f"{name}\t{data.descriptions.get(name, '')}\n" for name in data.labels)
    (folder / "labels.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def encoder(name: str, folder: Path) -> str:
    """What ``--encoder`` is given for ``name``: itself, or the folder of roberta-base's shape, made here."""
    return str(roberta_shape(folder)) if name == SHAPE else name


def roberta_shape(folder: Path) -> Path:
    """12 layers, 768 wide, 12 heads, 50,265 words; random weights, and MiniLM's tokenizer, whose 30,522 ids fit."""
    from transformers import AutoTokenizer, RobertaConfig, RobertaModel

    if not folder.exists():
        tokenizer = AutoTokenizer.from_pretrained(minilm.folder())
        tokenizer.save_pretrained(folder)
        config = RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id)
        RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder
