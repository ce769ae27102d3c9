"""A web page about data sets: classes, lengths, equal texts."""
