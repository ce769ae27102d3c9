"""Terminal input and output: tables, messages, progress and interrupts."""
