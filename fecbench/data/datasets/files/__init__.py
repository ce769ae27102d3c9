"""Find and read files of rows in published formats."""
