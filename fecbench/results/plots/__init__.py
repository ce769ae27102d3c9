"""Pictures of run records; a file for each kind."""
