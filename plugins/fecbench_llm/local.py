"""The backend for causal language models on this machine: generate answers, or score the likelihood of each label."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fecbench_llm.answers import Answer
from fecbench_llm.backends import Keep, LLMError, now
from fecbench_llm.decoding import GREEDY, Decoding

if TYPE_CHECKING:
    from torch import Tensor

    from fecbench_llm.prompts import Prompt

Ids = list[int]


@dataclass(frozen=True)
class LocalModel:
    """A causal language model of the transformers library, loaded when the first prompt is asked.

    Attributes:
        model: a folder or a hub id.
        decoding: decoding settings.
        likelihood: score the labels instead of generating; the answer is a JSON list of each label's mean
            log-probability.
        batch_size: prompts per batch.
        device: device of the model. Weights are float32 on the CPU, elsewhere of the checkpoint's type,
            unless ``decoding`` asks for float16.
    """

    model: str
    decoding: Decoding = GREEDY
    likelihood: bool = False
    batch_size: int = 8
    device: str = "cpu"

    @property
    def identity(self) -> Mapping[str, object]:
        """Return model, version of its weights, and decoding settings."""
        settings = {"score": "likelihood", "half": self.decoding.half} if self.likelihood else asdict(self.decoding)
        return {"backend": "hf", "model": self.model, "version": self.version, **settings}

    @cached_property
    def version(self) -> str:
        """Return the hub's revision, or a fingerprint of a folder's files by name, size and modification time.

        Raises:
            LLMError: there is no such model.
        """
        if not Path(self.model).is_dir():
            return str(getattr(self._config, "_commit_hash", None))
        files = sorted(path for path in Path(self.model).iterdir() if path.is_file())
        stamps = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        return hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]

    @property
    def _recorded_name(self) -> str:
        """Return the model's name and version for records, of a folder the last part of its path alone."""
        return f"{Path(self.model).name if Path(self.model).is_dir() else self.model} {self.version}"

    @property
    def new_tokens(self) -> int:
        """Return the most tokens of an answer."""
        return 0 if self.likelihood else self.decoding.max_new_tokens

    def tokens(self, prompt: Prompt) -> int:
        """Return the number of tokens by the model's own tokenizer."""
        return len(self._ids(self._text(prompt)))

    def ask(self, prompts: Sequence[Prompt], keep: Keep) -> None:
        """Answer the prompts in batches of ``batch_size``, in order; a text without room gets an empty answer."""
        for start in range(0, len(prompts), self.batch_size):
            batch = prompts[start : start + self.batch_size]
            shortened_batch = [self._fitting(prompt) for prompt in batch]
            fitting = [prompt for prompt in shortened_batch if self._room(prompt) >= 0]
            answers = iter(self._answers(fitting))
            for prompt, shortened in zip(batch, shortened_batch, strict=True):
                answer = next(answers) if self._room(shortened) >= 0 else Answer("")
                dropped = len(prompt.demonstrations) - len(shortened.demonstrations)
                keep(prompt, replace(answer, model=self._recorded_name, date=now(), dropped=dropped))

    def _answers(self, prompts: Sequence[Prompt]) -> Iterable[Answer]:
        if not prompts:
            return ()
        return self._scores(prompts) if self.likelihood else self._generated(prompts)

    def _generated(self, prompts: Sequence[Prompt]) -> Iterator[Answer]:
        """Generate the answer to each prompt.

        The prompt, which names every label, is cut off by position, so that its label names aren't read as
        the answer.
        """
        import torch
        from transformers import GenerationConfig

        rows = [self._ids(self._text(prompt)) for prompt in prompts]
        width, pad = max(map(len, rows)), self._pad
        # Padded on the left, so that every answer begins at `width`.
        ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows], device=self.device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=self.device)
        d = self.decoding
        sampling = {"temperature": d.temperature, "top_p": d.top_p, "top_k": d.top_k} if d.temperature else {}
        settings = GenerationConfig(
            do_sample=d.temperature > 0,
            max_new_tokens=d.max_new_tokens,
            repetition_penalty=d.repetition_penalty,
            pad_token_id=pad,
            eos_token_id=self._network.generation_config.eos_token_id or self._tokenizer.eos_token_id,
            **sampling,
        )
        with (
            torch.no_grad(),
            torch.random.fork_rng(enabled=d.temperature > 0),
            torch.autocast(self.device.split(":")[0], enabled=False),  # predict runs under the autocast of the run
        ):
            if d.temperature:  # a function of seed and prompt, so that a resumed run draws the same answers
                torch.manual_seed(int.from_bytes(hashlib.sha256(f"{d.seed} {prompts[0].key}".encode()).digest()[:7]))
            whole = self._network.generate(input_ids=ids, attention_mask=mask, generation_config=settings)
        for row, new in zip(rows, whole[:, width:], strict=True):
            text = self._tokenizer.decode(new, skip_special_tokens=True)
            yield Answer(text, prompt_tokens=len(row), completion_tokens=int((new != pad).sum()))

    def _scores(self, prompts: Sequence[Prompt]) -> Iterator[Answer]:
        for prompt in prompts:
            scores = self._likelihoods(prompt)
            yield Answer(json.dumps(scores.tolist()), prompt_tokens=len(self._ids(self._text(prompt))))

    def _likelihoods(self, prompt: Prompt) -> Tensor:
        """Return the mean log-probability of each label's tokens after the prompt, float64 ``[C]``."""
        import torch

        before, rows = self._continued(prompt)
        width = max(map(len, rows))
        # Padded on the right: in a causal model padding changes nothing before it.
        ids = torch.tensor([row + [self._pad] * (width - len(row)) for row in rows], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=self.device)
        with torch.no_grad(), torch.autocast(self.device.split(":")[0], enabled=False):
            logits = self._network(input_ids=ids, attention_mask=mask).logits[:, before - 1 : -1]
        tokens = logits.float().log_softmax(2).gather(2, ids[:, before:, None]).squeeze(2).double()
        of_label = mask[:, before:].double()
        scores: Tensor = (tokens * of_label).sum(1) / of_label.sum(1)
        return scores.cpu()

    def _continued(self, prompt: Prompt) -> tuple[int, list[Ids]]:
        """Return the ids of the prompt followed by each label, and the number of first ids shared with the prompt.

        Prompt and label are tokenised together, since the tokens at their border may differ from those of
        the parts.
        """
        text = self._text(prompt)
        space = "" if text[-1:].isspace() else " "
        prompt_ids, rows = self._ids(text), [self._ids(text + space + label) for label in prompt.wording.labels]
        before = min(_common([prompt_ids, row]) for row in rows)
        return before, rows

    def _fitting(self, prompt: Prompt) -> Prompt:
        """Remove the farthest demonstrations of ``prompt`` until it leaves room for an answer."""
        while self._room(prompt) < 0 and prompt.demonstrations:
            prompt = prompt.without_farthest()
        return prompt

    def _room(self, prompt: Prompt) -> int:
        """Return the number of positions left beside prompt and answer; negative if they are too long."""
        longest = (
            max(map(len, self._continued(prompt)[1])) if self.likelihood else self.tokens(prompt) + self.new_tokens
        )
        positions = getattr(self._config, "max_position_embeddings", None)
        return positions - longest if positions else 0

    def _text(self, prompt: Prompt) -> str:
        """Return the prompt as text for the tokenizer, with special tokens in texts split, so that texts stay data."""
        prompt = _without_special_tokens(prompt, self._tokenizer.all_special_tokens)
        if prompt.raw is not None:
            return prompt.raw
        if self._tokenizer.chat_template:
            return str(self._tokenizer.apply_chat_template(prompt.messages, tokenize=False, add_generation_prompt=True))
        return "\n\n".join(message["content"] for message in prompt.messages)

    def _ids(self, text: str) -> Ids:
        """Return the token ids with the model's begin token, without a last end token, which would end the answer."""
        # A chat template has put the begin token there itself.
        has_begin = bool(self._tokenizer.bos_token) and text.startswith(str(self._tokenizer.bos_token))
        ids: Ids = self._tokenizer(text, add_special_tokens=not has_begin)["input_ids"]
        return ids[:-1] if ids and ids[-1] == self._tokenizer.eos_token_id else ids

    @property
    def _pad(self) -> int:
        """Return the padding id: the tokenizer's, else its end token, else 0."""
        for token_id in (self._tokenizer.pad_token_id, self._tokenizer.eos_token_id):
            if token_id is not None:
                return int(token_id)
        return 0

    @cached_property
    def _config(self) -> Any:
        from transformers import AutoConfig

        return self._loaded(AutoConfig.from_pretrained)

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return self._loaded(AutoTokenizer.from_pretrained)

    @cached_property
    def _network(self) -> Any:
        import torch
        from transformers import AutoModelForCausalLM

        dtype: torch.dtype | str = "auto"  # the checkpoint's own
        if self.decoding.half:
            dtype = torch.float16
        elif self.device == "cpu":
            dtype = torch.float32
        network = self._loaded(AutoModelForCausalLM.from_pretrained, dtype=dtype, use_safetensors=True)
        return network.to(self.device).eval()

    def _loaded(self, load: Any, **arguments: object) -> Any:
        """Return what ``load`` returns for the model, without running code of the model's repository.

        Raises:
            LLMError: the model can't be loaded.
        """
        from transformers import dynamic_module_utils

        # Some loaders ask on the terminal whether to trust remote code; with a timeout of 0 seconds they raise instead.
        dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0
        try:
            return load(self.model, trust_remote_code=False, **arguments)
        except (OSError, ValueError, KeyError, ImportError, AttributeError, TypeError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise LLMError(
                f"--model {self.model} must be a causal language model, as a folder or on the hub: {reason}"
            ) from error


def _without_special_tokens(prompt: Prompt, special: Sequence[str]) -> Prompt:
    """Split every special token in the texts of ``prompt`` by a space."""

    def plain(text: str) -> str:
        for token in special:
            text = text.replace(token, f"{token[0]} {token[1:]}") if len(token) > 1 else text
        return text

    shots = tuple(replace(shot, text=plain(shot.text)) for shot in prompt.demonstrations)
    return replace(prompt, text=plain(prompt.text), demonstrations=shots)


def _common(rows: Sequence[Ids]) -> int:
    """Return the number of first ids that all rows share."""
    for position, ids in enumerate(zip(*rows, strict=False)):
        if len(set(ids)) > 1:
            return position
    return min(map(len, rows))
