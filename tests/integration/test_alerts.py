"""The alerts and the dashboard ask for what is measured; each alert is made to fire, and to clear again.

What a real service, consumer, publisher or doctor says is scraped, and laid before Prometheus'
own promtool as the past of a few minutes (or days); it then says which alerts fire.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from domain.events.event import NOBODY
from domain.events.instants import day_of, instant
from ledger.audit import checkpoints
from ledger.audit.clock import correct_clock
from ledger.intake.inbox import Totals, ingest
from ledger.policies.versions import adopt_policy, set_budget
from ledger.settlement import paying
from ledger.settlement.paying import Result
from ledger.store.append import track
from ledger.store.application import Ledger, open_ledger
from services.doctor.run import examine, textfile
from services.kafka.metrics import ConsumerMetrics, PublisherMetrics
from services.runtime.variables import PREFIX
from services.sample.city import city
from services.server.app import create_app
from tests import acknowledging
from tests.conftest import HERE, POLICY
from tests.events import CIXI
from tests.integration.bureau import Clock
from tests.integration.closings import FINANCE, OFFICER, list_and_close
from tests.programs import program, run

OPERATIONS = HERE.parent / "docs" / "operations"
RULES = OPERATIONS / "alerts.yaml"
NAMES = re.compile(r"\b(subsidy_[a-z_]+|up)\b")
AWAY = {"batches": "elsewhere", "schema_version": "nowhere", "refused": "gone"}
"""Tables without which no reader gets anywhere, and what they are called meanwhile."""
Past = list[tuple[int, str]]
"""Minutes, and what was scraped in each of them."""


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


class City:
    """A small city's ledger and its service."""

    def __init__(self, folder: Path) -> None:
        self.file, self.key, self.clock = folder / "ledger.db", folder / "signing.key", Clock()
        self.ledger: Ledger = open_ledger(str(self.file), clock=self.clock)
        adopt_policy(self.ledger, POLICY.read_text("utf-8"))
        set_budget(self.ledger, CIXI, "2024", 10_000_000_000_00)
        wanted = [each for each in city(40, seed=3) if b'"specversion"' in each]
        ingest(self.ledger, wanted, "tests")
        with self.ledger.store.writing() as rows:
            rows.run("UPDATE refused SET resolved='dismissed'")
        self.sign()
        self.app = create_app(self.ledger)
        self.client: FlaskClient = self.app.test_client()

    def sign(self) -> None:
        """Sign for everything so far."""
        checkpoints.current(self.ledger, checkpoints.load_or_make_key(self.key))

    def scrape(self) -> str:
        """What the service says."""
        text = self.client.get("/metrics").data.decode()
        # The machine that runs the tests may have a small disk.
        text = re.sub(r"(?m)^(subsidy_disk_free_bytes) .*$", r"\1 5e+11", text)
        return re.sub(r"(?m)^(subsidy_last_recorded_timestamp_seconds) (.*)$", self._since_now, text)

    def _since_now(self, gauge: re.Match[str]) -> str:
        """A moment as promtool has it, whose present begins at 0."""
        return f"{gauge[1]} {float(gauge[2]) - self.clock().timestamp()}"

    def break_(self) -> None:
        """As far as a reader can tell, the database is away."""
        self._rename(AWAY)

    def mend(self) -> None:
        """It is back."""
        self._rename({away: name for name, away in AWAY.items()})

    def _rename(self, names: dict[str, str]) -> None:
        with self.ledger.store.writing() as rows:
            for before, after in names.items():
                rows.run(f"ALTER TABLE {before} RENAME TO {after}")

    def write(self, sql: str) -> None:
        """Write to the database behind the ledger's back."""
        with self.ledger.store.writing() as rows:
            rows.run(sql)

    def doctor(self, minutes: int = 0) -> str:
        """What the doctor says for Prometheus, at that many minutes of the past."""
        env = {f"{PREFIX}DATABASE": str(self.file), f"{PREFIX}SIGNING_KEY": str(self.key)}
        return textfile(examine(env, None, self.clock()), datetime.fromtimestamp(60 * minutes, UTC))


def said(registry: CollectorRegistry) -> str:
    return generate_latest(registry).decode()


# --- what makes each alert fire, and what ends it ---------------------------------------------------


def database_down(city: City) -> Past:
    city.break_()
    return [(5, city.scrape())]


def database_back(city: City) -> Past:
    city.mend()
    return [(5, city.scrape())]


def process_down(_: City) -> Past:
    return [(5, 'up{job="subsidy-consumer"} 0\n')]


def process_started(_: City) -> Past:
    return [(5, 'up{job="subsidy-consumer"} 1\n')]


