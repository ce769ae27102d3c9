"""Label trees, read from TOML files that list the children of each node."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Self

from fecbench import FecbenchError, expanded

BUILT_IN = {name: Path(__file__).with_name("trees") / f"{name}.toml" for name in ("ed", "ge")}
ANY = ""  # the root of a flat tree; no label has this name


class TreeError(FecbenchError):
    """A label tree that can't be read, isn't a tree, or lacks labels."""


@dataclass(frozen=True)
class LabelTree:
    """A tree, or several trees.

    Attributes:
        nodes: names of the nodes.
        pairs: every (ancestor, node), as indices into ``nodes``: a node's parent, its parent's parent, and
            so on.
    """

    nodes: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, children: Mapping[str, Sequence[str]]) -> Self:
        """Build the tree from the children of each node.

        Raises:
            ValueError: a node has two parents, or is its own ancestor.

        >>> LabelTree.of({"a": ["b"], "b": ["c"]}).pairs
        ((0, 1), (1, 2), (0, 2))
        """
        nodes = tuple(dict.fromkeys(name for parent, below in children.items() for name in (parent, *below)))
        parents: dict[str, str] = {}
        for parent, below in children.items():
            for child in below:
                if child in parents:
                    raise ValueError(f"{child!r} has two parents, {parents[child]!r} and {parent!r}")
                parents[child] = parent
        try:
            TopologicalSorter({child: [parent] for child, parent in parents.items()}).prepare()
        except CycleError as error:
            raise ValueError(f"the nodes {', '.join(error.args[1])} form a cycle") from None
        index = {name: number for number, name in enumerate(nodes)}
        return cls(nodes, tuple((index[above], index[name]) for name in nodes for above in _ancestors(name, parents)))

    def holding(self, labels: Sequence[str]) -> Self:
        """Return the part of the tree that holds ``labels`` and their ancestors."""
        wanted = {self.nodes.index(label) for label in labels}
        kept = sorted(wanted | {above for above, node in self.pairs if node in wanted})
        number = {node: new for new, node in enumerate(kept)}
        pairs = tuple((number[above], number[node]) for above, node in self.pairs if node in number)
        return type(self)(tuple(self.nodes[node] for node in kept), pairs)


def _ancestors(node: str, parents: Mapping[str, str]) -> Iterator[str]:
    while node in parents:
        node = parents[node]
        yield node


def tree_for(labels: Sequence[str], tree: str) -> LabelTree:
    """Return the tree named ``tree``, without branches that hold none of ``labels``.

    ``"flat"`` puts all labels under one node; ``"ed"`` and ``"ge"`` are built in; ``"auto"`` is the first
    built-in tree that holds all labels, or else the flat one; anything else is a TOML file of ``node =
    [children]``.

    Raises:
        TreeError: the file can't be read, isn't a tree, lacks a label, or puts no label under another node.
    """
    if tree == "auto":
        return tree_for(labels, built_in(labels) or "flat")
    if tree == "flat":
        return LabelTree.of({ANY: labels})
    whole = read(BUILT_IN.get(tree, Path(expanded(tree))))
    if missing := _missing(labels, whole):
        raise TreeError(
            f"--tree {tree} must hold every label, but lacks {', '.join(missing)}; add them, or use --tree flat"
        )
    part = whole.holding(labels)
    if not part.pairs:
        raise TreeError(
            f"--tree {tree} must have other nodes above labels, but no label has a parent; "
            "add parents, or use --tree flat"
        )
    return part


def built_in(labels: Sequence[str]) -> str:
    """Return the name of the first built-in tree that holds all ``labels``, or ``""``."""
    return next((name for name, file in BUILT_IN.items() if not _missing(labels, read(file))), "")


def _missing(labels: Sequence[str], tree: LabelTree) -> list[str]:
    return [label for label in labels if label not in tree.nodes]


def read(file: Path) -> LabelTree:
    """Read a tree from a TOML file with lines ``node = ["child", "child"]``.

    Raises:
        TreeError: the file can't be read, has other content, or holds no tree.
    """
    try:
        children = tomllib.loads(file.read_text(encoding="utf-8"))
        odd = [name for name, below in children.items() if not _is_names(below)]
        if odd:
            raise ValueError(f"{odd[0]!r} must have a list of names")
        return LabelTree.of(children)
    except (OSError, ValueError) as error:  # invalid TOML and invalid UTF-8 raise ValueError too
        raise TreeError(
            f"--tree must be auto, flat, {', '.join(BUILT_IN)} or a TOML file of lines "
            f'node = ["child", "child"], each node with one parent at most, but {file}: {error}; correct it'
        ) from error


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
