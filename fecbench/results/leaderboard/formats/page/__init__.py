"""Render a board as one web page that loads nothing from a network or another file.

Each part of the page is plain data made from a board: ``score_table``, ``seed_scores``, ``confusions``, ``training``
and ``conditions``. ``axes`` and ``charts`` compute positions on scales; ``render`` fills the templates. The page holds
counts and curves, never texts or gold labels.
"""
