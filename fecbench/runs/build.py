"""Build what a plan trains: rows, tokens, model and objective."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerate.utils import set_seed

from fecbench.core.errors import EncoderError
from fecbench.core.plugin_errors import plugin_errors
from fecbench.data.batch import PARAPHRASE
from fecbench.data.batches import text_batches, tokenize_split
from fecbench.data.datasets.rows import chunks, class_counts, label_shares
from fecbench.data.datasets.training_targets import training_targets
from fecbench.data.streams import LabelSetMaterial, Material, StreamBatches
from fecbench.data.tokenize import token_cache
from fecbench.model.encoders.lengths import longest_text
from fecbench.model.encoders.load import load_encoder
from fecbench.model.family_heads import LanguageHead
from fecbench.model.heads import HeadTask, get_head
from fecbench.model.model import Model, build_model, precompute
from fecbench.model.text_encoder import TextEncoder
from fecbench.objective.protocol import LabelSetStage, Stage, Task
from fecbench.runs.language_notes import notes_on_language, notes_on_unknown_tokens
from fecbench.training.checkpoints import state_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datasets import Dataset
    from torch import Tensor

    from fecbench.core.settings import RunSettings
    from fecbench.data.batches import TokenisedSplit, TrainingBatches
    from fecbench.data.datasets.dataset import EmotionData, Labelling
    from fecbench.data.datasets.locations import DataLocations
    from fecbench.model.encoders.source import EncoderSource
    from fecbench.objective.objective import Objective
    from fecbench.runs.plan import Plan


LEAK_SHARE = 0.1  # a note is made from this share of a split's texts that are in train too


@dataclass(frozen=True)
class Built:
    """The parts of a run before training.

    Attributes:
        source: the encoder's source.
        splits: the rows as tokens; a test split without labels has the label 0 in every row.
        model: encoder and head.
        objective: the objective that trains them.
        max_length: greatest number of tokens of a text.
        scored: the splits that are scored after training.
        notes: sentences on rows left out, texts cut, and settings that were replaced.
    """

    source: EncoderSource
    splits: dict[str, TokenisedSplit]
    model: Model
    objective: Objective
    max_length: int
    scored: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class LabelFacts:
    """The facts about the labels, besides their names, that a model and an objective get.

    Attributes:
        labelling: whether labels exclude one another.
        prior: ``[C]``, share of the training rows with each label; None in prediction.
        background: labels that say that a text has none of the others.
        soft: True if texts have shares of labels.
    """

    labelling: Labelling = "single"
    prior: Tensor | None = None
    background: tuple[str, ...] = ()
    soft: bool = False

    @classmethod
    def of(cls, data: EmotionData, train: Dataset) -> LabelFacts:
        """Return those of a data set, of which the rows ``train`` are trained on."""
        shares = torch.from_numpy(label_shares(train, len(data.labels))).float()
        return cls(data.labelling, shares, data.info.background, data.info.soft)


def build(plan: Plan, data: EmotionData, device: torch.device) -> Built:
    """Build encoder, tokens, model and objective of ``plan`` on ``data``. Fresh weights depend only on the seed.

    Raises:
        EncoderError: the encoder isn't available, has no such head, or lacks nearly all words of the texts.
        UsageError: head and pooling don't fit.
    """
    settings = plan.settings
    scored = tuple(split for split in plan.scored if split in data.splits)
    train = _limited_rows(data, settings.limit)
    # The limited rows: an encoder such as scratch learns its vocabulary from the texts that are trained on.
    source = load_encoder(settings.encoder, train["text"])
    facts = LabelFacts.of(data, train)
    model, objective = build_pair(plan, source, data.labels, data.label_texts, data.name, facts=facts)
    # After the model: how long a text may be depends on the network's positions too.
    longest = longest_text(source, model.encoder.network)
    max_length = min(settings.max_length, longest)
    splits = _tokens(plan, data, train, source, max_length)
    notes = (
        *_notes_on_rows(data, train),
        *_notes_on_model(plan, model, objective, longest),
        *notes_on_language(data, train, source),
        *_notes_on_tokens(plan, data, splits, source, max_length),
        *_notes_on_packing(plan, model),
    )
    if settings.compile:
        for module in (*model.modules(), *objective.modules()):
            if isinstance(module, TextEncoder):
                module.compile_network()
    # Built on the CPU and then moved: a seed draws the same weights for every device.
    model, objective = model.to(device), objective.to(device)
    precompute(model, objective)
    return Built(source, splits, model, objective, max_length, scored, notes)


def _limited_rows(data: EmotionData, limit: int | None) -> Dataset:
    """Return the first ``limit`` training rows; all rows if there are no more, or if it is None."""
    train = data.splits["train"]
    return train if limit is None or limit >= len(train) else train.select(range(limit))


def _columns(plan: Plan, data: EmotionData) -> dict[str, tuple[str, ...]]:
    """Return the data set's own columns that are tokenised, by split."""
    return {"train": ("text", *plan.needs.views(data.columns)), "validation": ("text",), "test": ("text",)}


