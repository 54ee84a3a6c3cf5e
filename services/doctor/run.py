"""The doctor's round: what each part says, in a fixed order; what cannot be looked at is said too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from ledger.intake.machine_keys import read_keys
from ledger.store.application import Ledger
from ledger.store.rows import Rows, StoreUnavailable
from services.doctor import broker, clock, configuration, contents, database, deliveries, keys
from services.doctor.findings import ERROR, LEVELS, Finding, Limits, ok
from services.doctor.given import check_topic
from services.runtime.metrics import PREFIX
from services.runtime.settings import Settings


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
        deep: also hash every event again, and replay everything.
        given: files, folders or addresses with checkpoints that were given out.
    """
    bounds = limits or Limits()
    settings, findings = configuration.check(env, address)
    ledger, opening = database.open_database(settings.database)
    findings += opening
    if ledger is None:
        return [*findings, *_broker(env, settings, None, bounds)]
    try:
        findings += _of_ledger(env, ledger, settings, now, bounds, deep)
        with ledger.store.reading() as rows:
            findings += deliveries.check(rows, settings, given, now)
            if broker.in_use(env, rows) and not any(
                each.check == "broker.away" and each.level == ERROR for each in findings
            ):
                findings += check_topic(rows, Path(settings.signing_key_file), settings.kafka)
    except StoreUnavailable as fault:
        findings.append(database.store_finding(fault))
    finally:
        ledger.close()
    return findings


def _of_ledger(
    env: Mapping[str, str], ledger: Ledger, settings: Settings, now: datetime, limits: Limits, deep: bool
) -> list[Finding]:
    findings: list[Finding] = []
    with ledger.store.reading() as rows:
        findings += database.check(ledger, rows, limits)
        findings += database.check_emptied(rows, Path(settings.signing_key_file))
        findings += _broker(env, settings, rows, limits)
        findings += clock.check(ledger, rows, now, limits)
        findings += keys.check(rows, Path(settings.signing_key_file))
        findings += keys.check_publishers(rows)
        keys_in_use = sum(each.revoked_at is None for each in read_keys(rows))
        findings += keys.check_identity(settings.identity, keys_in_use)
        findings += contents.check(ledger, rows, now, limits)
        if deep:
            findings += contents.check_deeply(ledger, rows)
    return findings


def _broker(env: Mapping[str, str], settings: Settings, rows: Rows | None, limits: Limits) -> list[Finding]:
    if not broker.in_use(env, rows):
        return [ok("broker.away", "没有用到Kafka", "Kafka is not in use")]
    return list(broker.check(settings.kafka, rows, limits))


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
