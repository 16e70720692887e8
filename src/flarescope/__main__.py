"""`python -m flarescope` does what `flarescope` does."""

import sys

from flarescope.cli import main

sys.exit(main())
