"""Helpers, servers and tiny inputs that tests import. Fixtures are in the conftest.py of each folder."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
