"""What every kit is: a plugin's name, and checks of it, one method each."""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from fecbench.testing.subject import Subject, subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class Conformance:
    """Checks of the plugin registered as ``name``; each method called ``test_...`` is one.

    Attributes:
        name: the plugin.
    """

    name: ClassVar[str]

    @classmethod
    def checks(cls) -> dict[str, str]:
        """Names of all checks, and what each requires."""
        named = ((name, check) for base in reversed(cls.__mro__) for name, check in vars(base).items())
        return {name: inspect.getdoc(check) or name for name, check in named if name.startswith("test_")}


class ObjectiveChecks(Conformance):
    """Checks of an objective.

    Attributes:
        settings: run settings and options to check it under, beside its defaults, such as ``{"epochs": 6}`` for one that learns slowly.
    """

    settings: ClassVar[Mapping[str, object]] = {}

    @cached_property
    def subject(self) -> Subject:
        """The objective and what it is checked on."""
        return subject_of(self.name, tuple(sorted(self.settings.items())))
