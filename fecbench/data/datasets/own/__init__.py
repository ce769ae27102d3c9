"""Turn rows as read into the checked splits of a data set."""
