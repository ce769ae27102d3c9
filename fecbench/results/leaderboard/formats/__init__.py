"""Render a board as Markdown, LaTeX, CSV, JSON or a web page."""
