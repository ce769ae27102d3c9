"""Load encoders by registered name, hub id or local folder."""
