"""Who may use which address: one row for each; what is not in the table, nobody may.

``domain.authority.roles.MAY`` says the same of every step; a test walks all addresses against both.
"""

from __future__ import annotations

from domain.authority.roles import BUREAU, MAY, MONITOR, STAFF

PUBLIC = ("anyone",)
OWN_DATA = (*STAFF, "enterprise")
"""Staff, and an enterprise for its own data."""
EVERYONE = (*OWN_DATA, "upstream")

API_STEPS: dict[str, str] = {
    "events.publish": "fact.publish",
    "sheets.send": "fact.report",
    "sheets.confirm": "fact.report",
    "policies.adopt": "policy.adopt",
    "policies.budget": "budget.set",
    "refused.resubmit": "refusal.resubmit",
    "refused.dismiss": "refusal.dismiss",
    "disagreements.decide": "disagreement.decide",
    "amendments.amend": "amendment.make",
    "claims.submit": "claim.submit",
    "claims.propose": "claim.propose",
    "claims.review": "claim.review",
    "claims.approve": "claim.approve",
    "claims.reject": "claim.reject",
    "claims.withdraw": "claim.withdraw",
    "claims.appeal": "claim.appeal",
    "settlements.propose": "settlement.propose",
    "settlements.publish": "settlement.publish",
    "settlements.object_to": "settlement.object",
    "settlements.resolve": "settlement.resolve",
    "settlements.close": "settlement.close",
    "settlements.accept": "adjustment.accept",
    "payments.order": "payment.order",
    "payments.results": "payment.record",
    "payments.statements": "payment.record",
    "payments.claw_back": "clawback.order",
    "payments.recover": "clawback.record",
}
"""Endpoints of the API that write, each with its step of ``domain.authority.roles.MAY``."""

ACCESS: dict[str, tuple[str, ...]] = {
    **{endpoint: MAY[step] for endpoint, step in API_STEPS.items()},
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
    "metrics.metrics": ("operator", MONITOR),
    "sheets.template": (*STAFF, "upstream"),
    "sheets.waiting_sheet": (*STAFF, "upstream"),
    "sheets.workbook": (*STAFF, "upstream"),
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
    "disagreements.disagreements": STAFF,
    "disagreements.one_disagreement": STAFF,
    "waiting.waiting_steps": STAFF,
    "waiting.waiting_step": STAFF,
    "waiting.confirm": (*BUREAU, "operator"),
    "waiting.withdraw": (*BUREAU, "operator"),
    "claims.claims": OWN_DATA,
    "claims.one_claim": OWN_DATA,
    "settlements.settlement": STAFF,
    "settlements.lines": STAFF,
    "settlements.list_xlsx": STAFF,
    "settlements.list_csv": STAFF,
    "settlements.list_ndjson": STAFF,
    "settlements.summary_xlsx": STAFF,
    "documents.document": STAFF,
    "documents.letter": OWN_DATA,
    "settlements.adjustments": STAFF,
    "settlements.open_matters": STAFF,
    "settlements.overpayments": STAFF,
    "payments.payments": STAFF,
    "payments.file": ("finance",),
    "payments.reconciliation": STAFF,
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

CONSOLE_STEPS: dict[str, tuple[str, ...]] = {
    "console.adjust": ("adjustment.accept", "clawback.order"),
    "console.amend_event": ("amendment.make",),
    "console.confirm_sheet": ("fact.report",),
    "console.decide_disagreement": ("disagreement.decide",),
    "console.make_sample": ("sample.make",),
    "console.propose_claims": ("claim.propose",),
    "console.settle_refused": ("refusal.resubmit", "refusal.dismiss"),
    "console.settlement_step": (
        *("settlement.propose", "settlement.publish", "settlement.object", "settlement.resolve"),
        *("settlement.close", "payment.order", "payment.record", "clawback.order", "clawback.record"),
    ),
    "console.submit_claim": ("claim.submit",),
    "console.take_step": (
        *("claim.review", "claim.approve", "claim.reject", "claim.withdraw", "claim.appeal"),
    ),
}
"""Forms of the console that write, each with the steps of ``MAY`` that it may take."""
CONSOLE_FORMS_WITHOUT_STEPS = frozenset(
    (
        *("console.start_work", "console.leave", "console.sign_out", "console.send_sheet"),
        *("console.payment_file", "console.end_waiting", "console.end_first_waiting"),
        "console.reconcile_statements",
    )
)
"""Forms that write nothing themselves: who works, a preview, a file, and what another form asked for."""


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
