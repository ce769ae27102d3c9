"""The data sets that fecbench knows by name."""
