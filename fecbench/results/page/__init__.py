"""Parts that all web pages share: templates, style sheet and charts."""
