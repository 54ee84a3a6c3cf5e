"""The indexes of the tables, by name: table, columns, and which rows."""

from __future__ import annotations

INDEXES = {
    "payments_by_status": "payments (policy, year, status, payment)",
    "recoveries_by_reference": "recoveries (reference)",
    "used_keys_until": "used_keys (person, until)",
    "waiting_steps_in_order": "waiting_steps (stage, proposed_at, waiting)",
    "adjustments_into": "adjustments (policy, into_year)",
    "correlations_first": "correlations (first)",
    "matters_by_key": "matters (key)",
    "disagreements_by_code": "disagreements (code, kind)",
    "disagreements_by_key": "disagreements (key)",
    "disagreements_open": "disagreements (disagreement) WHERE outcome IS NULL",
    "disagreements_in_order": "disagreements (disagreement, position, key)",
    "disputes_in_order": "disputes (position, disagreement)",
    "disputes_waiting": "disputes (position, disagreement) WHERE waiting=1",
    "disputes_decided": "disputes (position, disagreement) WHERE waiting=0",
    "batches_recorded_at": "batches (recorded_at)",
    "refused_number": "refused (number)",
    "refused_event_id": "refused (event_id)",
    "refused_waiting": "refused (number) WHERE dead_lettered = 0",
    "refused_open": "refused (number) WHERE resolved IS NULL",
    "refused_open_of": "refused (sender) WHERE resolved IS NULL",
    "refused_settled_of": "refused (sender, first_at) WHERE resolved IS NOT NULL",
    "looks_by_code": "looks (code, number)",
    "looks_by_path": "looks (path, at)",
    "balances_by_size": "balances (policy, year, eligible)",
    "spellings_by_canonical": "spellings (canonical)",
    "spellings_by_code": "spellings (code)",
    "enterprises_by_name": "enterprises (code, name, town)",
    "enterprises_by_town": "enterprises (town, code, name)",
}
