"""The compose file and the image, as far as a machine without a container engine can tell.

The file is held to the Compose Specification's schema and to our own rules; the image's steps
are run by hand in a clean folder; the services' commands run as processes with the file's own
environment, on the tests' broker and database.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml
from jsonschema import Draft201909Validator

from domain.log.notes import VerifierKey, open_checkpoint
from services.runtime.settings import Settings
from services.runtime.variables import PREFIX, VARIABLES
from tests.brokers import KafkaCluster
from tests.conftest import HERE, POLICY
from tests.e2e.processes import produce, wait_until
from tests.e2e.test_kafka import CODE, POLICY_ID, YEAR, message
from tests.postgres import Server
from tests.processes import Ports
from tests.programs import program, run

ROOT = HERE.parent
OURS = ("migrate", "api", "consumer", "publisher")
SERVERS = ("kafka", "postgres", "api", "consumer", "publisher")
ONCE = ("topics", "archive", "migrate")
SCHEDULED = ("backup",)
MONITORING = ("prometheus", "alertmanager", "grafana", "node-exporter")
"""What the profile of that name adds."""
PLACES = (
    "DATABASE",
    "SIGNING_KEY",
    "SHEETS",
    "HOST",
    "PORT",
    "HEALTH_PORT",
    "METRICS_HOST",
    "METRICS_PORT",
    "KAFKA_BROKERS",
)
"""Settings that say where things lie inside the containers: the file fixes them."""
SERVICE = ("HOST", "HOSTS", "PORT", "HEALTH_PORT", "WORKERS", "STALL_SECONDS", "ALLOW_OPEN")
"""Settings of the service alone."""
TOPICS = ("KAFKA_TOPIC", "KAFKA_DEAD_LETTERS", "KAFKA_PUBLISHED", "KAFKA_CHECKPOINTS")
"""Topics, which the file makes."""
OPERATIONS = ROOT / "docs" / "operations"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> Document:
    """The file, as YAML reads it."""
    found = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def test_it_is_a_compose_file(compose: Document) -> None:
    schema = json.loads((HERE / "data" / "compose" / "compose-spec.json").read_text("utf-8"))
    check = Draft201909Validator(schema)

    assert [error.message for error in check.iter_errors(compose)] == []
    assert list(check.iter_errors({**compose, "services": {"api": {"portz": []}}}))


def test_every_image_has_its_version_and_mirrors_are_arguments(compose: Document) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    arguments = dict(re.findall(r"^ARG ([A-Z_]+_IMAGE)=(\S+)$", dockerfile, re.MULTILINE))
    pulled = images_of(compose)
    images = {image for _, image in pulled} | set(arguments.values())
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", dockerfile, re.MULTILINE)
    built = {each["image"] for each in compose["services"].values() if "build" in each}
    mirrors = [set(each["build"]["args"]) for each in compose["services"].values() if "build" in each]

    assert [
        i for i in images if not re.fullmatch(r"[a-z/-]+:v?[0-9]+\.[0-9]+(\.[0-9]+)?(-[a-z-]+)?", i)
    ] == []
    assert all(arguments.get(name, image) == image for name, image in pulled)
    assert {each["image"] for each in compose["services"].values() if "$" not in each["image"]} == built
    assert {base for base, _ in stages} == {*(f"${{{name}}}" for name in arguments), "service"}
    assert [name for _, name in stages] == ["build", "database", "service", "office", ""]
    assert built == {"subsidy-ledger:0.1.0", "subsidy-ledger-postgres:15.14"}
    assert mirrors == [{*arguments, "DEBIAN_MIRROR", "PIP_INDEX_URL"}] * len(mirrors)
    assert set(re.findall(r"^ARG ([A-Z_]+)", dockerfile, re.MULTILINE)) == mirrors[0]


def images_of(compose: Document) -> set[tuple[str, str]]:
    """The images that are pulled: under which name .env may name each, and which it is otherwise."""
    named = (
        re.fullmatch(r"\$\{([A-Z_]+_IMAGE):-(.+)\}", each["image"]) for each in compose["services"].values()
    )
    return {(match[1], match[2]) for match in named if match}


def test_every_image_from_elsewhere_is_pinned_by_its_digest(compose: Document, tmp_path: Path) -> None:
    """As the registry tells it, which a stand-in for the program that asks it does here."""
    asked = tmp_path / "docker"
    asked.write_text('#!/bin/sh\necho "sha256:$(printf %s "$6" | sha256sum | cut -d " " -f 1)"\n', "utf-8")
    asked.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    pin = [OPERATIONS / "compose" / "pin-images"]

    told = subprocess.run(pin, env=environment, capture_output=True, text=True, check=True, timeout=60)

    pinned = [line.partition("=") for line in told.stdout.splitlines()]
    expected = images_of(compose) | {("PYTHON_IMAGE", "python:3.11.13-slim-bookworm")}
    assert {(name, image.partition("@sha256:")[0]) for name, _, image in pinned} == expected
    assert all(re.fullmatch(r"[^@]+@sha256:[0-9a-f]{64}", image) for _, _, image in pinned)
    asked.write_text("#!/bin/sh\necho no registry >&2\n", "utf-8")
    failed = subprocess.run(pin, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (failed.returncode, failed.stdout) == (1, "")


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_passed(compose: Document, name: str) -> None:
    """As .env or the shell has it, and otherwise by the program's own default or the file's."""
    environment = compose["services"][name]["environment"]
    of_the_service = set(SERVICE) if name != "api" else set()
    settings = {variable.name: variable.default for variable in VARIABLES}
    expected = settings.keys() - {PREFIX + each for each in of_the_service}

    assert {key for key in environment if key.startswith(PREFIX)} == expected
    for key in expected - {PREFIX + each for each in (*PLACES, *TOPICS)}:
        value = environment[key]
        assert value is None or f"${{{key}:-" in value, key
    given = dict.fromkeys(expected, "given")
    passed = {key for key, value in interpolate(environment, given).items() if "given" in value}
    assert passed == expected - {PREFIX + each for each in (*PLACES, *TOPICS)}
    Settings.from_env(interpolate(environment, {"POSTGRES_PASSWORD": "x"}))


def interpolate(environment: Document, given: dict[str, str]) -> dict[str, str]:
    """An environment as docker compose passes it: what has no value comes from outside, or is not set."""

    def fill(match: re.Match[str]) -> str:
        name, default = match.groups()
        return given.get(name) or default or ""

    values = {name: given.get(name) if value is None else value for name, value in environment.items()}
    pattern = re.compile(r"\$\{([A-Z_]+)(?::-([^}]*)|:\?[^}]*)?\}")
    return {name: pattern.sub(fill, value) for name, value in values.items() if value is not None}


def test_logs_are_rotated(compose: Document) -> None:
    for name, service in compose["services"].items():
        assert service["logging"] == {
            "driver": "json-file",
            "options": {"max-size": "10m", "max-file": "5"},
        }, name


def test_what_is_monitored_answers_where_prometheus_asks(compose: Document) -> None:
    services = compose["services"]
    document = yaml.safe_load((OPERATIONS / "compose" / "prometheus.yml").read_text("utf-8"))
    jobs = {job["job_name"]: job for job in document["scrape_configs"]}
    port = services["consumer"]["environment"][f"{PREFIX}METRICS_PORT"]
    names = interpolate(services["api"]["environment"], {})[f"{PREFIX}HOSTS"].split(",")

    assert {name for name, each in services.items() if each.get("profiles") == ["monitoring"]} == {
        *MONITORING
    }
    assert jobs["subsidy-api"]["static_configs"] == [{"targets": ["api:8080"]}]
    assert "api" in names
    assert jobs["subsidy-consumer"]["dns_sd_configs"] == [
        {"names": ["consumer"], "type": "A", "port": int(port)}
    ]
    assert jobs["subsidy-publisher"]["static_configs"] == [{"targets": [f"publisher:{port}"]}]
    assert document["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]
    assert jobs["node"]["static_configs"] == [{"targets": ["node-exporter:9100"]}]
    mounted = [volume.split(":")[0] for name in MONITORING for volume in services[name]["volumes"]]
    assert all((ROOT / each).exists() for each in mounted if each.startswith("./docs"))


def test_prometheus_and_alertmanager_take_their_configurations(tmp_path: Path) -> None:
    for file in ("prometheus.yml", "compose/prometheus.yml"):
        text = (OPERATIONS / file).read_text("utf-8")
        config = tmp_path / "prometheus.yml"
        rules = str(OPERATIONS / "alerts.yaml")
        config.write_text(re.sub(r"(?m)^rule_files: .*$", f"rule_files: [{rules}]", text), "utf-8")
        assert "SUCCESS" in run(program("promtool"), "check", "config", str(config))
    # amtool is of another package; the names of receivers and the matchers are what can go wrong.
    routes = yaml.safe_load((OPERATIONS / "alertmanager.yml").read_text("utf-8"))
    receivers = {each["name"] for each in routes["receivers"]}
    assert {
        routes["route"]["receiver"],
        *(each["receiver"] for each in routes["route"]["routes"]),
    } == receivers


def test_the_broker_is_the_one_that_the_tests_run_on(compose: Document) -> None:
    (tested,) = re.findall(
        r"<artifactId>kafka-tools</artifactId><version>([^<]+)<",
        (HERE / "kafka" / "pom.xml").read_text("utf-8"),
    )

    assert ("KAFKA_IMAGE", f"apache/kafka:{tested}") in images_of(compose)
    assert compose["services"]["kafka"]["image"] == compose["services"]["topics"]["image"]


def test_what_serves_has_a_health_check_and_comes_back(compose: Document) -> None:
    for name in SERVERS:
        service = compose["services"][name]
        assert set(service["healthcheck"]) >= {"test", "interval", "timeout", "retries"}, name
        assert service["restart"] == "unless-stopped", name
    for name in ONCE:
        assert compose["services"][name]["restart"] == "no", name
    for name in SCHEDULED:
        assert compose["services"][name]["restart"] == "unless-stopped", name
    assert set(compose["services"]) == {*SERVERS, *ONCE, *SCHEDULED, *MONITORING}


def test_nothing_runs_as_root_but_the_one_that_gives_a_folder_away(compose: Document) -> None:
    for name, service in compose["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"].startswith("0:") == (name == "archive"), name
        assert service.get("read_only") == (None if name in ("kafka", "topics") else True), name
    assert compose["services"]["archive"]["cap_add"] == ["CHOWN"]
    assert compose["services"]["archive"]["network_mode"] == "none"
    users = re.findall(r"^USER (.+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert users == ["999:999", "10001:10001", "0:0", "10001:10001"]


def test_ports_are_published_on_this_machine_alone(compose: Document) -> None:
    ports = [port for each in compose["services"].values() for port in each.get("ports", ())]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_must_last_is_on_volumes(compose: Document) -> None:
    used = {
        v.split(":")[0]: v.split(":")[1]
        for s in compose["services"].values()
        for v in s.get("volumes", ())
        if not v.startswith((".", "$"))
    }

    named = {"kafka-data", "postgres-data", "postgres-backup", "postgres-socket", "signing-key", "sheets"}
    monitoring = {"measurements", *(f"{each}-data" for each in MONITORING if each != "node-exporter")}
    assert set(used) == set(compose["volumes"]) == named | monitoring
    services = compose["services"]
    folder = used["measurements"]
    assert f"--collector.textfile.directory={folder}" in services["node-exporter"]["command"]
    assert services["archive"]["entrypoint"][2:] == [used["postgres-backup"], folder]
    key_folder = services["publisher"]["volumes"][0]
    assert key_folder in services["api"]["volumes"]
    # Every process that appends holds its appends against what the key signed last.
    assert f"{key_folder}:ro" in services["consumer"]["volumes"]
    assert services["postgres"]["environment"]["PGBACKREST_REPO1_PATH"] == used["postgres-backup"]
    assert services["postgres"]["environment"]["PGBACKREST_PG1_PATH"] == used["postgres-data"]
    backup, database = services["backup"], services["postgres"]
    assert backup["environment"].items() <= database["environment"].items()
    assert {v.removesuffix(":ro") for v in backup["volumes"]} >= set(database["volumes"])
    schedule = backup["volumes"][-1].split(":")
    assert os.access(ROOT / schedule[0], os.X_OK)
    assert schedule[1].endswith("/" + backup["entrypoint"][0])
    assert services["api"]["environment"]["SUBSIDY_LEDGER_SHEETS"] == used["sheets"]
    key = compose["services"]["api"]["environment"]["SUBSIDY_LEDGER_SIGNING_KEY"]
    assert key == compose["services"]["publisher"]["environment"]["SUBSIDY_LEDGER_SIGNING_KEY"]
    assert key.startswith(used["signing-key"] + "/")
    assert compose["services"]["kafka"]["environment"]["KAFKA_LOG_DIRS"] == used["kafka-data"]
    command = compose["services"]["postgres"]["command"]
    assert {"fsync=on", "synchronous_commit=on", "full_page_writes=on", "archive_mode=on"} <= set(command)


def test_each_waits_for_what_it_needs(compose: Document) -> None:
    done, well = {"condition": "service_completed_successfully"}, {"condition": "service_healthy"}
    needs = {name: each.get("depends_on", {}) for name, each in compose["services"].items()}

    assert needs["postgres"] == {"archive": done}
    assert needs["topics"] == {"kafka": well}
    assert needs["backup"] == {"postgres": well}
    assert needs["migrate"] == {"postgres": well}
    assert needs["api"] == {"migrate": done, "postgres": well}
    everything = {"migrate": done, "topics": done, "postgres": well, "kafka": well}
    assert needs["consumer"] == needs["publisher"] == everything


def test_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")

    assert all(value.startswith("${POSTGRES_PASSWORD:?") for value in re.findall(r"PASSWORD: (.+)", text))
    assert re.search(r"^POSTGRES_PASSWORD=$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
    assert ".env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "://ledger@" in text


def test_the_topics_are_those_that_the_services_use(compose: Document) -> None:
    (script,) = compose["services"]["topics"]["command"]
    made = re.findall(r"--topic (\S+)", script)
    environment = compose["services"]["consumer"]["environment"]

    assert sorted(made) == sorted(
        environment[f"SUBSIDY_LEDGER_KAFKA_{name}"]
        for name in ("TOPIC", "DEAD_LETTERS", "PUBLISHED", "CHECKPOINTS")
    )


# --- the same commands, with the same environment -------------------------------------------------


class Composed:
    """The services of the compose file as processes on the tests' servers."""

    def __init__(self, compose: Document, broker: str, database: str, port: int, key: Path) -> None:
        self.compose, self.port = compose, port
        self.places = {
            "kafka:9092": broker,
            "postgresql://ledger@postgres:5432/ledger": database,
            "/keys/subsidy-ledger.key": str(key),
            "/sheets": str(key.with_name("sheets")),
            "0.0.0.0": "127.0.0.1",
            "8080": str(port),
            # The services of the tests share this machine's ports.
            "9108": "0",
            "8081": "0",
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def environment(self, name: str) -> dict[str, str]:
        """The service's own, with other hosts; nothing of ours beside it."""
        given = interpolate(
            self.compose["services"][name]["environment"], {"POSTGRES_PASSWORD": "a password"}
        )
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        return {**kept, **{key: self.places.get(value, value) for key, value in given.items()}}

    def start(self, name: str, *instead: str) -> subprocess.Popen[bytes]:
        """Start a service, or another command in its place."""
        command = list(instead) or self.compose["services"][name]["command"]
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", *command],
            env=self.environment(name),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        self.running.append(process)
        return process

    def ask(self, path: str) -> Document | None:
        """What the API answers, if it does."""
        with suppress(URLError, ConnectionError), urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
            found = json.load(answer)
            assert isinstance(found, dict)
            return found
        return None

    def end(self) -> None:
        """Kill whatever still runs."""
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def composed(compose: Document, kafka: KafkaCluster, postgres: Server, tmp_path: Path) -> Iterator[Composed]:
    """The system on an empty database, its topics made as the file says."""
    ports = Ports()
    database = postgres.create()
    key = tmp_path / "subsidy-ledger.key"
    found = Composed(compose, kafka.bootstrap, postgres.url(database), ports.take(), key)
    (script,) = compose["services"]["topics"]["command"]
    for topic, partitions in re.findall(r"--topic (\S+) --partitions (\d+)", script):
        kafka.create_topic(topic, int(partitions))
    yield found
    found.end()
    postgres.drop(database)
    ports.release()


def test_the_services_of_the_file_work_together(composed: Composed, kafka: KafkaCluster) -> None:
    """Migrate, adopt, serve, consume, publish: an event on the topic is a balance over HTTP."""
    assert composed.start("migrate").wait(60) == 0
    assert composed.start("api", "adopt", str(POLICY)).wait(60) == 0
    services = [composed.start(name) for name in ("api", "consumer", "publisher")]
    wait_until(lambda: composed.ask("/health/ready") is not None, 60, "the API is not ready")

    topic = composed.environment("consumer")["SUBSIDY_LEDGER_KAFKA_TOPIC"]
    produce(kafka, topic, [json.dumps(message("composed-1")).encode()])

    def payable() -> Any:
        path = f"/v1/enterprises/{CODE}/balances/{POLICY_ID}/{YEAR}"
        return (composed.ask(path) or {}).get("payable")

    wait_until(lambda: payable() == "5000.00", 60, "the balance did not change")
    published = composed.environment("publisher")["SUBSIDY_LEDGER_KAFKA_PUBLISHED"]
    said = kafka.tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        *("--topic", published, "--from-beginning", "--max-messages", "1", "--timeout-ms", "30000"),
    )
    assert json.loads(said)["data"]["eligible"] == "5000.00"
    note = kafka.tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        *("--topic", composed.environment("publisher")["SUBSIDY_LEDGER_KAFKA_CHECKPOINTS"]),
        *("--from-beginning", "--max-messages", "1", "--timeout-ms", "30000"),
    )
    (key,) = (composed.ask("/v1/log/keys") or {})["keys"]
    assert open_checkpoint(note.removesuffix("\n"), [VerifierKey.parse(key)])[0].origin == "subsidy-ledger"
    for process in services:
        process.terminate()
    assert [process.wait(45) for process in services] == [0, 0, 0]


