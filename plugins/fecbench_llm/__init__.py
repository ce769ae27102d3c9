"""Prompted language models as classifiers, without training (Brown et al. 2020; Liu et al. 2024 for EmoLLaMA)."""

from fecbench_llm.answers import Answer, Answers
from fecbench_llm.backends import Backend, Fake, LLMError, Replay
from fecbench_llm.config import LLMPromptConfig
from fecbench_llm.decoding import GREEDY, REFERENCE, Decoding
from fecbench_llm.endpoint import Endpoint
from fecbench_llm.interview import Estimate, Interview, Prices
from fecbench_llm.local import LocalModel
from fecbench_llm.objective import LLMPrompt
from fecbench_llm.parsing import Parser
from fecbench_llm.prompts import Chat, Demonstration, EmoLLaMA, Prompt

__all__ = [
    "GREEDY",
    "REFERENCE",
    "Answer",
    "Answers",
    "Backend",
    "Chat",
    "Decoding",
    "Demonstration",
    "EmoLLaMA",
    "Endpoint",
    "Estimate",
    "Fake",
    "Interview",
    "LLMError",
    "LLMPrompt",
    "LLMPromptConfig",
    "LocalModel",
    "Parser",
    "Prices",
    "Prompt",
    "Replay",
]
