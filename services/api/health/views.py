"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

from typing import Any

from ledger.log.key_record import check_continues, read_last
from ledger.store.log_tree import Tree
from ledger.store.schema.migrations import check_version_of
from services.api.health.schemas import LiveSchema, ReadySchema
from services.api.log.views import key_file
from services.api.resource import Resource, ledger
from services.web.fields import Query

blueprint = Resource("health", __name__, "/health", "运行状况 · health")


@blueprint.reads("/live", "进程是否运行", Query, LiveSchema)
def live(_: dict[str, Any]) -> dict[str, Any]:
    """Say that the process answers."""
    return {"status": "live"}


@blueprint.reads("/ready", "能否提供服务", Query, ReadySchema)
def ready(_: dict[str, Any]) -> dict[str, Any]:
    """Say that the database answers with tables that this program works on, and up to which position.

    A ledger that does not continue what its key signed last, a copy that lags behind, is not ready.
    """
    last = read_last(key_file())
    with ledger().store.reading() as rows:
        check_version_of(rows)
        check_continues(last, rows, Tree(rows))
        return {"status": "ready", "position": rows.last_position()}
