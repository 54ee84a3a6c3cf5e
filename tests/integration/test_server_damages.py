"""A damaged PostgreSQL database: the doctor names it or shows that it harms nothing, as of a file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from ledger.audit import checkpoints
from ledger.intake.inbox import ingest, ingest_all
from ledger.policies.versions import adopt_policy
from ledger.store import postgres as recorder
from ledger.store.application import open_ledger
from services.sample.city import city
from tests.conftest import POLICY
from tests.events import Feed
from tests.integration.test_damages import COMMANDS, check_sentence, check_service, doctor, run
from tests.lengths import length_of
from tests.postgres import Server
from tests.server_damages import (
    Chart,
    ServerPatient,
    copy_data,
    damage_server,
    draw_chart,
    start_damaged,
)
from tests.table_damages import damage_tables

LANGUAGES = ("zh", "en")
READS, OTHERS = COMMANDS[:4], COMMANDS[4:]


class Ward(NamedTuple):
    """A server whose folder is put back before each damage, with two ledgers on it."""

    server: Server
    name: str
    other: str
    chart: Chart
    answers: dict[str, list[str]]
    """What a whole ledger answers, by language."""

    @property
    def whole(self) -> Path:
        """The folder as it was, with checksums."""
        return self.server.folder / "whole"

    @property
    def url(self) -> str:
        """The ledger."""
        return self.server.url(self.name)

    def admit(self, checksums: bool) -> ServerPatient:
        """A stopped server with whole files."""
        copy_data(self.whole, self.server.data)
        if not checksums:
            self.server.call("pg_checksums", "--disable", "-D", str(self.server.data))
        return ServerPatient(
            self.server.data,
            self.chart,
            self.server.data / self.other,
            self.server.folder / "earlier",
        )


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    server, key = Server("--data-checksums"), tmp_path_factory.mktemp("key") / "ledger.key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUBSIDY_LEDGER_SIGNING_KEY", str(key))
        patch.setattr(recorder, "POOL_SECONDS_MAX", 2)
        try:
            yield make_ward(server, key)
        finally:
            server.remove()


def make_ward(server: Server, key_file: Path) -> Ward:
    """Two ledgers of a sample city in databases whose files have the same names."""
    empty = server.create()
    open_ledger(server.url(empty)).close()
    name, other = server.create(empty), server.create(empty)
    for seed, each in enumerate((name, other), 1):
        with closing(open_ledger(server.url(each))) as ledger:
            adopt_policy(ledger, POLICY.read_text("utf-8"))
            for _ in ingest_all(ledger, city(20, seed), "tests", 500):
                pass
        with psycopg.connect(server.url(each), autocommit=True) as connection:
            connection.execute("VACUUM")
            connection.execute("CHECKPOINT")
    base = Path(draw_chart(server.url(name)).base)
    shutil.copytree(server.data / base, server.folder / "earlier")
    with closing(open_ledger(server.url(name))) as ledger:
        ingest(ledger, [Feed(1).shop("jd", "last", "2024-03-05")], "tests")
        checkpoints.current(ledger, checkpoints.load_or_make_key(key_file))
    chart, theirs = draw_chart(server.url(name)), draw_chart(server.url(other)).base
    server.stop()
    copy_data(server.data, server.folder / "whole")
    ward = Ward(server, name, theirs, chart, {})
    server.start()
    assert doctor(ward.url)[0] == []
    for language in LANGUAGES:
        ward.answers[language] = [run(ward.url, language, *words).output for words in READS]
    check_service(ward.url, [200])
    server.stop()
    return ward


@pytest.mark.parametrize("number", range(length_of("SUBSIDY_TEST_SERVER_DAMAGES")))
def test_damaged_files_of_a_server_are_named_or_harmless(ward: Ward, tmp_path: Path, number: int) -> None:
    patient = ward.admit(checksums=number % 3 == 2)
    done = damage_server(patient, number)
    start_damaged(ward.server)
    try:
        language = LANGUAGES[number % 2]
        meet(ward.url, language, ward.answers[language], tmp_path, done)
    finally:
        if ward.server.process is not None and ward.server.process.poll() is None:
            ward.server.kill()


def meet(url: str, language: str, answers: list[str], folder: Path, done: object) -> None:
    """Have the doctor, every read and a write meet a damage."""
    errors, findings = doctor(url)
    results = [run(url, language, *words) for words in (*READS, *OTHERS)]
    if not errors:
        assert [each.output for each in results[: len(READS)]] == answers, (done, findings)
    for result in results:
        check_sentence(result, language)
    facts = folder / "facts.ndjson"
    facts.write_bytes(
        b"\n".join((Feed(1).shop("jd", "last", "2024-03-05"), Feed(3).shop("jd", "new", "2024-03-05")))
    )
    taken = run(url, language, "ingest", str(facts), "--json")
    check_sentence(taken, language)
    if not errors:
        assert taken.exit_code == 0, (done, taken.output)
        counts = json.loads(taken.stdout)
        assert (counts["accepted"], counts["duplicate"]) == (1, 1), (done, counts)
    check_service(url)


@pytest.fixture(scope="module")
def clinic(ward: Ward) -> Server:
    """The ward's server with whole files, running."""
    ward.admit(checksums=True)
    ward.server.start()
    return ward.server


@pytest.mark.parametrize("number", range(length_of("SUBSIDY_TEST_SERVER_DAMAGES")))
def test_tables_altered_behind_the_ledgers_back_are_named_or_harmless(
    ward: Ward, clinic: Server, tmp_path: Path, number: int
) -> None:
    name = clinic.create(ward.name)
    try:
        done = damage_tables(clinic.url(name), number)
        language = LANGUAGES[number % 2]
        meet(clinic.url(name), language, ward.answers[language], tmp_path, done)
    finally:
        clinic.drop(name)
