"""Which forecasts were issued, with what, and when were they kept?"""

from flarescope.archive.folder import Archive, keep, read_archive
from flarescope.archive.records import ROW_DTYPES, Input, IssuedForecast, ModelUsed

__all__ = ["ROW_DTYPES", "Archive", "Input", "IssuedForecast", "ModelUsed", "keep", "read_archive"]
