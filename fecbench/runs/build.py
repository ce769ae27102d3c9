"""From a plan to what it trains: rows, tokens, model, objective."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from accelerate.utils import set_seed
from platformdirs import user_cache_path

from fecbench.core.errors import EncoderError
from fecbench.core.plugin_errors import plugin_errors
from fecbench.data.batch import PARAPHRASE
from fecbench.data.batches import text_batches, tokenise
from fecbench.data.datasets.dataset import chunks, labels_of
from fecbench.data.streams import Material, StreamBatches
from fecbench.data.tokenize import unknown_share
from fecbench.model.encoders.lengths import longest_text
from fecbench.model.encoders.load import load_encoder
from fecbench.model.family_heads import LanguageHead
from fecbench.model.heads import HeadTask, get_head
from fecbench.model.model import Model, build_model, precompute
from fecbench.model.text_encoder import TextEncoder
from fecbench.objective.protocol import Stage, Task
from fecbench.training.checkpoints import state_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datasets import Dataset

    from fecbench.core.settings import RunSettings
    from fecbench.data.batches import TokenisedSplit, TrainingBatches
    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.model.encoders.source import EncoderSource
    from fecbench.objective.objective import Objective
    from fecbench.runs.plan import Plan


LEAK = 0.1  # the share of a split's texts that stand in train too, from which it is said
UNKNOWN, UNREADABLE = (
    0.05,
    0.98,
)  # shares of unknown tokens in a column from which it is said, and from which it is an error


@dataclass(frozen=True)
class Built:
    """What a plan becomes before training.

    Attributes:
        source: where the encoder comes from.
        splits: the rows as tokens.
        model: encoder and head.
        objective: what trains them.
        max_length: tokens of a text at most.
        scored: the splits that are scored after training.
        notes: what was left out, cut or done otherwise than asked.
    """

    source: EncoderSource
    splits: dict[str, TokenisedSplit]
    model: Model
    objective: Objective
    max_length: int
    scored: tuple[str, ...]
    notes: tuple[str, ...]


def build(plan: Plan, data: EmotionData, device: torch.device) -> Built:
    """Encoder, tokens, model and objective of ``plan`` on ``data``; fresh weights are a function of the seed.

    Raises:
        EncoderError: the encoder can't be had, has no such head, or knows hardly a word of the texts.
        UsageError: head and pooling don't fit.
    """
    settings, scored = plan.settings, plan.scored
    notes = [data.info.note, *data.notes] if data.info.note else [*data.notes]
    train = data.splits["train"]
    if settings.limit is not None and settings.limit < len(train):
        notes.append(f"LIMITED to the first {settings.limit:,} of {len(train):,} training rows: not a benchmark result")
        train = train.select(range(settings.limit))
        notes += _unread(train, data)
    notes += _leaks(train, data)
    source = load_encoder(settings.encoder, train["text"])
    model, objective = build_pair(plan, source, data.labels, data.label_texts, data.name)
    if model.encoder.pooling != settings.pooling:
        notes.append(
            f"encoder {source.name} reads from left to right, so that its first token's state knows no other token: "
            f"--pooling {model.encoder.pooling} is used in place of {settings.pooling}"
        )
    with plugin_errors(plan.who, plan.objective):
        notes += objective.notes()
    longest = longest_text(source, model.encoder.network)
    if settings.max_length > longest:
        notes.append(
            f"--max-length {settings.max_length} is more than encoder {source.name} takes; texts are read to {longest} tokens"
        )
    max_length = min(settings.max_length, longest)
    columns = {"train": ("text", *plan.needs.views(data.columns)), "validation": ("text",), "test": ("text",)}
    if plan.needs.second_view == "auto" and PARAPHRASE not in data.columns:
        notes.append(
            f"{data.name} hasn't a paraphrase ({PARAPHRASE}) in every row: a text's second view is another dropout pass"
        )
    cache = user_cache_path("fecbench") / "tokens"
    rows, forms = {**data.splits, "train": train}, plan.forms
    splits = {
        split: tokenise(rows[split], names, source.tokenizer, max_length, cache, plan.needs.texts, forms)
        for split, names in columns.items()
    }
    splits["train"] = replace(splits["train"], second_view=plan.needs.second_view)
    for split, tokens in splits.items():
        notes += _cut(split, tokens, max_length) + _unknown(split, tokens, columns[split], source)
    if settings.packing and not model.encoder.packs:
        notes.append(
            f"encoder {source.name} can't be packed (its attention isn't replaceable); batches are padded, which is slower"
        )
    if settings.compile:
        for module in (*model.modules(), *objective.modules()):
            if isinstance(module, TextEncoder):
                module.compile_network()
    model, objective = model.to(device), objective.to(device)
    precompute(model, objective)
    return Built(source, splits, model, objective, max_length, scored, tuple(notes))


def _unread(train: Dataset, data: EmotionData) -> list[str]:
    """A note where ``train``, the rows that ``--limit`` leaves, lacks labels, as those of a sorted file do."""
    found, labels = len(np.unique(labels_of(train))), len(data.labels)
    if found == labels:
        return []
    return [
        f"{found} of {labels} labels are in these rows, so no text of the others is trained on; raise --limit, or shuffle the rows"
    ]


def _cut(split: str, tokens: TokenisedSplit, max_length: int) -> list[str]:
    """Return a note for each column with texts that were cut."""
    return [
        f"{column.cut:,} of {len(tokens):,} {split} texts ({name}) were cut to {max_length} tokens"
        for name, column in tokens.columns.items()
        if column.cut
    ]


def _unknown(split: str, tokens: TokenisedSplit, columns: Sequence[str], source: EncoderSource) -> list[str]:
    """Return a note for each of the data set's own ``columns`` with many tokens that the encoder doesn't know.

    Raises:
        EncoderError: it lacks nearly all.
    """
    notes = []
    for name in columns:
        share = unknown_share(tokens.columns[name], source.tokenizer)
        said = f"{100 * share:.0f} % of the {split} tokens ({name}) are unknown to encoder {source.name}"
        if share >= UNREADABLE:
            raise EncoderError(
                f"an encoder must know the words of its texts, but {said}; choose one made for their language and script"
            )
        if share >= UNKNOWN:
            notes.append(f"{said}, which reads them all as the same word")
    return notes


def _leaks(train: Dataset, data: EmotionData) -> list[str]:
    """What is said of splits whose texts the model is trained on: a file given twice, or another one's rows."""
    known, notes = _hashes(train), []
    for split in ("validation", "test"):
        texts = _hashes(data.splits[split])
        shared = np.isin(texts, known).sum()
        if shared >= LEAK * len(texts):
            notes.append(
                f"LEAK: {shared:,} of {len(texts):,} {split} texts stand in train too, so that scores on them mean little"
            )
    return notes


