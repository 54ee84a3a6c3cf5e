"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

from typing import Any

from ledger.store.schema.migrations import check_version_of
from services.api.health.schemas import LiveSchema, ReadySchema
from services.api.resource import Resource, ledger
from services.web.fields import Query

blueprint = Resource("health", __name__, "/health", "运行状况 · health")


@blueprint.reads("/live", "进程是否运行", Query, LiveSchema)
def live(_: dict[str, Any]) -> dict[str, Any]:
    """Say that the process answers."""
    return {"status": "live"}


@blueprint.reads("/ready", "能否提供服务", Query, ReadySchema)
def ready(_: dict[str, Any]) -> dict[str, Any]:
    """Say that the database answers with tables that this program works on, and up to which position."""
    with ledger().store.reading() as rows:
        check_version_of(rows)
        return {"status": "ready", "position": rows.last_position()}
