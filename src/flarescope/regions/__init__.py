"""What does NOAA say of an active region, how did it flare before, and what follows from both?"""

from flarescope.regions.features import PARTS, region_features

__all__ = ["PARTS", "region_features"]
