"""Cut missing splits and folds from the training rows."""
