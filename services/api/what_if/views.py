"""What if: other readings, figures or another budget on the real facts; nothing is recorded."""

from __future__ import annotations

from typing import Any

from ledger.simulation.what_if import WhatIf, simulate_year
from ledger.store.moments import moment
from services.api.resource import Resource, ledger
from services.api.what_if.schemas import WhatIfBody, WhatIfSchema

blueprint = Resource("what-if", __name__, "/v1/what-if", "假设测算 · what if")


@blueprint.writes("POST", "", "假设测算", {200: WhatIfSchema}, body=WhatIfBody, takes_key=False)
def compare(body: dict[str, Any]) -> WhatIf:
    """Compare a year as it stands with the same year under changed rules or another budget."""
    with ledger().store.reading() as rows:
        return simulate_year(
            ledger(),
            rows,
            body["policy"],
            body["year"],
            body["readings"],
            body["figures"],
            body["budget"],
            body["limit"],
            moment(rows, None, None, body["rules_as_of"], None, body["rules"]),
        )
