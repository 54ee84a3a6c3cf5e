"""``python -m services.verify``."""

import sys

from services.verify.command import main

sys.exit(main())
