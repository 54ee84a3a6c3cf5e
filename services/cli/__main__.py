"""``python -m services.cli``: the command line without an installed script."""

from services.cli.main import run

run()
