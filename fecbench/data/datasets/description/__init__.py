"""Describe a data set's files, columns and labels, by ``dataset.toml`` or flags."""
