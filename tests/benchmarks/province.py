"""A province's year on Spark with two workers gives the same fen as the service in its own process.

Run it by ``bash .ci/scale``, which installs requirements-bench.lock.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from domain.money.amounts import parse_fen
from domain.policy.changes import Changes
from ledger.budget.pools import lines_of
from ledger.export import columnar
from ledger.export.books import books_of
from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy, rulebook
from ledger.projections.enterprises import every_row
from ledger.store.application import open_ledger
from ledger.store.moments import NOW
from services.sample.city import city
from tests.answers import what_if
from tests.events import CIXI, CIXI_TEXT

READINGS = {"dtc-units": "pro-rata", "brand-tiers": "each-in-full", "warehouses": "difference"}
YEAR = 2024


@pytest.mark.slow
def test_the_sample_city_comes_out_the_same_on_two_workers(tmp_path: Path) -> None:
    from services.scale.spark import province, session  # PySpark is in requirements-bench.lock only

    ledger = open_ledger(str(tmp_path / "city.db"))
    adopt_policy(ledger, CIXI_TEXT)
    for _ in ingest_all(ledger, city(), "tests"):
        pass
    with ledger.store.reading() as rows:
        count = columnar.write_events(tmp_path / "events.parquet", books_of(ledger, rows, CIXI, YEAR, NOW))
        books = [rulebook(rows, CIXI), rulebook(rows, CIXI, changes=Changes(READINGS, {}))]
        tried = what_if(ledger, rows, CIXI, YEAR, READINGS)
        one_by_one = sorted(
            (number, *line[:5])  # which pot pays a line is said where it is settled
            for row in every_row(rows)
            for number, book in enumerate(books)
            for line in lines_of(row.code, book, row.facts)
        )
    spark = session("local[2]", 4)
    try:
        paths, budget = [str(tmp_path / "events.parquet")], books[0].of_year(YEAR).budget
        found = province(spark, paths, tmp_path / "awards", books, YEAR, budget, 4)
    finally:
        spark.stop()
        ledger.close()

    assert found["audit"] == {"events": count, "first": 1, "last": count, "whole": True}
    now, then = found["years"]
    for year, state in ((now, tried["before"]), (then, tried["after"])):
        assert year["sharing"] == parse_fen(state["sharing"])
        assert year["payable"] == parse_fen(state["payable"])
        assert year["factor"] == state["factor"]["fraction"]
    spread = sorted(tuple(row.values()) for row in pq.read_table(tmp_path / "awards").to_pylist())
    assert spread == one_by_one
