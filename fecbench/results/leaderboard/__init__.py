"""Make a leaderboard from run records.

``run`` reads a record once. ``rows`` groups runs into rows, by their settings or by a spec. ``statistics`` ranks the
rows and tests the best against the others. ``assemble`` makes a
:class:`~fecbench.results.leaderboard.board.Board` of them; ``formats`` render it; ``publish`` copies the records
behind it. ``paper_table`` holds the scores that the paper reports.
"""
