"""Export a complete run as a folder that needs no fecbench."""
