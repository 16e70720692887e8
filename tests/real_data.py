"""Where is the real data, and what skips without it?"""

import os
from pathlib import Path

import pytest

REAL_DATA = Path(
    os.environ.get("FLARESCOPE_REAL_DATA") or Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
).resolve()
needs_real_data = pytest.mark.skipif(
    not REAL_DATA.is_dir(), reason=f"no real data at {REAL_DATA}; FLARESCOPE_REAL_DATA names another place"
)
