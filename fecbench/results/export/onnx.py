"""The format ``onnx``: an ONNX graph of the objective's predict.

The graph maps token ids and attention mask to logits; batch size and text length are dynamic.
"""

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
from fecbench.results.export.labelled_config import labelled_config
from fecbench.results.export.padded import PredictModule
from fecbench.results.export.tokenizer import TOKENIZER, write_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

    from fecbench.runs.predictor import Predictor
    from fecbench.runs.record import Record


PACKAGES = ("onnx", "onnxscript", "onnxruntime")
MODEL = "model.onnx"


def write(record: Record, predictor: Predictor, folder: Path) -> None:
    """Write graph, tokenizer and labels. This changes the predictor's model, so don't use it afterwards.

    Raises:
        UsageError: a package that writes or runs ONNX graphs is not installed.
        ExportError: the encoder or ``predict`` can't be traced.
    """
    _check_installed()
    accepted = signature(predictor.model.encoder.network.forward).parameters
    inputs = ["input_ids", "attention_mask"]
    # Some families read no token types, and some tokenizers make none for a family that does.
    if "token_type_ids" in accepted and "token_type_ids" in predictor.tokenizer.model_input_names:
        inputs.append("token_type_ids")
    name = record.run_file.objective.name
    with _silent():
        program = _trace(PredictModule(predictor.objective, predictor.model), inputs, name)
        program.save(folder / MODEL)  # weights over 2 GB, the limit of one file, go to a second file
    labelled_config(record, predictor).save_pretrained(folder)
    write_tokenizer(predictor, inputs, folder)


def _check_installed() -> None:
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"--format onnx needs {', '.join(PACKAGES)}; not installed: {', '.join(missing)}; "
            "pip install 'fecbench[onnx]'"
        )


def _trace(module: PredictModule, inputs: Sequence[str], name: str) -> Any:
    """Return the ONNX program of ``module``.

    Uses torch's dynamo exporter: the older one, which records a forward pass, is deprecated. Metadata and doc strings
    are removed from the graph, because torch writes file paths of this machine into them.
    """
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    # Batch 2 and length 3, because torch.export takes sizes 0 and 1 of an example for constants.
    example = {key: torch.ones(2, 3, dtype=torch.int64) for key in inputs}
    try:
        program: Any = torch.onnx.export(
            module,
            kwargs=example,
            dynamic_shapes=dict.fromkeys(inputs, axes),
            output_names=["logits"],
            dynamo=True,
            verbose=False,
        )
    except Exception as error:  # a plugin's predict can raise anything
        raise ExportError(
            "--format onnx needs an encoder and a predict made of tensor operations (predict gets token ids, not "
            f"texts), but {name} on this encoder can't be traced: {_reason(error)}; use `fecbench predict` or change "
            "predict (nothing was written)"
        ) from error
    ClearMetadataAndDocStringPass()(program.model)
    return program


def _reason(error: BaseException) -> str:
    """Return the first line of the error that caused the exporter's error."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = re.sub(r"\x1b\[\d*m", "", str(error)).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextmanager
def _silent() -> Iterator[None]:
    """Suppress the exporter's warnings, log lines and prints about its internals; errors are still raised."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def logits(folder: Path, texts: Sequence[str]) -> Tensor:
    """Return the logits ``[N, C]`` of ``texts``, computed with onnxruntime and tokenizers only."""
    import numpy as np
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]
    from tokenizers import Tokenizer

    session = InferenceSession(folder / MODEL, providers=["CPUExecutionProvider"])
    encoded = Tokenizer.from_file(str(folder / TOKENIZER)).encode_batch(list(texts))
    columns = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
    inputs = {
        node.name: np.array([getattr(encoding, columns[node.name]) for encoding in encoded], dtype=np.int64)
        for node in session.get_inputs()
    }
    return torch.from_numpy(session.run(["logits"], inputs)[0])