# --- the image, by hand -----------------------------------------------------------------------------


@pytest.mark.slow
def test_the_steps_of_the_image_work_in_a_clean_folder(tmp_path: Path) -> None:
    """Every COPY and RUN of the build stage, with / moved into a folder of the test."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    stage = re.split(r"^FROM .*$", text, flags=re.MULTILINE)[1]
    source, opt = tmp_path / "src", tmp_path / "opt"
    source.mkdir()
    programs = tmp_path / "bin"
    programs.mkdir()
    # The image has a "python"; a machine may have a "python3" alone.
    (programs / "python").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    # What is compiled is not looked at, and compiling it takes a third of the time; pip reads 0 as not.
    clean = {"PIP_NO_COMPILE": "0", "PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path)}
    kept = {
        key: value for key, value in os.environ.items() if key.startswith("PIP_") or "proxy" in key.lower()
    }
    # What the making of the environment downloaded just before.
    cache = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True)
    kept.setdefault("PIP_CACHE_DIR", cache.stdout.strip())
    began = time.monotonic()

    for line in stage.splitlines():
        word, _, rest = line.partition(" ")
        if word == "COPY":
            *what, _target = rest.split()
            ignored = "--exclude=__pycache__"
            copy = f"tar -C {ROOT} {ignored} -cf - {' '.join(what)} | tar -C {source} -xf -"
            subprocess.run(copy, shell=True, check=True)
        elif word == "RUN":
            command = rest.replace("/opt/", f"{opt}/").replace("--no-cache-dir ", "")
            done = subprocess.run(
                ["/bin/sh", "-ec", command], cwd=source, env={**kept, **clean}, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    tool = [str(opt / "subsidy-ledger/bin/subsidy-ledger"), "--database", str(tmp_path / "ledger.db")]
    for arguments, said in ((["migrate"], "1"), (["check", str(POLICY)], POLICY_ID), (["asyncapi"], "3.0.0")):
        done = subprocess.run(
            [*tool, *arguments], cwd="/", env=clean, capture_output=True, text=True, check=True
        )
        assert said in done.stdout or arguments == ["migrate"]
    print(f"built by hand in {time.monotonic() - began:.0f} s")
