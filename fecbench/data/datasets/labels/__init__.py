"""Find the classes of rows from labels as they are written."""
