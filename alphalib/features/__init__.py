"""Features: factor expressions and the catalogues written in them, plain panel functions and the registry of those.

Row t holds what was known at the close of session t. A session without a bar is missing, not zero: a price carries
over it, an average steps over it, and the feature itself is NaN on its row.
"""

from alphalib.errors import FactorError
from alphalib.features.catalog import CATALOG, find_factors
from alphalib.features.compute import FactorPanels, FactorWarning, factor, factors, write_factors
from alphalib.features.language.parser import parse
from alphalib.features.registry import FEATURES, Feature, feature, feature_panels, features_off

__all__ = [
    "CATALOG",
    "FEATURES",
    "FactorError",
    "FactorPanels",
    "FactorWarning",
    "Feature",
    "factor",
    "factors",
    "feature",
    "feature_panels",
    "features_off",
    "find_factors",
    "parse",
    "write_factors",
]