def _tokens(
    plan: Plan, data: EmotionData, train: Dataset, source: EncoderSource, max_length: int
) -> dict[str, TokenisedSplit]:
    """Return the tokens of ``train`` and of the other splits."""
    needs, forms = plan.needs, plan.forms
    cache = token_cache()
    rows = {**data.splits, "train": train, "test": data.test_rows}
    splits = {
        split: tokenize_split(
            rows[split], names, source.tokenizer, max_length, cache, needs.texts, forms, len(data.labels)
        )
        for split, names in _columns(plan, data).items()
    }
    splits["train"] = replace(splits["train"], second_view=needs.second_view)
    return splits


def _notes_on_rows(data: EmotionData, train: Dataset) -> list[str]:
    """Return the data set's notes, and notes on rows that ``--limit`` left out and on splits that share texts."""
    notes = [data.info.note, *data.notes] if data.info.note else [*data.notes]
    rows = len(data.splits["train"])
    if len(train) < rows:
        notes.append(f"LIMITED to the first {len(train):,} of {rows:,} training rows: not a benchmark result")
        notes += _notes_on_missing_labels(train, data)
    return notes + _notes_on_shared_texts(train, data)


def _notes_on_model(plan: Plan, model: Model, objective: Objective, longest: int) -> list[str]:
    """Return the objective's notes, and notes on settings that the encoder replaces."""
    settings, encoder, notes = plan.settings, model.encoder, []
    if encoder.pooling != settings.pooling:
        notes.append(
            f"encoder {encoder.name} reads from left to right, so that its first token's state knows no other token: "
            f"--pooling {encoder.pooling} is used in place of {settings.pooling}"
        )
    with plugin_errors(plan.who, plan.objective):
        notes += objective.notes()
    if settings.max_length > longest:
        notes.append(
            f"--max-length {settings.max_length} is more than encoder {encoder.name} takes; texts are read to "
            f"{longest} tokens"
        )
    return notes


def _notes_on_tokens(
    plan: Plan, data: EmotionData, splits: Mapping[str, TokenisedSplit], source: EncoderSource, max_length: int
) -> list[str]:
    """Return notes on missing paraphrases, cut texts and unknown tokens.

    Raises:
        EncoderError: the encoder lacks nearly all tokens of a column.
    """
    notes, columns = [], _columns(plan, data)
    if plan.needs.second_view == "auto" and PARAPHRASE not in data.columns:
        notes.append(
            f"{data.name} hasn't a paraphrase ({PARAPHRASE}) in every row: a text's second view is another dropout pass"
        )
    for split, tokens in splits.items():
        notes += _notes_on_cut_texts(split, tokens, max_length)
        notes += notes_on_unknown_tokens(split, tokens, columns[split], source)
    return notes


def _notes_on_packing(plan: Plan, model: Model) -> list[str]:
    """Return a note if batches can't be packed."""
    if not plan.settings.packing or model.encoder.packs:
        return []
    reason = "its attention isn't replaceable" if model.encoder.sees_whole_texts() else "its attention has windows"
    return [f"encoder {model.encoder.name} can't be packed ({reason}); batches are padded, which is slower"]


def _notes_on_missing_labels(train: Dataset, data: EmotionData) -> list[str]:
    """Return a note if ``train``, the rows within ``--limit``, lacks labels, as the first rows of a sorted file do."""
    labels = len(data.labels)
    present = int((class_counts(train, labels) > 0).sum())
    if present == labels:
        return []
    return [
        f"{present} of {labels} labels are in these rows, so no text of the others is trained on; "
        "raise --limit, or shuffle the rows"
    ]


def _notes_on_cut_texts(split: str, tokens: TokenisedSplit, max_length: int) -> list[str]:
    """Return a note for each column with texts that were cut."""
    return [
        f"{column.cut:,} of {len(tokens):,} {split} texts ({name}) were cut to {max_length} tokens"
        for name, column in tokens.columns.items()
        if column.cut
    ]


