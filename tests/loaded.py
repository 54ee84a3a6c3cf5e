"""All that commands of the ledger import, for the process that ``tests.commands`` forks them from."""

from __future__ import annotations

import gc

import ledger.store.postgres as with_a_server
from services.cli.registry import ENTRIES
from services.runtime.starting import begin_loading

begin_loading()
COMMANDS = [(with_a_server, entry.load()) for entry in ENTRIES]
gc.freeze()