def consumer_behind(_: City) -> Past:
    metrics, past = ConsumerMetrics(), Past()
    for lag in range(0, 40_000, 1_000):
        metrics.lags({("subsidy.events", 0): lag, ("subsidy.events", 1): 10})
        past.append((1, said(metrics.registry)))
    return past


def consumer_catches_up(_: City) -> Past:
    metrics = ConsumerMetrics()
    metrics.lags({("subsidy.events", 0): 30_000, ("subsidy.events", 1): 0})
    return [(11, said(metrics.registry))]


def consumer_holds(_: City) -> Past:
    metrics = ConsumerMetrics()
    metrics.held.set(2)
    return [(5, said(metrics.registry))]


def consumer_goes_on(_: City) -> Past:
    return [(5, said(ConsumerMetrics().registry))]


def streams_fail(_: City) -> Past:
    consumer, publisher, past = ConsumerMetrics(), PublisherMetrics(), Past()
    for _minute in range(30):
        consumer.failures.labels("broker").inc(5)
        publisher.failures.inc()
        past.append((1, said(consumer.registry) + said(publisher.registry)))
    return past


def streams_answered(_: City) -> Past:
    return [(12, said(ConsumerMetrics().registry) + said(PublisherMetrics().registry))]


def message_refused(city: City) -> Past:
    ingest(city.ledger, [b"{}"], "tests")
    return [(70, city.scrape())]


def message_settled(city: City) -> Past:
    city.write("UPDATE refused SET resolved='dismissed'")
    return [(5, city.scrape())]


def budget_small(city: City) -> Past:
    set_budget(city.ledger, CIXI, "2024", 1_000_00)
    city.sign()
    return [(5, city.scrape())]


def list_proposed(city: City) -> Past:
    acknowledging.propose(city.ledger, CIXI, 2024, OFFICER)
    city.sign()
    text = city.scrape()
    assert f'subsidy_headroom_fen{{policy="{CIXI}",year="2024"}} 0.0' in text
    return [(5, text)]


def outbox_behind(city: City) -> Past:
    with city.ledger.store.writing() as rows:
        track(rows, "outbox", 1)
    metrics = PublisherMetrics()
    metrics.lag.set(5_000)
    assert "subsidy_outbox_lag " in city.scrape()
    return [(15, said(metrics.registry))]


def outbox_published(_: City) -> Past:
    return [(5, said(PublisherMetrics().registry))]


def unsigned(city: City) -> Past:
    ingest(city.ledger, list(city_of_one()), "tests")
    city.clock.pass_(days=2)
    return [(5, city.scrape())]


def signed(city: City) -> Past:
    city.sign()
    return [(5, city.scrape())]


def city_of_one() -> list[bytes]:
    return list(city(1, seed=99))


def requests_fail(city: City) -> Past:
    past = [(1, city.scrape())]
    city.break_()
    for _ in range(15):
        assert city.client.get("/health/ready").status_code == 503
        past.append((1, city.scrape()))
    return past


def requests_answered(city: City) -> Past:
    city.mend()
    past = Past()
    for _ in range(8):
        assert city.client.get("/health/ready").status_code == 200
        past.append((1, city.scrape()))
    return past


def requests_slow(city: City) -> Past:
    past = Past()
    for _ in range(25):
        city.app.extensions["subsidy-metrics"][1].seconds.labels("years.budget").observe(3)
        past.append((1, city.scrape()))
    return past


def requests_quick(city: City) -> Past:
    past = Past()
    for _ in range(8):
        city.app.extensions["subsidy-metrics"][1].seconds.labels("years.budget").observe(0.01)
        past.append((1, city.scrape()))
    return past


def payments_unanswered(city: City) -> Past:
    list_and_close(city.ledger, city.clock, 2024)
    acknowledging.order_payments(city.ledger, CIXI, 2024, FINANCE)
    city.sign()
    city.clock.pass_(days=11)
    return [(5, city.scrape())]


def payments_answered(city: City) -> Past:
    with city.ledger.store.reading() as rows:
        ordered = rows.all("SELECT payment, amount FROM payments WHERE policy=? AND year=?", [CIXI, 2024])
    day = city.clock().date().isoformat()
    results = [Result(payment, "made", amount, day, payment) for payment, amount in ordered]
    paying.record_results(city.ledger, CIXI, 2024, FINANCE, results)
    city.sign()
    return [(5, city.scrape())]


def disk_filling(city: City) -> Past:
    return [(10, city.scrape().replace("5e+11", "1e+09"))]


def disk_enlarged(city: City) -> Past:
    return [(5, city.scrape())]


def balance_altered(city: City) -> Past:
    city.write("UPDATE balances SET eligible=eligible+1")
    return [(5, city.doctor())]


def balance_restored(city: City) -> Past:
    city.write("UPDATE balances SET eligible=eligible-1")
    return [(5, city.doctor())]


