"""Results made from complete runs: leaderboards, plots, cases and exported models.

May import the wings before it: ``core`` to ``bench``.
"""
