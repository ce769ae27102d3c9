"""TOML that is written is read back the same."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fecbench.core.toml_text import to_toml

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(texts | st.integers(-(2**63), 2**63 - 1) | st.booleans(), lambda of: st.lists(of, max_size=3))
tables = st.recursive(
    st.dictionaries(texts, values, max_size=4), lambda of: st.dictionaries(texts, values | of, max_size=3), max_leaves=6
)


@given(tables)
def test_what_is_written_is_read_back(content):
    assert tomllib.loads(to_toml(content)) == content


@pytest.mark.parametrize("text", ["\x7f", "\x00\x1f", '"""', "\\", "a\nb\r\n", "\u2028", "😀", "\x85"])
def test_every_character_is_kept(text):
    assert tomllib.loads(to_toml({text: [text]})) == {text: [text]}


def test_long_lists_stand_one_item_a_line():
    names = [f"label {number}" for number in range(50)]
    text = to_toml({"names": names})
    assert tomllib.loads(text) == {"names": names}
    assert max(map(len, text.splitlines())) < 30
