"""The kits of the other doors: what a data set, an encoder, a head, a metric and a format must do. No check uses a network."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar
from unittest.mock import patch

import numpy as np
import torch
from accelerate.utils import set_seed

from fecbench.core import hub, registry
from fecbench.core.errors import DataNotFound, EncoderError
from fecbench.core.plugin_errors import plugin_errors
from fecbench.core.settings import RunSettings, build
from fecbench.data.batch import Batch
from fecbench.data.datasets.dataset import SPLITS, DatasetInfo, EmotionData
from fecbench.data.datasets.load import get_dataset, registered_datasets
from fecbench.data.datasets.locations import DataLocations, Source
from fecbench.data.tokens import Tokens
from fecbench.model.encoders.load import get_encoder, load_encoder
from fecbench.model.encoders.network import encoder_network
from fecbench.model.encoders.scratch import scratch
from fecbench.model.heads import HeadTask, get_head
from fecbench.model.model import Model, build_model
from fecbench.model.text_encoder import TextEncoder
from fecbench.results.leaderboard.board import Board, Cell, Column, DatasetVersion, Row, Score, Table
from fecbench.results.leaderboard.formats.registered import render
from fecbench.testing.checks import Conformance
from fecbench.testing.findings import NotConforming, NotHere
from fecbench.training import metrics
from fecbench.training.checkpoints import state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from fecbench.model.encoders.source import EncoderSource

TEXTS = [
    "what a bright and lovely day",
    "my dog died",
    "he broke my window and then he lied to us about it again",
    "so",
]
LABELS = ("glad", "mad", "sad")
NEAR = 1e-3  # packing and padding change the last digits of a state


@contextmanager
def offline() -> Iterator[None]:
    """Without the hub: what isn't on this machine isn't downloaded to be checked."""
    from huggingface_hub import constants

    try:
        with patch.object(constants, "HF_HUB_OFFLINE", True):
            yield
    finally:
        hub.unreachable.cache_clear()


class DoorConformance(Conformance):
    """Checks of a plugin that isn't an objective.

    Attributes:
        door: the registry that it comes in by.
    """

    door: ClassVar[registry.Registry]

    @property
    def where(self) -> str:
        """Where the plugin comes from: its entry point and distribution."""
        return str(self.door.origin(self.name))

    def require(self, holds: bool, required: str, found: object) -> None:
        """Return where ``holds``; else raise NotConforming."""
        if not holds:
            raise NotConforming(required, str(found), self.where)

    def require_settings(self, given: Mapping[str, object]) -> None:
        """Run settings that a plugin asks for exist and can have those values."""
        unknown = sorted(set(given) - set(RunSettings.model_fields))
        self.require(not unknown, "settings of `fecbench run`", f"unknown: {', '.join(unknown)}")
        build(RunSettings, {"dataset": "demo", **given}, f"settings of {self.name}")


class DatasetConformance(DoorConformance):
    """Checks of the data set registered as ``name``."""

    door = registry.datasets

    def test_it_says_what_it_is(self) -> None:
        """``info`` is a fecbench.DatasetInfo under the registered name, with settings that runs have."""
        info = get_dataset(self.name).info
        self.require(isinstance(info, DatasetInfo), "an info that is a fecbench.DatasetInfo", type(info).__name__)
        self.require(info.name == self.name, f"an info.name that is the entry point's, {self.name!r}", repr(info.name))
        self.require_settings(info.settings)

    def test_it_says_where_its_rows_come_from(self) -> None:
        """``source(places)`` is a fecbench.Source, or raises DataNotFound."""
        self._source()

    def test_its_rows_load(self) -> None:
        """``load(places)`` gives texts and labels in three splits, as many as ``info`` says, and the same ones each time."""
        data, again = self._load(), self._load()
        info, rows = get_dataset(self.name).info, tuple(len(data.splits[name]) for name in SPLITS)
        self.require(info.rows in ((), rows), f"rows as in info.rows, {info.rows}", rows)
        self.require(
            info.labels in (None, len(data.labels)), f"labels as in info.labels, {info.labels}", len(data.labels)
        )
        self.require(
            data.fingerprint == again.fingerprint, "the same rows from each load", "other rows from the second"
        )

    def _source(self) -> Source:
        loader = get_dataset(self.name)
        try:
            with plugin_errors(f"the data set {self.name!r} ({self.where})", loader), offline():
                source = loader.source(DataLocations())
        except DataNotFound as error:
            raise NotHere(str(error)) from error
        self.require(isinstance(source, Source), "a source that is a fecbench.Source", type(source).__name__)
        return source

    def _load(self) -> EmotionData:
        source = self._source()
        if source.network:
            raise NotHere(f"its rows would be fetched from {source.where}, and a check uses no network")
        try:
            with offline():
                return registered_datasets(self.name, DataLocations())
        except DataNotFound as error:
            raise NotHere(str(error)) from error


class EncoderConformance(DoorConformance):
    """Checks of the encoder registered as ``name``."""

    door = registry.encoders

    def test_its_settings_fit_runs(self) -> None:
        """``settings`` are settings that runs have."""
        self.require_settings(get_encoder(self.name).settings)

    def test_it_encodes_texts(self) -> None:
        """It builds, and encodes each text to a finite state as wide as its architecture says."""
        found, width = self.states(TEXTS), self.network.network.config.hidden_size
        self.require(tuple(found.shape) == (len(TEXTS), width), f"states {[len(TEXTS), width]}", list(found.shape))
        self.require(bool(found.isfinite().all()), "finite states", "infinite ones or NaN")

    def test_a_text_is_encoded_alike_in_any_company(self) -> None:
        """A text's state is the same alone and among others, shorter and longer ones."""
        together = self.states(TEXTS)
        for number, text in enumerate(TEXTS):
            alone = self.states([text])[0]
            away = float((alone - together[number]).abs().max())
            self.require(
                away < NEAR, "a text's state, alone as among others", f"the state of {text!r} is up to {away:.2g} away"
            )

    @cached_property
    def source(self) -> EncoderSource:
        """The encoder for the kit's texts."""
        try:
            with offline():
                return load_encoder(self.name, TEXTS)
        except EncoderError as error:
            raise NotHere(str(error)) from error

    @cached_property
    def network(self) -> TextEncoder:
        """The encoder, built."""
        source, pooling = self.source, str(get_encoder(self.name).settings.get("pooling", "first"))
        set_seed(0)
        with offline():
            return TextEncoder(encoder_network(source), source.tokenizer.pad_token_id or 0, pooling).eval()

    @torch.no_grad()
    def states(self, texts: list[str]) -> Tensor:
        """Pooled states ``[B, hidden]``."""
        found: Tensor = self.network(Tokens.pack(self.source.tokenizer(texts)["input_ids"]))
        return found


