"""The shortest data set, encoder, head, metric and format that fecbench accepts."""

import numpy as np
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn
from torch.nn.functional import normalize
from transformers import BertConfig, PreTrainedTokenizerFast

from fecbench import DatasetInfo, EmotionData, EncoderSource, Head, Source

MOODS = {"sunny": ["what a bright day", "not a cloud above"], "rainy": ["it pours again", "my coat is soaked"]}


class Weather:
    """A data set: ``info``, ``source`` and ``load``."""

    info = DatasetInfo(
        "weather", "moods of the weather, made up", "MIT", "", (40, 8, 8), 2, {"epochs": 8, "batch_size": 8}
    )

    def source(self, places):
        """Return where the rows would come from, without loading them."""
        return Source("the package fecbench-other-kinds")

    def load(self, places):
        """Return the rows; ``places`` has the folders in which files are looked for."""
        rows = [
            (f"{text} {n}", label) for n in range(14) for label, texts in enumerate(MOODS.values()) for text in texts
        ]
        parts = {"train": rows[:40], "validation": rows[40:48], "test": rows[48:]}
        splits = {
            split: Dataset.from_list([{"text": text, "label": label} for text, label in part])
            for split, part in parts.items()
        }
        return EmotionData(self.info, tuple(MOODS), splits, self.source(places).where)


weather = Weather()


class Words:
    """An encoder: a tiny BERT with random weights and the words of the training texts as its vocabulary.

    ``settings`` are run settings that fit it.
    """

    settings = {"lr": 3e-3, "pooling": "mean"}

    def __call__(self, texts):
        """Return name, tokenizer, architecture, and weights (a hub id, a folder, or None for random ones)."""
        known = sorted({word for text in texts for word in text.split()})
        model = models.WordLevel(
            {word: number for number, word in enumerate(["[PAD]", "[UNK]", *known])}, unk_token="[UNK]"
        )
        splitter = Tokenizer(model)
        splitter.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=splitter, pad_token="[PAD]", unk_token="[UNK]")
        sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
        return EncoderSource("words", tokenizer, BertConfig(vocab_size=len(tokenizer), pad_token_id=0, **sizes), None)


words = Words()


class CosineHead(Head):
    """A head: logits are cosines of ``h`` with a vector for each label, times a learned scale."""

    def __init__(self, hidden, classes):
        super().__init__()
        self.features = hidden
        self.vectors = nn.Parameter(torch.randn(classes, hidden))
        self.scale = nn.Parameter(torch.tensor(10.0))

    def classify(self, z):
        """Return the logits ``[B, C]`` of features ``z [B, hidden]``."""
        return self.scale * normalize(z) @ normalize(self.vectors).T


def worst_recall(true, predicted, classes):
    """A metric: return the lowest recall of any label.

    The arguments are arrays of true and predicted labels (-1 for no answer) and the number of labels.
    """
    return min(np.mean(predicted[true == label] == label) for label in range(classes) if (true == label).any())


def plain(board):
    """A format: return a board as text with one line per score, a fraction between 0 and 1."""
    lines = [board.title]
    for table in board.tables:
        for column in table.columns:
            dataset = table.datasets[column.dataset].name
            for number, row in enumerate(table.rows):
                score = table.score(number, column)
                lines.append(f"{dataset} {column.metric} {row.name} {score.mean if score else 'missing'}")
    return "\n".join(lines) + "\n"
