"""Rank the methods of a board and test their differences."""
