"""The base class of all kits but the objectives' one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar
from unittest.mock import patch

from fecbench.core import hub
from fecbench.core.settings import RunSettings, build
from fecbench.testing.checks import Conformance
from fecbench.testing.findings import NotConforming

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fecbench.core.registry import Registry

TEXTS = [
    "what a bright and lovely day",
    "my dog died",
    "he broke my window and then he lied to us about it again",
    "so",
]
NEAR = 1e-3  # packing and padding change the last digits of states and logits


@contextmanager
def offline() -> Iterator[None]:
    """Disable the hub within: checks download nothing."""
    from huggingface_hub import constants

    try:
        # The constant, because huggingface_hub reads the environment variable only when it is imported.
        with patch.object(constants, "HF_HUB_OFFLINE", True):
            yield
    finally:
        hub.unreachable.cache_clear()  # the answer "offline" holds for the check alone


class PluginConformance(Conformance):
    """Checks of a plugin that isn't an objective.

    Attributes:
        registered_in: the registry of the plugin's kind.
    """

    registered_in: ClassVar[Registry]

    @property
    def where(self) -> str:
        """The plugin's entry point and distribution."""
        return str(self.registered_in.origin(self.name))

    def require(self, holds: bool, required: str, found: object) -> None:
        """Raise NotConforming unless ``holds``."""
        if not holds:
            raise NotConforming(required, str(found), self.where)

    def require_settings(self, preferred: Mapping[str, object]) -> None:
        """Check that the run settings which a plugin prefers exist and have valid values."""
        unknown = sorted(set(preferred) - set(RunSettings.model_fields))
        self.require(not unknown, "settings of `fecbench run`", f"unknown: {', '.join(unknown)}")
        build(RunSettings, {"dataset": "demo", **preferred}, f"settings of {self.name}")
