"""``python -m services.workbench``."""

import sys

from services.workbench.command import main

sys.exit(main())
