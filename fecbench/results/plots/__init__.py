"""Figures of run records: one module for each kind of figure, and the legend, marks and saving that they share."""
