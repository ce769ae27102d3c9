"""Print to the terminal: tables, progress and messages."""
