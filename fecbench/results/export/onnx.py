"""``onnx``: what the objective predicts, as a graph of token ids and attention mask, batch and length free."""

from __future__ import annotations

import logging
import re
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from inspect import signature
from io import StringIO
from typing import TYPE_CHECKING, Any

import torch

from fecbench.core.errors import ExportError, UsageError
from fecbench.results.export.padded import Prediction
from fecbench.results.export.tokenizer import TOKENIZER, labelled_config, write_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

    from fecbench.runs.predictor import Predictor
    from fecbench.runs.record import Record


PACKAGES = ("onnx", "onnxscript", "onnxruntime")
FILE = "model.onnx"


def write(record: Record, predictor: Predictor, folder: Path) -> None:
    """Write graph, tokenizer and labels; the predictor's model is the graph's from then on.

    Raises:
        UsageError: a package that writes or runs a graph isn't installed.
        ExportError: encoder or ``predict`` can't be traced.
    """
    _check_installed()
    accepted = signature(predictor.model.encoder.network.forward).parameters
    inputs = ["input_ids", "attention_mask"]
    if "token_type_ids" in accepted and "token_type_ids" in predictor.tokenizer.model_input_names:
        inputs.append("token_type_ids")
    name = record.run_file.objective.name
    with _silent():
        program = _trace(Prediction(predictor.objective, predictor.model), inputs, name)
        program.save(folder / FILE)  # beyond 2 GB, the most that one file can hold, the weights come in a second one
    labelled_config(record, predictor.labels).save_pretrained(folder)
    write_tokenizer(predictor, inputs, folder)


def _check_installed() -> None:
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"--format onnx needs {', '.join(PACKAGES)}; not installed: {', '.join(missing)}; pip install 'fecbench[onnx]'"
        )


def _trace(prediction: Prediction, inputs: Sequence[str], name: str) -> Any:
    """The graph of ``prediction``, without torch's notes on it, which name files of this machine.

    By torch's exporter of captured programs (dynamo): the older one, which records one run, is deprecated.
    """
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    example = {key: torch.ones(2, 3, dtype=torch.int64) for key in inputs}
    try:
        program: Any = torch.onnx.export(
            prediction,
            kwargs=example,
            dynamic_shapes=dict.fromkeys(inputs, axes),
            output_names=["logits"],
            dynamo=True,
            verbose=False,
        )
    except Exception as error:  # a plugin's predict can raise anything
        raise ExportError(
            "--format onnx needs an encoder and a predict that are operations on tensors (predict gets token ids, no texts), but "
            f"{name} on this encoder can't be traced: {_reason(error)}; use `fecbench predict`, or change predict. Nothing was left behind"
        ) from error
    ClearMetadataAndDocStringPass()(program.model)
    return program


def _reason(error: BaseException) -> str:
    """The first line of what is behind the exporter's own report."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = re.sub(r"\x1b\[\d*m", "", str(error)).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextmanager
def _silent() -> Iterator[None]:
    """Without the exporter's warnings, log lines and prints, which are about its own parts; what fails is raised all the same."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def logits(folder: Path, texts: Sequence[str]) -> Tensor:
    """Logits ``[N, C]`` of ``texts``, by onnxruntime and tokenizers alone."""
    import numpy as np
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]
    from tokenizers import Tokenizer

    session = InferenceSession(folder / FILE, providers=["CPUExecutionProvider"])
    encoded = Tokenizer.from_file(str(folder / TOKENIZER)).encode_batch(list(texts))
    columns = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
    wanted = [given.name for given in session.get_inputs()]
    given = {
        name: np.array([getattr(encoding, columns[name]) for encoding in encoded], dtype=np.int64) for name in wanted
    }
    return torch.from_numpy(session.run(["logits"], given)[0])