def _notes_on_shared_texts(train: Dataset, data: EmotionData) -> list[str]:
    """Return a note for each split that shares many texts with train, as a file given twice does."""
    known, notes = _hashes(train), []
    for split in ("validation", "test"):
        if split not in data.splits:
            continue
        texts = _hashes(data.splits[split])
        shared = np.isin(texts, known).sum()
        if shared >= LEAK_SHARE * len(texts):
            notes.append(
                f"LEAK: {shared:,} of {len(texts):,} {split} texts also occur in train, so scores on them are inflated"
            )
    return notes


def _hashes(rows: Dataset) -> np.ndarray:
    """Return a hash of each text, int64 ``[N]``; the texts themselves stay on the disk."""
    # Python salts hash() in each process, but these hashes are compared within one.
    return np.fromiter((hash(text) for part in chunks(rows["text"]) for text in part), np.int64, len(rows))


def stage_of(
    built: Built,
    data: EmotionData,
    settings: RunSettings,
    device: torch.device,
    locations: DataLocations | None = None,
) -> Stage:
    """Return what the stages before and after training may use; ``locations`` are searched for other data sets."""
    # As many rows as were tokenised: --limit cuts train.
    rows = {split: data.splits[split].select(range(len(built.splits[split]))) for split in ("train", "validation")}
    batches = partial(
        text_batches,
        tokenizer=built.source.tokenizer,
        max_length=built.max_length,
        batch_size=settings.batch_size,
        device=device,
        forms=built.objective.forms(built.objective.config),
    )
    parts: dict[str, Any] = {
        "model": built.model,
        "texts": {split: part["text"] for split, part in rows.items()},
        "batches": batches,
        "device": device,
        "seed": settings.seed,
        "classes": len(data.labels),
        "training_targets": partial(training_targets, locations=locations),
    }
    # Copies: a stage may write into its labels.
    truth = {split: torch.from_numpy(built.splits[split].truth.copy()) for split in rows}
    return Stage(labels=truth, **parts) if data.one_label else LabelSetStage(targets=truth, **parts)


def streams_of(built: Built, data: EmotionData, batches: TrainingBatches) -> dict[str, StreamBatches]:
    """Return the objective's streams beside ``batches``, by name."""
    train = built.splits["train"]
    texts = data.splits["train"].select(range(len(train)))["text"]
    parts: dict[str, Any] = {
        "texts": texts,
        "tokens": train.columns["text"],
        "tokenizer": built.source.tokenizer,
        "max_length": built.max_length,
        "seed": batches.seed,
        "classes": len(data.labels),
    }
    material = (
        Material(labels=train.truth, **parts) if data.one_label else LabelSetMaterial(targets=train.truth, **parts)
    )
    return {name: StreamBatches(name, stream, batches) for name, stream in built.objective.streams(material).items()}


def build_pair(
    plan: Plan,
    source: EncoderSource,
    labels: Sequence[str],
    label_texts: Sequence[str],
    dataset: str,
    pooling: str | None = None,
    facts: LabelFacts | None = None,
) -> tuple[Model, Objective]:
    """Build model and objective with the weights of ``source``; all others are fresh and depend only on the seed.

    ``pooling`` is that of a record. For a new run it is None: the plan's is then checked against the encoder. Without
    ``facts`` the labels exclude one another.
    """
    facts = facts or LabelFacts()
    settings = plan.settings
    set_seed(settings.seed)
    head_task = HeadTask(labels, label_texts, settings.projection_dim, facts.labelling, facts.prior)
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
        facts.labelling,
        facts.prior,
        facts.background,
        facts.soft,
    )
    with plugin_errors(plan.who, plan.objective):
        built = plan.objective(plan.options, task)
        state_of({"objective": built})  # refuse now what couldn't be saved after training
    return model, built


def settle_pooling(plan: Plan, model: Model) -> None:
    """Set the pooling of a causal encoder to ``mean``.

    The first token's state of such an encoder is the same for all texts that begin alike.

    Raises:
        EncoderError: ``first`` was asked for, or is the only pooling of the head.
    """
    encoder = model.encoder
    if encoder.pooling != "first" or encoder.looks_ahead():
        return
    if plan.origins["pooling"].origin != "default" or "mean" not in model.head.poolings:
        raise EncoderError(
            f"--pooling first needs an encoder whose first token sees the whole text, but {encoder.name} reads from "
            "left to right; use --pooling mean (with --head linear, mlp or label), or another encoder"
        )
    encoder.pooling = "mean"


def further_model(settings: RunSettings, source: EncoderSource, task: HeadTask, pooling: str, head: str) -> Model:
    """Build a second model with a fresh ``head`` on the same encoder, pooled as the run's if the head allows that.

    Raises:
        EncoderError: the encoder has no such head.
    """
    poolings = get_head(head).poolings
    return build_model(source, head, task, pooling if pooling in poolings else poolings[0], settings.packing)
