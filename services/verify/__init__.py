"""``subsidy-ledger-verify BUNDLE``: check an audit bundle, offline, trusting nobody.

Hashes, signatures and proofs are checked, every award and the pro-rata apportionment are worked out
again from the events, and whatever does not match is said. Memory grows with the awards, not with
the events.

It imports nothing of ledger/ and services/, but it shares domain/ with them: awards, apportionment,
accounts and the Merkle tree are computed by the very code with which the service computed them. So it
finds what was altered, and not a mistake in the rules' own code. Independent of it are
docs/checking/recompute.py (a published list), the check page in services/web/checkpage (receipts and
lists) and tests/oracle (from the clauses and facts to payments), which share no code with the product.
"""

from services.verify.command import main, verify
from services.verify.reading import Broken, Verdict

__all__ = ["Broken", "Verdict", "main", "verify"]
