"""The built-in data sets, registered by name."""