class HeadConformance(DoorConformance):
    """Checks of the head registered as ``name``, on the scratch encoder."""

    door = registry.heads

    def test_it_builds_and_classifies(self) -> None:
        """Its features are ``[B, features]`` and its logits ``[B, C]``, finite, for each pooling that it takes."""
        for pooling in get_head(self.name).poolings:
            model = self.build(pooling).eval().precompute()
            with torch.no_grad():
                z = model.project(model.encode(self.batch))
                logits = model.classify(z)
            self.require(
                list(z.shape) == [len(TEXTS), model.head.features],
                f"features {[len(TEXTS), model.head.features]}",
                list(z.shape),
            )
            self.require(
                list(logits.shape) == [len(TEXTS), len(LABELS)],
                f"logits {[len(TEXTS), len(LABELS)]}",
                list(logits.shape),
            )
            self.require(bool(logits.isfinite().all()), "finite logits", "infinite ones or NaN")

    def test_it_learns_as_a_whole(self) -> None:
        """A gradient reaches every trainable parameter of the head, and the encoder."""
        model = self.build().train()
        h = model.encode(self.batch)
        h.retain_grad()
        torch.nn.functional.cross_entropy(model.classify(model.project(h)).float(), self.batch.labels).backward()
        without = [
            name
            for name, parameter in model.head.named_parameters()
            if parameter.requires_grad and parameter.grad is None
        ]
        self.require(not without, "a gradient for every parameter of the head", f"none for {', '.join(without[:5])}")
        self.require(h.grad is not None, "a gradient for the encoder", "none: the head detaches its input")

    def test_a_text_is_classified_alike_in_any_company(self) -> None:
        """A text's logits don't depend on the rest of the batch in eval mode."""
        model = self.build().eval().precompute()
        with torch.no_grad():
            h = model.encode(self.batch)
            together, alone = model.classify(model.project(h)), [model.classify(model.project(one[None])) for one in h]
        away = float((together - torch.cat(alone)).abs().max())
        self.require(away < NEAR, "a text's logits, alone as among others", f"logits up to {away:.2g} away")

    def test_it_survives_saving_and_loading(self) -> None:
        """A new head with the saved parameters and buffers gives the same logits."""
        old, new = self.build().eval().precompute(), self.build(seed=1).eval()
        saved = state_of({"model": old})
        for name, tensor in state_of({"model": new}).items():
            tensor.copy_(saved[name])
        with torch.no_grad():
            expected, found = (model.classify(model.project(model.encode(self.batch))) for model in (old, new))
        self.require(
            bool(expected.equal(found)), "the saved head's logits", "others; keep state in parameters and buffers"
        )

    @cached_property
    def batch(self) -> Batch:
        """The kit's texts."""
        numbers = torch.arange(len(TEXTS))
        return Batch(Tokens.pack(self.source.tokenizer(TEXTS)["input_ids"]), numbers % len(LABELS), numbers)

    @cached_property
    def source(self) -> EncoderSource:
        """The scratch encoder for the kit's texts."""
        return scratch(TEXTS)

    def build(self, pooling: str = "", seed: int = 0) -> Model:
        """A fresh model with the head."""
        set_seed(seed)
        return build_model(self.source, self.name, HeadTask(LABELS, LABELS), pooling or get_head(self.name).poolings[0])