def key_lost(city: City) -> Past:
    city.key.rename(city.key.with_suffix(".offline"))
    return [(5, city.doctor())]


def key_put_back(city: City) -> Past:
    city.key.with_suffix(".offline").rename(city.key)
    return [(5, city.doctor())]


def doctor_silent(city: City) -> Past:
    return [(50 * 60, _last_run(city.doctor()))]


def doctor_run(city: City) -> Past:
    return [(5, _last_run(city.doctor(50 * 60)))]


def _last_run(said_by_doctor: str) -> str:
    """When it ran, alone: fifty hours of all that it says would take promtool half a minute."""
    return "".join(line for line in said_by_doctor.splitlines(True) if "run_timestamp" in line)


def backup_said(folder: Path, minute: int) -> str:
    """What the unit of a backup leaves for the node exporter, at a minute of the past."""
    unit = (OPERATIONS / "systemd" / "subsidy-backup@.service").read_text("utf-8")
    (script,) = re.findall(r"^ExecStartPost=\+-/bin/sh -c '(.*)'$", unit, re.MULTILINE)
    script = script.replace("%%", "%").replace("$$", "$")
    subprocess.run(["sh", "-c", script.replace("/var/lib/prometheus/node-exporter", str(folder))], check=True)
    text = (folder / "subsidy-backup.prom").read_text("utf-8")
    return re.sub(r" \d+$", f" {60 * minute}", text.strip()) + "\n"


def backup_old(city: City) -> Past:
    return [(50 * 60, backup_said(city.file.parent, 0))]


def backup_completed(city: City) -> Past:
    return [(5, backup_said(city.file.parent, 50 * 60))]


def no_backup_ever(city: City) -> Past:
    """The node exporter tells for two days, and of no backup."""
    return [(50 * 60, 'up{job="node"} 1\n')]


def first_backup(city: City) -> Past:
    return [(8, 'up{job="node"} 1\n' + backup_said(city.file.parent, 50 * 60))]


class Case(NamedTuple):
    """What makes an alert fire, and what an operator does about it."""

    fire: Callable[[City], Past]
    clear: Callable[[City], Past]


def clock_ahead(city: City) -> Past:
    city.clock.pass_(days=1_200)
    set_budget(city.ledger, CIXI, "2025", 1_00)
    city.clock.pass_(days=-1_200)
    return [(5, city.scrape())]


def clock_corrected(city: City) -> Past:
    correct_clock(city.ledger, NOBODY, "root", day_of(instant(city.clock())), "the battery died")
    return [(5, city.scrape())]


CASES: dict[str, Case] = {
    "DatabaseDown": Case(database_down, database_back),
    "ProcessDown": Case(process_down, process_started),
    "ConsumerLagGrowing": Case(consumer_behind, consumer_catches_up),
    "ConsumerHolding": Case(consumer_holds, consumer_goes_on),
    "StreamsFailing": Case(streams_fail, streams_answered),
    "RefusedWaiting": Case(message_refused, message_settled),
    "HeadroomExhausted": Case(budget_small, list_proposed),
    "OutboxLag": Case(outbox_behind, outbox_published),
    "NoCheckpoint": Case(unsigned, signed),
    "RecordedAhead": Case(clock_ahead, clock_corrected),
    "ErrorRate": Case(requests_fail, requests_answered),
    "SlowRequests": Case(requests_slow, requests_quick),
    "PaymentsUnanswered": Case(payments_unanswered, payments_answered),
    "DiskFilling": Case(disk_filling, disk_enlarged),
    "ReplayDifference": Case(balance_altered, balance_restored),
    "DoctorError": Case(key_lost, key_put_back),
    "DoctorSilent": Case(doctor_silent, doctor_run),
    "BackupOld": Case(backup_old, backup_completed),
}


def check_alerts(past: Past, folder: Path, expected: dict[int, str]) -> None:
    """Have promtool say which alert fires at a minute of a past; '' that none does, '-X' that X does not."""
    series: dict[str, list[str]] = {}
    done = 0
    for minutes, text in past:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = ",".join(
                    f"{name}={json.dumps(value)}" for name, value in sorted(sample.labels.items())
                )
                values = series.setdefault(f"{sample.name}{{{labels}}}", ["_"] * done)
                values += [repr(float(sample.value))] * minutes
        done += minutes
        for values in series.values():  # what is told no more is stale at once
            values += ["stale"] * min(1, done - len(values)) + ["_"] * (done - len(values) - 1)
    document = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m" if done < 1_000 else "4m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": " ".join(v)} for name, v in series.items()],
                "promql_expr_test": [_asked(minute, alert) for minute, alert in expected.items()],
            }
        ],
    }
    file = folder / "test.yaml"
    file.write_text(json.dumps(document), "utf-8")  # JSON is YAML
    run(promtool(), "test", "rules", str(file))


