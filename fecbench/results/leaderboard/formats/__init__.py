"""Render a board for the terminal, or as Markdown, LaTeX, CSV, JSON or a web page."""
