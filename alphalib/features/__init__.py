"""Features: plain panel functions and the registry of those in use.

Row t holds what was known at the close of session t. A session without a bar is missing, not zero: a price carries
over it, an average steps over it, and the feature itself is NaN on its row.
"""

from alphalib.errors import FactorError
from alphalib.features.language.parser import parse
from alphalib.features.registry import FEATURES, Feature, feature, feature_panels, features_off

__all__ = ["FEATURES", "FactorError", "Feature", "feature", "feature_panels", "features_off", "parse"]
