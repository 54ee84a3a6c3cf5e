"""``subsidy-ledger-verify BUNDLE``: check an audit bundle, offline, trusting nobody.

It imports nothing of the ledger but the pure domain layer: hashes, signatures and proofs are
checked, every award and the pro-rata apportionment are worked out again from the events, and
whatever does not match is said. Memory grows with the awards, not with the events.
"""

from services.verify.command import main, verify
from services.verify.reading import Broken, Verdict

__all__ = ["Broken", "Verdict", "main", "verify"]
