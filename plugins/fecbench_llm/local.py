"""A causal language model on this machine: it writes answers, or says how likely it finds each label."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
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
        decoding: how it writes.
        likelihood: whether to score the labels instead of writing: the answer is a JSON list of every label's mean log-probability.
        batch_size: prompts read at once.
        device: where it runs. Weights are float32 on the CPU, elsewhere of the checkpoint's own type, unless ``decoding`` wants float16.
    """

    model: str
    decoding: Decoding = GREEDY
    likelihood: bool = False
    batch_size: int = 8
    device: str = "cpu"

    @property
    def identity(self) -> Mapping[str, object]:
        """Which weights, and how they are used."""
        how = {"score": "likelihood", "half": self.decoding.half} if self.likelihood else asdict(self.decoding)
        return {"backend": "hf", "model": self.model, "version": self.version, **how}

    @cached_property
    def version(self) -> str:
        """The hub's revision, or a fingerprint of a folder's files by name, size and time.

        Raises:
            LLMError: there is no such model.
        """
        if not Path(self.model).is_dir():
            return str(getattr(self._config, "_commit_hash", None))
        files = sorted(path for path in Path(self.model).iterdir() if path.is_file())
        return hashlib.sha256(
            repr([(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]).encode()
        ).hexdigest()[:16]

    @property
    def _served(self) -> str:
        """What a record calls the model: a folder by its last part, and the version."""
        return f"{Path(self.model).name if Path(self.model).is_dir() else self.model} {self.version}"

    @property
    def new_tokens(self) -> int:
        """Tokens that are written at most."""
        return 0 if self.likelihood else self.decoding.max_new_tokens

    def tokens(self, prompt: Prompt) -> int:
        """Its tokenizer's count."""
        return len(self._ids(self._text(prompt)))

    def ask(self, prompts: Sequence[Prompt], keep: Keep) -> None:
        """Read ``batch_size`` prompts at once, in their order."""
        for start in range(0, len(prompts), self.batch_size):
            part = [self._fitting(prompt) for prompt in prompts[start : start + self.batch_size]]
            asked = [prompt for prompt in part if self._room(prompt) >= 0]
            answers = iter(self._scores(asked) if self.likelihood else self._written(asked) if asked else ())
            for prompt, shortened in zip(prompts[start : start + self.batch_size], part, strict=True):
                answer = next(answers) if self._room(shortened) >= 0 else Answer("")
                dropped = len(prompt.demonstrations) - len(shortened.demonstrations)
                keep(prompt, replace(answer, model=self._served, date=now(), dropped=dropped))

    def _written(self, prompts: Sequence[Prompt]) -> Iterator[Answer]:
        """What the model writes after each prompt; the prompt itself, which names every label, is cut off by position."""
        import torch
        from transformers import GenerationConfig

        rows = [self._ids(self._text(prompt)) for prompt in prompts]
        width, pad = max(map(len, rows)), self._pad
        ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows], device=self.device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=self.device)
        d = self.decoding
        drawn = {"temperature": d.temperature, "top_p": d.top_p, "top_k": d.top_k} if d.temperature else {}
        settings = GenerationConfig(
            do_sample=d.temperature > 0,
            max_new_tokens=d.max_new_tokens,
            repetition_penalty=d.repetition_penalty,
            pad_token_id=pad,
            eos_token_id=self._network.generation_config.eos_token_id or self._tokenizer.eos_token_id,
            **drawn,
        )
        with (
            torch.no_grad(),
            torch.random.fork_rng(enabled=d.temperature > 0),
            torch.autocast(self.device.split(":")[0], enabled=False),
        ):
            if d.temperature:
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
        """The mean log-probability of every label's tokens after the prompt, float64 ``[C]``, from float32 logits."""
        import torch

        before, rows = self._continued(prompt)
        width = max(map(len, rows))
        ids = torch.tensor([row + [self._pad] * (width - len(row)) for row in rows], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=self.device)
        with torch.no_grad(), torch.autocast(self.device.split(":")[0], enabled=False):
            logits = self._network(input_ids=ids, attention_mask=mask).logits[:, before - 1 : -1]
        tokens = logits.float().log_softmax(2).gather(2, ids[:, before:, None]).squeeze(2).double()
        of_label = mask[:, before:].double()
        scores: Tensor = (tokens * of_label).sum(1) / of_label.sum(1)
        return scores.cpu()

    def _continued(self, prompt: Prompt) -> tuple[int, list[Ids]]:
        """The prompt with each label after it, as token ids, and how many of them all have in common with the prompt alone."""
        text = self._text(prompt)
        gap = "" if text[-1:].isspace() else " "
        alone, rows = self._ids(text), [self._ids(text + gap + label) for label in prompt.wording.labels]
        before = min(_common([alone, row]) for row in rows)
        return before, rows

    def _fitting(self, prompt: Prompt) -> Prompt:
        """``prompt`` without as many of its farthest demonstrations as it takes to leave room for an answer."""
        while self._room(prompt) < 0 and prompt.demonstrations:
            prompt = prompt.without_farthest()
        return prompt

    def _room(self, prompt: Prompt) -> int:
        """Positions that are left beside prompt and answer; below 0 where they are too long."""
        longest = (
            max(map(len, self._continued(prompt)[1])) if self.likelihood else self.tokens(prompt) + self.new_tokens
        )
        positions = getattr(self._config, "max_position_embeddings", None)
        return positions - longest if positions else 0

    def _text(self, prompt: Prompt) -> str:
        """What the model reads. Its special tokens are taken apart where they stand in a text: a text is data."""
        prompt = _disarmed(prompt, self._tokenizer.all_special_tokens)
        if prompt.raw is not None:
            return prompt.raw
        if self._tokenizer.chat_template:
            return str(self._tokenizer.apply_chat_template(prompt.messages, tokenize=False, add_generation_prompt=True))
        return "\n\n".join(message["content"] for message in prompt.messages)

    def _ids(self, text: str) -> Ids:
        """Token ids, with the model's begin token; a chat template has put it there itself."""
        begun = bool(self._tokenizer.bos_token) and text.startswith(str(self._tokenizer.bos_token))
        ids: Ids = self._tokenizer(text, add_special_tokens=not begun)["input_ids"]
        return ids[:-1] if ids and ids[-1] == self._tokenizer.eos_token_id else ids

    @property
    def _pad(self) -> int:
        pad, end = self._tokenizer.pad_token_id, self._tokenizer.eos_token_id
        return int(pad if pad is not None else end if end is not None else 0)

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

        kind = torch.float16 if self.decoding.half else torch.float32 if self.device == "cpu" else "auto"
        return (
            self._loaded(AutoModelForCausalLM.from_pretrained, dtype=kind, use_safetensors=True).to(self.device).eval()
        )

    def _loaded(self, load: Any, **arguments: object) -> Any:
        """What ``load`` makes of the model, whose own code is neither run nor asked about."""
        from transformers import dynamic_module_utils

        dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0  # parts of a model would ask: at 0 seconds to answer they raise
        try:
            return load(self.model, trust_remote_code=False, **arguments)
        except (OSError, ValueError, KeyError, ImportError, AttributeError, TypeError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise LLMError(
                f"--model {self.model} must be a causal language model, as a folder or on the hub: {reason}"
            ) from error


def _disarmed(prompt: Prompt, special: Sequence[str]) -> Prompt:
    """``prompt`` with a space within every special token in its texts."""

    def plain(text: str) -> str:
        for token in special:
            text = text.replace(token, f"{token[0]} {token[1:]}") if len(token) > 1 else text
        return text

    shots = tuple(replace(shot, text=plain(shot.text)) for shot in prompt.demonstrations)
    return replace(prompt, text=plain(prompt.text), demonstrations=shots)


def _common(rows: Sequence[Ids]) -> int:
    """How many first ids all rows share."""
    for place, ids in enumerate(zip(*rows, strict=False)):
        if len(set(ids)) > 1:
            return place
    return min(map(len, rows))
