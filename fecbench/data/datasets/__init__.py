"""Load, check and describe data sets."""