def _hashes(rows: Dataset) -> np.ndarray:
    """A number for each text, int64 ``[N]``, alike for equal texts: the texts themselves stay on the disk."""
    return np.fromiter((hash(text) for part in chunks(rows["text"]) for text in part), np.int64, len(rows))


def stage_of(built: Built, data: EmotionData, settings: RunSettings, device: torch.device) -> Stage:
    """What the stages before and after training may use."""
    rows = {split: data.splits[split].select(range(len(built.splits[split]))) for split in ("train", "validation")}
    batches = partial(
        text_batches,
        tokenizer=built.source.tokenizer,
        max_length=built.max_length,
        batch_size=settings.batch_size,
        device=device,
        forms=built.objective.forms(built.objective.config),
    )
    return Stage(
        built.model,
        {split: part["text"] for split, part in rows.items()},
        {split: torch.from_numpy(labels_of(part)) for split, part in rows.items()},
        batches,
        device,
        settings.seed,
    )


def streams_of(built: Built, data: EmotionData, batches: TrainingBatches) -> dict[str, StreamBatches]:
    """The objective's streams beside ``batches``."""
    train = built.splits["train"]
    texts = data.splits["train"].select(range(len(train)))["text"]
    material = Material(
        texts, train.labels, train.columns["text"], built.source.tokenizer, built.max_length, batches.seed
    )
    return {name: StreamBatches(name, stream, batches) for name, stream in built.objective.streams(material).items()}


def build_pair(
    plan: Plan,
    source: EncoderSource,
    labels: Sequence[str],
    label_texts: Sequence[str],
    dataset: str,
    pooling: str | None = None,
) -> tuple[Model, Objective]:
    """Model and objective with fresh weights, a function of the seed, except where ``source`` brings its own.

    ``pooling`` is the one that a record was trained with; None for a new run, whose own is then checked against the encoder.
    """
    settings = plan.settings
    set_seed(settings.seed)
    head_task = HeadTask(labels, label_texts, settings.projection_dim)
    model = build_model(source, settings.head, head_task, pooling or settings.pooling, settings.packing)
    if pooling is None:
        settle_pooling(plan, model)
    hidden = int(model.encoder.network.config.hidden_size)
    new_model = partial(further_model, settings, source, head_task, model.encoder.pooling)
    language_head = partial(LanguageHead.build, source)
    features = model.head.features
    task = Task(
        dataset,
        tuple(labels),
        tuple(label_texts),
        hidden,
        features,
        settings.seed,
        new_model,
        source.tokenizer,
        language_head,
    )
    with plugin_errors(plan.who, plan.objective):
        built = plan.objective(plan.options, task)
        state_of({"objective": built})  # what can't be saved is said before it is trained
    return model, built


def settle_pooling(plan: Plan, model: Model) -> None:
    """Pool the states of a causal encoder by their mean: its first token's state is the same for all texts that begin alike.

    Raises:
        EncoderError: ``first`` was asked for, or the head takes nothing else.
    """
    encoder = model.encoder
    if encoder.pooling != "first" or encoder.looks_ahead():
        return
    if plan.origins["pooling"].origin != "default" or "mean" not in model.head.poolings:
        raise EncoderError(
            f"--pooling first needs an encoder whose first token sees the whole text, but {encoder.name} reads from left to right; "
            "use --pooling mean (with --head linear, mlp or label), or another encoder"
        )
    encoder.pooling = "mean"


def further_model(settings: RunSettings, source: EncoderSource, task: HeadTask, pooling: str, head: str) -> Model:
    """A model beside the run's own, with a fresh ``head`` on the same encoder, pooled as the run's where the head can take that.

    Raises:
        EncoderError: the encoder has no such head.
    """
    poolings = get_head(head).poolings
    return build_model(source, head, task, pooling if pooling in poolings else poolings[0], settings.packing)
