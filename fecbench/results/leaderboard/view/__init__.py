"""Choose how a finished board is shown: the order and ranks of its rows, its columns, its names and its notes."""
