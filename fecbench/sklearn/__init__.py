"""Use objectives as scikit-learn classifiers, in pipelines, grids and cross-validation.

Only the test kit and the command line may import this wing.
"""

from fecbench.sklearn.classifier import EmotionClassifier

__all__ = ["EmotionClassifier"]
