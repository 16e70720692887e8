"""Where do the tests find real magnetograms, summaries and labels?"""

import os
from pathlib import Path

import pytest

REAL_DATA = Path(os.environ.get("FLARESCOPE_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))

needs_real_data = pytest.mark.skipif(
    not REAL_DATA.is_dir(), reason=f"no real data at {REAL_DATA}; FLARESCOPE_REAL_DATA names another place"
)
