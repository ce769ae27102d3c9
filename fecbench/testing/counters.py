"""Find numbers that an objective keeps in plain Python, outside checkpoints, and advance them as a long run would."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from fecbench.objective.objective import Objective

# Limits of the search: a plugin can hold a table of a million entries.
DEEP = 3  # levels of nested containers that are searched
MANY = 200  # entries of one container that are searched
# Packages of base classes that a plugin inherits from but didn't write.
FOREIGN = {"fecbench", "torch", "builtins", "typing", "abc"}


@dataclass(frozen=True)
class Counter:
    """A number, or a list that can grow.

    Attributes:
        holder: the dict, list, class or object that holds it.
        key: its key, index or attribute name.
    """

    holder: Any
    key: Any

    @property
    def value(self) -> float:
        """The number, or the list's length."""
        current = self._current()
        return len(current) if isinstance(current, list) else current

    def advance(self, by: int) -> None:
        """Add ``by`` to the number, or extend the list by ``by`` of its elements, repeated."""
        current = self._current()
        if isinstance(current, list):
            current.extend((current * (by // max(1, len(current)) + 1))[:by])
        elif isinstance(self.holder, dict | list):
            self.holder[self.key] = current + by
        else:
            setattr(self.holder, self.key, current + by)

    def _current(self) -> Any:
        return self.holder[self.key] if isinstance(self.holder, dict | list) else getattr(self.holder, self.key)


def packages_of(kind: type) -> set[str]:
    """Return the top-level packages of a plugin's class and its bases, except fecbench and torch."""
    return {base.__module__.partition(".")[0] for base in kind.__mro__} - FOREIGN


def counters(objective: Objective) -> dict[str, Counter]:
    """Return every plain number and list by its path.

    They are searched in the objective, its submodules, their classes and the modules of its package.
    """
    packages = packages_of(type(objective))
    found: dict[str, Counter] = {}
    for name, module in objective.named_modules(prefix="objective"):
        if isinstance(module, nn.Module) and _own(type(module), packages):
            found |= _within(module, name, packages, DEEP)
            # Attributes of a class or module outlive the objective, and no checkpoint holds them.
            for kind in type(module).__mro__:
                if _own(kind, packages):
                    found |= _within(kind, kind.__name__, packages, 0)
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in packages and module is not None:
            found |= _within(module, name, packages, 0)
    return found


def moved(before: Mapping[str, float], after: Mapping[str, Counter]) -> list[str]:
    """Return the names of the counters whose values differ from those in ``before``."""
    return [name for name, counter in after.items() if name in before and counter.value != before[name]]


def _within(holder: Any, path: str, packages: Collection[str], depth: int) -> dict[str, Counter]:
    found = {}
    for key, value in _items(holder):
        name = f"{path}.{key}"
        # A bool is an int to Python, but a switch can't be advanced.
        if isinstance(value, int | float | list) and not isinstance(value, bool):
            found[name] = Counter(holder, key)
        if (
            depth
            and (isinstance(value, dict | list) or _own(type(value), packages))
            and not isinstance(value, nn.Module)
        ):
            found |= _within(value, name, packages, depth - 1)
    return found


def _items(holder: Any) -> Iterator[tuple[Any, Any]]:
    held = (
        holder
        if isinstance(holder, dict)
        else dict(enumerate(holder))
        if isinstance(holder, list)
        else getattr(holder, "__dict__", {})
    )
    yield from list(islice(held.items(), MANY))


def _own(kind: type, packages: Collection[str]) -> bool:
    return kind.__module__.partition(".")[0] in packages
