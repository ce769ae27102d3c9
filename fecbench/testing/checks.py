"""Base classes of the conformance kits: a plugin's name and one method per check."""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from fecbench.testing.subject import QUICK, Subject, subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class Conformance:
    """Checks of the plugin registered as ``name``; each method called ``test_...`` is one check.

    Attributes:
        name: the plugin's name.
        about: data of the checks, in words, if the plugin is checked on several; else empty.
    """

    name: ClassVar[str]
    about: ClassVar[str] = ""

    @classmethod
    def checks(cls) -> dict[str, str]:
        """Return the requirement of each check, its docstring, by the check's name."""
        # Base classes first: checks keep their order, and a class that overrides one gives its text.
        named = ((name, check) for base in reversed(cls.__mro__) for name, check in vars(base).items())
        return {name: inspect.getdoc(check) or name for name, check in named if name.startswith("test_")}

    @property
    def summary(self) -> str:
        """A line on what was measured, printed after the checks; empty if nothing was."""
        return ""


class ObjectiveChecks(Conformance):
    """Checks of an objective.

    Attributes:
        conditions: run settings of the kit, such as the data set.
        settings: run settings and options that override its defaults in checks, such as ``{"epochs": 6}`` for an
            objective that learns slowly.
    """

    conditions: ClassVar[Mapping[str, object]] = {}
    settings: ClassVar[Mapping[str, object]] = {}

    @cached_property
    def subject(self) -> Subject:
        """The objective with the data and settings that it is checked on."""
        return subject_of(self.name, self.given)

    @cached_property
    def quick(self) -> Subject:
        """The same with a faster encoder, for whole runs that are compared bit by bit or watched."""
        return subject_of(self.name, self.given, QUICK)

    @property
    def given(self) -> tuple[tuple[str, object], ...]:
        """The settings of the checks, by name."""
        return tuple(sorted({**self.conditions, **self.settings}.items()))
