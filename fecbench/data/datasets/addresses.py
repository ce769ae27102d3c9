"""Distinguish registered names, paths and hub addresses of data sets."""

from __future__ import annotations

import os
import re

from fecbench.core.errors import UsageError

HUB_PREFIX = "hf:"
ADDRESS = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(:(?P<config>[\w.-]+))?(@(?P<revision>[\w./-]+))?")


def is_path(name: str) -> bool:
    """Return True if ``name`` has a path separator, begins with ``.`` or ``~``, or ends with ``.toml``."""
    separators = [separator for separator in (os.sep, os.altsep) if separator]
    return name.startswith((".", "~")) or name.endswith(".toml") or any(separator in name for separator in separators)


def parse_hub_address(address: str) -> re.Match[str]:
    """Parse a hub address, without its prefix, into a match with the groups repo, config and revision.

    Raises:
        UsageError: the address is not ``owner/name[:config][@revision]``.
    """
    match = ADDRESS.fullmatch(address)
    if not match:
        raise UsageError(
            f"a hub data set is written hf:owner/name[:config][@revision], found hf:{address}; correct the address"
        )
    return match
