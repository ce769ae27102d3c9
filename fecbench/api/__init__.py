"""Train, load and compare runs from Python and notebooks.

Functions and objects for people who write Python; the engine and the records are those of the command line. Only the
scikit-learn estimator, the test kit and the command line may import this wing.
"""

import warnings

# tqdm warns so where a library imports it in a notebook without ipywidgets, which fecbench's own bars don't need.
warnings.filterwarnings("ignore", message="IProgress not found")
