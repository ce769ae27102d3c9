"""Results made from complete runs: leaderboards, plots, cases and exported models; and pages about data sets.

Imports the wings from ``core`` to ``bench`` only; every wing to its right may import it.
"""