def _asked(minute: int, alert: str) -> dict[str, Any]:
    which = f',alertname="{alert.removeprefix("-")}"' if alert else ""
    fires = bool(alert) and not alert.startswith("-")
    return {
        "expr": f'count(ALERTS{{alertstate="firing"{which}}}) > bool 0',
        "eval_time": f"{minute}m",
        "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
    }


def minutes_of(past: Past) -> int:
    return sum(minutes for minutes, _ in past)


def promtool() -> str:
    return program("promtool", "apt-get install prometheus")


@pytest.fixture
def small_city(tmp_path: Path) -> City:
    return City(tmp_path)


@pytest.mark.parametrize("alert", CASES)
def test_each_alert_fires_and_clears(alert: str, small_city: City, tmp_path: Path) -> None:
    with closing(small_city.ledger):
        fired = CASES[alert].fire(small_city)
        past = [*fired, *CASES[alert].clear(small_city)]
        minutes = {minutes_of(fired) - 1: alert, minutes_of(past) - 1: f"-{alert}"}
        check_alerts(past, tmp_path, minutes)


def test_no_backup_at_all_is_told_after_two_days_and_not_before(small_city: City, tmp_path: Path) -> None:
    with closing(small_city.ledger):
        never = no_backup_ever(small_city)
        past = [*never, *first_backup(small_city)]
        minutes = {60: "-BackupOld", 47 * 60: "-BackupOld", 50 * 60 - 1: "BackupOld"}
        check_alerts(past, tmp_path, {**minutes, minutes_of(past) - 1: "-BackupOld"})


def test_a_budget_that_is_raised_ends_the_alert_too(small_city: City, tmp_path: Path) -> None:
    with closing(small_city.ledger):
        past = budget_small(small_city)
        set_budget(small_city.ledger, CIXI, "2024", 10_000_000_000_00)
        past.append((5, small_city.scrape()))
        check_alerts(past, tmp_path, {4: "HeadroomExhausted", 9: "-HeadroomExhausted"})


def test_the_disk_of_a_server_is_watched_by_the_node_exporter(small_city: City, tmp_path: Path) -> None:
    """The service sees only the disk of a file; of PostgreSQL's machine the node exporter tells."""
    line = 'node_filesystem_avail_bytes{{device="/dev/vda",mountpoint="{}"}} {}\n'
    others = line.format("/run", 1e6)
    past = [(10, line.format("/var/lib", 1e9) + others), (5, line.format("/var/lib", 5e11) + others)]

    with closing(small_city.ledger):
        check_alerts(past, tmp_path, {9: "DiskFilling", 14: "-DiskFilling"})


def test_none_fires_while_all_is_well(small_city: City, tmp_path: Path) -> None:
    consumer, publisher = ConsumerMetrics(), PublisherMetrics()
    consumer.lags({("subsidy.events", 0): 0})
    well = "".join([small_city.scrape(), said(consumer.registry), small_city.doctor()])
    well += "\n".join(line for line in said(publisher.registry).splitlines()) + "\n"
    with closing(small_city.ledger):
        check_alerts([(60, well + 'up{job="node"} 1\n')], tmp_path, {59: ""})


def test_every_alert_has_its_case_its_severity_and_its_runbook() -> None:
    anchors = set(re.findall(r'<a id="([a-z-]+)">', (OPERATIONS / "runbooks.md").read_text("utf-8")))

    assert [rule["alert"] for rule in rules()] == list(CASES)
    for rule in rules():
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert {"summary", "summary_zh", "runbook"} == set(rule["annotations"])
        assert rule["annotations"]["runbook"].partition("#")[2] in anchors, rule["alert"]


def test_promtool_takes_the_rules() -> None:
    assert f"{len(CASES)} rules found" in run(promtool(), "check", "rules", str(RULES))


def test_alerts_and_panels_ask_for_nothing_that_is_not_measured(small_city: City) -> None:
    with small_city.ledger.store.writing() as rows:
        track(rows, "outbox", 1)
    small_city.app.extensions["subsidy-metrics"][1].refused.labels("token.expired").inc()
    small_city.client.get("/health/live")
    consumer = ConsumerMetrics()
    consumer.lags({("subsidy.events", 0): 0})
    consumer.took(Totals(accepted=1))
    texts = [small_city.scrape(), said(consumer.registry), said(PublisherMetrics().registry)]
    texts += [small_city.doctor(), backup_said(small_city.file.parent, 0)]
    measured = {
        sample.name
        for text in texts
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    dashboard = json.loads((OPERATIONS / "dashboard.json").read_text("utf-8"))
    asked = [rule["expr"] for rule in rules()]
    asked += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    small_city.ledger.close()

    assert {name for expr in asked for name in NAMES.findall(expr)} - measured == {"up"}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
