"""Who may use which address: one row for each; what is not in the table, nobody may.

``domain.authority.roles.MAY`` says the same of every step; a test walks all addresses against both.
"""

from __future__ import annotations

from domain.authority.roles import MAY

PUBLIC = ("anyone",)
BUREAU = ("officer", "reviewer", "finance")
STAFF = (*BUREAU, "auditor", "operator")
"""Who works with the ledger: may see every enterprise's history, so every leaf of the log too."""
OWN_DATA = (*STAFF, "enterprise")
"""Staff, and an enterprise for its own data."""
EVERYONE = (*OWN_DATA, "upstream")

ACCESS: dict[str, tuple[str, ...]] = {
    "health.live": PUBLIC,
    "health.ready": PUBLIC,
    "documentation.openapi": PUBLIC,
    "documentation.page": PUBLIC,
    "documentation.style": PUBLIC,
    "log.checkpoint": PUBLIC,
    "log.kept_checkpoints": PUBLIC,
    "log.keys": PUBLIC,
    "log.consistency": PUBLIC,
    "tlog.checkpoint": PUBLIC,
    "tlog.tile_of_hashes": PUBLIC,
    "tlog.entries": STAFF,
    "event-types.every_type": PUBLIC,
    "event-types.schema_of_type": PUBLIC,
    "policies.every_policy": PUBLIC,
    "policies.one_policy": PUBLIC,
    "policies.document": PUBLIC,
    "metrics.metrics": ("operator",),
    "events.publish": MAY["fact.publish"],
    "sheets.template": (*STAFF, "upstream"),
    "sheets.send": MAY["fact.report"],
    "sheets.waiting_sheet": (*STAFF, "upstream"),
    "sheets.confirm": MAY["fact.report"],
    "sheets.workbook": (*STAFF, "upstream"),
    "policies.adopt": MAY["policy.adopt"],
    "policies.budget": MAY["budget.set"],
    "years.budget": STAFF,
    "years.largest": STAFF,
    "years.targets": STAFF,
    "enterprises.enterprises": STAFF,
    "enterprises.enterprise": OWN_DATA,
    "enterprises.balance": OWN_DATA,
    "enterprises.explanation": OWN_DATA,
    "enterprises.outlook": OWN_DATA,
    "enterprises.history": OWN_DATA,
    "receipts.receipt_of_year": OWN_DATA,
    "receipts.printed": OWN_DATA,
    "receipts.check": PUBLIC,
    "log.history": OWN_DATA,
    "log.leaf": STAFF,
    "log.proof": STAFF,
    "looks.looks": ("auditor", "operator"),
    "traces.trace": ("auditor", "operator"),
    "what-if.compare": STAFF,
    "refused.refused": (*BUREAU, "operator", "auditor"),
    "refused.one_refused": (*BUREAU, "operator", "auditor"),
    "refused.resubmit": MAY["refusal.resubmit"],
    "refused.dismiss": MAY["refusal.dismiss"],
    "disagreements.disagreements": STAFF,
    "disagreements.one_disagreement": STAFF,
    "disagreements.decide": MAY["disagreement.decide"],
    "amendments.amend": MAY["amendment.make"],
    "waiting.waiting_steps": STAFF,
    "waiting.waiting_step": STAFF,
    "waiting.confirm": (*BUREAU, "operator"),
    "waiting.withdraw": (*BUREAU, "operator"),
    "claims.claims": OWN_DATA,
    "claims.one_claim": OWN_DATA,
    "claims.submit": MAY["claim.submit"],
    "claims.propose": MAY["claim.propose"],
    "claims.review": MAY["claim.review"],
    "claims.approve": MAY["claim.approve"],
    "claims.reject": MAY["claim.reject"],
    "claims.withdraw": MAY["claim.withdraw"],
    "claims.appeal": MAY["claim.appeal"],
    "settlements.settlement": STAFF,
    "settlements.lines": STAFF,
    "settlements.list_xlsx": STAFF,
    "settlements.list_csv": STAFF,
    "settlements.list_ndjson": STAFF,
    "settlements.summary_xlsx": STAFF,
    "documents.document": STAFF,
    "documents.letter": OWN_DATA,
    "settlements.propose": MAY["settlement.propose"],
    "settlements.publish": MAY["settlement.publish"],
    "settlements.object_to": MAY["settlement.object"],
    "settlements.resolve": MAY["settlement.resolve"],
    "settlements.close": MAY["settlement.close"],
    "settlements.adjustments": STAFF,
    "settlements.accept": MAY["adjustment.accept"],
    "payments.payments": STAFF,
    "payments.order": MAY["payment.order"],
    "payments.file": ("finance",),
    "payments.results": MAY["payment.record"],
    "payments.claw_back": MAY["clawback.order"],
    "payments.recover": MAY["clawback.record"],
}
"""Endpoints of the API, each with the roles that may use it; ``enterprise`` only for itself."""

CONSOLE_PUBLIC = (
    "console.static",
    "console-home",
    "console.sign_in",
    "console.go_to_provider",
    "console.come_back",
)
CONSOLE_EVERYONE = ("console.sign_out",)
CONSOLE_OWN = ("console.enterprise_statement",)
"""Pages that an enterprise may see of itself."""
CONSOLE_SENDERS = (
    *("console.sheets_page", "console.send_sheet", "console.sheet_page", "console.confirm_sheet"),
    *("console.sheet_workbook", "console.sheet_template"),
)
"""Pages where spreadsheets come in, also for those who only send facts."""
CONSOLE_OPERATOR = ("console.make_sample",)


def roles_for(endpoint: str) -> tuple[str, ...]:
    """The roles that may use an endpoint; none where the table does not name it."""
    if endpoint in CONSOLE_PUBLIC:
        return PUBLIC
    if endpoint in CONSOLE_EVERYONE:
        return EVERYONE
    if endpoint in CONSOLE_OWN:
        return OWN_DATA
    if endpoint in CONSOLE_SENDERS:
        return (*STAFF, "upstream")
    if endpoint in CONSOLE_OPERATOR:
        return MAY["sample.make"]
    if endpoint.startswith("console."):
        return STAFF  # every step of a page is checked again by the domain
    return ACCESS.get(endpoint, ())