class MetricConformance(DoorConformance):
    """Checks of the metric registered as ``name``."""

    door = registry.metrics
    true = np.array([0, 0, 1, 1, 2, 2, 0])

    def test_it_scores_whatever_is_predicted(self) -> None:
        """It gives a finite number for right and wrong predictions, classes that nobody predicted, and rows without an answer (-1)."""
        right = self.true
        for case in (
            right,
            (right + 1) % 3,
            np.zeros_like(right),
            np.where(right == 1, -1, right),
            np.full_like(right, -1),
        ):
            self.score(right, case)
        self.score(np.array([1]), np.array([1]))

    def test_the_order_of_the_rows_does_not_matter(self) -> None:
        """The same rows in another order have the same score."""
        predicted = np.array([0, 1, 1, 2, 2, 0, 1])
        one, other = self.score(self.true, predicted), self.score(self.true[::-1].copy(), predicted[::-1].copy())
        self.require(
            bool(np.isclose(one, other)), "the same score for the same rows", f"{one} and, in reverse, {other}"
        )

    def score(self, true: np.ndarray, predicted: np.ndarray) -> float:
        """The metric's value for three classes."""
        return metrics.value_of(self.name, metrics.get_metric(self.name), true, predicted, 3)


class FormatConformance(DoorConformance):
    """Checks of the leaderboard format registered as ``name``."""

    door = registry.formats

    def test_it_renders_boards(self) -> None:
        """It gives text for a board without tables, with one row, and with several rows of which some miss scores."""
        for board in (Board("An empty board", ()), toy_board(rows=1), toy_board()):
            render(board, self.name)

    def test_it_shows_rows_and_repeats_itself(self) -> None:
        """It names each method, and gives the same text for the same board."""
        text = render(toy_board(), self.name)
        missing = [row.name for row in toy_board().tables[0].rows if row.name not in text]
        self.require(not missing, "the name of each method in the text", f"no {', '.join(missing)}")
        self.require(text == render(toy_board(), self.name), "the same text for the same board", "another text")


def toy_board(rows: int = 3) -> Board:
    """A board of made-up scores: some methods, the last without a score on the second data set."""
    datasets = (
        DatasetVersion("moods", "Moods, made up", "0" * 64),
        DatasetVersion("weather", "Weather, made up", "1" * 64),
    )
    settings = {"encoder": "scratch", "epochs": 8, "patience": 4, "limit": None, "batch_size": 32}

    def cell(mean: float) -> Cell:
        return Cell({"accuracy": Score.of({0: mean, 1: mean + 0.01})}, settings)

    made = [Row(f"method{n}", f"method{n}", (cell(0.8 - n / 10), cell(0.7 - n / 10))) for n in range(rows)]
    if rows > 1:
        made[-1] = Row(made[-1].name, made[-1].objective, (made[-1].cells[0], Cell({}, {})))
    ranked = rows > 1
    columns = tuple(Column(n, "accuracy", "Acc", (0,) * ranked, (1,) * ranked) for n in range(2))
    return Board(
        "Made-up scores",
        (Table("Two data sets", datasets, columns, tuple(made), notes=("made up",)),),
        notes=("a check",),
    )


KITS: dict[str, type[DoorConformance]] = {
    "datasets": DatasetConformance,
    "encoders": EncoderConformance,
    "heads": HeadConformance,
    "metrics": MetricConformance,
    "formats": FormatConformance,
}
