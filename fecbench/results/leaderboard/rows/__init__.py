"""Make the rows of a board from runs."""
