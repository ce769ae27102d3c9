"""The leaderboard: run records in, a table out.

Records are found (``finding``) and read (``reading``). A run finds its row and its data set without a spec (``grouping``) or by one
(``selecting``); its encoder is told by its weights (``identities``). Rows are ranked (``ranking``) within an encoder and budget, against
baselines that are no variants (``families``), and the best is tested against the others (``outcomes``, ``paired``, ``significance``). What
a reader must be told is gathered (``sources``, ``remarks``), and ``assembling`` makes a :class:`~fecbench.leaderboard.board.Board` of it
all. What a paper reported comes from ``published``. A format is a function of a board that gives text (``formats``); ``layout`` is what
they share. ``publishing`` copies the records behind a board to where they can be read by others.
"""
