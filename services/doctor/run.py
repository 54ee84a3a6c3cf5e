"""The doctor's round: what each part says, in a fixed order; what cannot be looked at is said too."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path

from ledger.intake.machine_keys import read_keys
from ledger.store.application import Ledger
from ledger.store.rows import Rows, StoreUnavailable
from services.doctor import broker, clock, configuration, contents, database, deliveries, keys
from services.doctor.findings import ERROR, LEVELS, Finding, Limits, ok
from services.doctor.given import check_topic
from services.runtime.metrics import PREFIX
from services.runtime.settings import Settings

log = logging.getLogger(__name__)


def examine(
    env: Mapping[str, str],
    address: str | None,
    now: datetime,
    limits: Limits | None = None,
    deep: bool = False,
    given: Sequence[str] = (),
) -> list[Finding]:
    """The findings of all checks, from the settings to closed years; an unreachable ledger is one of them.

    Args:
        address: the database, where the command line names one.
        deep: also hash every event again, and replay everything, however large the ledger is.
        given: files, folders or addresses with checkpoints that were given out.
    """
    bounds = limits or Limits()
    settings, findings = configuration.check(env, address)
    ledger, opening = database.open_database(settings.database, sys.maxsize if deep else bounds.pages_bytes)
    findings += opening
    if ledger is None:
        return [*findings, *_broker(env, settings, None, bounds)]
    try:
        for look in _looks(env, ledger, settings, now, bounds, given):
            findings += _attempt(ledger, look)
        findings += _attempt(ledger, partial(_whole, ledger, bounds, deep))
    finally:
        ledger.close()
    return list(dict.fromkeys(findings))


Look = Callable[[Rows], Iterable[Finding]]


def _looks(
    env: Mapping[str, str],
    ledger: Ledger,
    settings: Settings,
    now: datetime,
    limits: Limits,
    given: Sequence[str],
) -> Iterator[Look]:
    """What is looked at in an open ledger, in order."""
    key_file = Path(settings.signing_key_file)
    yield lambda rows: database.check(ledger, rows, limits)
    yield lambda rows: database.check_emptied(rows, key_file)
    yield lambda rows: clock.check(ledger, rows, now, limits)
    yield lambda rows: keys.check(rows, key_file)
    yield keys.check_publishers
    yield lambda rows: _identity(rows, settings)
    yield lambda rows: contents.check(ledger, rows, now, limits)
    yield lambda rows: deliveries.check(rows, settings, given, now)
    yield lambda rows: _broker(env, settings, rows, limits)


def _whole(ledger: Ledger, limits: Limits, deep: bool, rows: Rows) -> Iterable[Finding]:
    """Everything that is held, where it is little or was asked for."""
    return contents.check_deeply(ledger, rows) if deep or rows.last_position() <= limits.tail else ()


def _attempt(ledger: Ledger, look: Look) -> list[Finding]:
    """The findings of a look; what it cannot read is the last of them, and holds up no other look."""
    findings = list[Finding]()
    try:
        with ledger.store.reading() as rows:
            for finding in look(rows):
                findings.append(finding)
    except StoreUnavailable as fault:
        findings.append(database.store_finding(fault))
    except Exception as fault:
        log.debug("the doctor could not look at everything", exc_info=fault)
        findings.append(database.unreadable_finding(fault))
    return findings


def _identity(rows: Rows, settings: Settings) -> Iterable[Finding]:
    keys_in_use = sum(each.revoked_at is None for each in read_keys(rows))
    return keys.check_identity(settings.identity, keys_in_use)


def find_damage(address: str, now: datetime) -> Finding | None:
    """What is damaged in a database, once something failed that no caller can cause; ``None`` for nothing.

    A large ledger is looked at in samples, as the doctor does.
    """
    limits = Limits(disk_warning=0, disk_error=0)
    ledger, findings = database.open_database(address, limits.pages_bytes)
    if ledger is not None:
        with closing(ledger):
            findings += _attempt(ledger, lambda rows: database.check(ledger, rows, limits))
            findings += _attempt(ledger, lambda rows: contents.check(ledger, rows, now, limits))
            findings += _attempt(ledger, partial(_whole, ledger, limits, False))
    return next((finding for finding in findings if finding.level == ERROR), None)


def _broker(
    env: Mapping[str, str], settings: Settings, rows: Rows | None, limits: Limits
) -> Iterator[Finding]:
    if not broker.in_use(env, rows):
        yield ok("broker.away", "没有用到Kafka", "Kafka is not in use")
        return
    is_away = False
    for finding in broker.check(settings.kafka, rows, limits):
        is_away |= finding.check == "broker.away" and finding.level == ERROR
        yield finding
    if rows is not None and not is_away:
        yield from check_topic(rows, Path(settings.signing_key_file), settings.kafka)


def textfile(findings: list[Finding], now: datetime) -> str:
    """The findings for Prometheus, as the node exporter's textfile collector reads them."""
    worst: dict[str, int] = {}
    for finding in findings:
        worst[finding.check] = max(worst.get(finding.check, 0), LEVELS.index(finding.level))
    name = f"{PREFIX}doctor_level"
    lines = [f"# HELP {name} what the doctor found: 0 ok, 1 warning, 2 error", f"# TYPE {name} gauge"]
    lines += [f'{name}{{check="{check}"}} {level}' for check, level in sorted(worst.items())]
    ran = f"{PREFIX}doctor_run_timestamp_seconds"
    lines += [f"# HELP {ran} when it last ran", f"# TYPE {ran} gauge", f"{ran} {int(now.timestamp())}"]
    return "\n".join(lines) + "\n"
