"""Measure the rows of a data set: classes, equal texts, lengths. Texts stay on the disk; a row costs a few numbers."""
