"""Real Apache Kafka brokers for the tests: started, killed, restarted, and never left behind.

A test takes the fixture ``kafka`` (one broker) or ``cluster3`` (three). Both last as long as the tests that
share them (``tests.grouping``). The jars come from ``.ci/parts``.

Kafka's client is imported where it is used: every run of the tests imports this, few start a broker.

PYTEST_DONT_REWRITE: nothing is asserted here, and test modules import this before pytest could rewrite it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.grouping import UNITS
from tests.processes import Ports, Watchman

REPOSITORY = Path(__file__).parent.parent
KAFKA = Path(__file__).parent / "kafka"
LARGEST_RECORD = 16 * 1024 * 1024

CONSOLE_PRODUCER = "org.apache.kafka.tools.ConsoleProducer"
CONSOLE_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
CONSUMER_GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
TOPICS = "org.apache.kafka.tools.TopicCommand"
QUORUM = "org.apache.kafka.tools.MetadataQuorumCommand"

SMALL = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Dlog4j2.configurationFile={KAFKA / 'log4j2.xml'}")
HEAP = {1: ("-Xms128m", "-Xmx384m"), 3: ("-Xms64m", "-Xmx256m")}
"""By the number of brokers."""


class KafkaTrouble(AssertionError):
    """A broker or a tool of Kafka's does not do what it must."""


def jars() -> Path:
    """Return the folder of the Kafka jars that ``.ci/parts`` fetched for the present pom.xml."""
    stamp = hashlib.sha256((KAFKA / "pom.xml").read_bytes()).hexdigest()[:16]
    libs = REPOSITORY / ".cache" / "kafka" / stamp / "libs"
    if not libs.is_dir() or shutil.which("java") is None:
        raise KafkaTrouble(
            f"Java or the jars in {libs} are missing: run `bash .ci/parts`, then the tests again"
        )
    return libs


def shared_classes() -> Path:
    """Return a file of a broker's classes that Java maps as they are, so that all starts in half the time.

    It is made when it is first wanted, for the Java that there is, by a broker that starts and ends.
    """
    java = os.stat(shutil.which("java") or "java")
    file = jars().parent / f"classes-{java.st_mtime_ns}-{java.st_size}.jsa"
    with (jars().parent / "classes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            with tempfile.TemporaryDirectory() as folder:
                made = Path(folder) / "classes.jsa"
                with KafkaCluster(Path(folder) / "kafka", archive=made):
                    pass
                shutil.copy(made, file.with_suffix(".new"))
                file.with_suffix(".new").rename(file)
    return file


class KafkaCluster:
    """One or three brokers (each also a controller, KRaft) whose files are under ``folder``; numbered from 1.

    >>> with KafkaCluster(tmp_path, brokers=3) as cluster:  # doctest: +SKIP
    ...     cluster.create_topic("facts", 3)
    ...     cluster.kill(2)
    ...     cluster.restart(2)
    """

    def __init__(self, folder: Path, brokers: int = 1, archive: Path | None = None) -> None:
        if brokers not in HEAP:
            raise ValueError(f"one or three brokers, not {brokers}")
        self.folder = folder
        self.brokers = brokers
        self._classes: tuple[str, ...] = ()
        self._at_exit = (f"-XX:ArchiveClassesAtExit={archive}",) if archive else ()
        self.timings: dict[str, float] = {}
        """Seconds that the last format, start, restart and stop took."""
        self._mark = f"-Dtests.kafka={folder}"
        self._ports = Ports()
        self._listen: dict[int, tuple[int, int]] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._watchman: Watchman | None = None
        self._admin: Any = None

    # Life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Format the folders, start the brokers and wait until each answers and knows all the others."""
        if not self._at_exit:
            shared = f"-XX:SharedArchiveFile={shared_classes()}"
            self._classes = (shared, "-Xlog:disable", "-Xlog:all=error:stderr")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._listen = {n: (self._ports.take(), self._ports.take()) for n in self._numbers}
        self._watchman = Watchman(self._mark)
        try:
            with self._timed("format"):
                self._format()
            with self._timed("start"):
                for n in self._numbers:
                    self._launch(n)
                self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every broker: SIGTERM, and SIGKILL five seconds later. Nothing is left running."""
        with self._timed("stop"):
            self._close_admin()
            # A paused broker (SIGSTOP) only sees the SIGTERM once it goes on.
            for process in self._processes.values():
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGCONT)
            until = time.monotonic() + (60 if self._at_exit else 5)
            for process in self._processes.values():
                try:
                    process.wait(max(0.0, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            self._processes.clear()
            if self._watchman is not None:
                self._watchman.dismiss()
                self._watchman = None
            self._ports.release()

    def kill(self, n: int) -> None:
        """End broker ``n`` with SIGKILL, as a loss of power would; return once it is gone."""
        process = self._processes.pop(n)
        process.kill()
        process.wait()

    def restart(self, n: int, wait: bool = True) -> None:
        """Start broker ``n`` again on the same data and ports, and wait until it answers.

        It may still have to catch up then: see ``wait_in_sync``. A broker that runs is ended gently first.
        """
        if (running := self._processes.pop(n, None)) is not None:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
        with self._timed("restart"):
            self._launch(n)
            if wait:
                self.wait_ready()

    # What the tests ask

    @property
    def bootstrap(self) -> str:
        """All brokers' addresses, dead ones too, as a client's ``bootstrap_servers`` takes them."""
        return ",".join(self.address(n) for n in self._numbers)

    def address(self, n: int) -> str:
        """Return the host and port of broker ``n``."""
        return f"127.0.0.1:{self._listen[n][0]}"

    def pid(self, n: int) -> int | None:
        """Return the process id of broker ``n``, or None when it is down."""
        process = self._processes.get(n)
        return process.pid if process is not None else None

    def log(self, n: int) -> str:
        """Return all that broker ``n`` has logged."""
        return self._log(n).read_text("utf-8", "replace")

    def create_topic(self, name: str, partitions: int = 1, **config: Any) -> None:
        """Create a topic on all brokers, set by ``cleanup_policy="compact"`` and so on; wait for leaders."""
        configs = {
            key.replace("_", "."): str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in config.items()
        }
        topic = {"num_partitions": partitions, "replication_factor": self.brokers, "configs": configs}
        self.admin.create_topics({name: topic}, wait_for_metadata=True)

    def wait_ready(self, within: float = 60.0) -> None:
        """Wait until each broker that runs answers, and knows all the others that run."""
        running = set(self._processes)

        def all_known() -> bool:
            return all(running <= self._known_to(n) for n in sorted(running))

        self._until(all_known, within, f"brokers {sorted(running)} do not all answer")

    def wait_in_sync(self, *topics: str, within: float = 60.0) -> None:
        """Wait until every partition (of ``topics``, or of all) has a leader and all its replicas in sync."""

        def in_sync() -> bool:
            found = self.admin.describe_topics(list(topics) or None)
            return all(
                part["leader_id"] >= 0 and set(part["isr_nodes"]) == set(part["replica_nodes"])
                for topic in found
                for part in topic["partitions"]
            )

        self._until(in_sync, within, "partitions stay out of sync")

    @property
    def admin(self) -> Any:
        """A kafka-python admin client of this cluster, made when first asked for. Not for several threads."""
        from kafka import KafkaAdminClient

        if self._admin is None:
            self._admin = KafkaAdminClient(bootstrap_servers=self.bootstrap.split(","))
        return self._admin

    def tool(
        self,
        main_class: str,
        *arguments: str,
        input: str | bytes | None = None,
        timeout: float = 60.0,
        bootstrap: bool = True,
    ) -> str:
        """Run a program of Kafka's own and return its stdout; raise when it fails."""
        address = ("--bootstrap-server", self.bootstrap) if bootstrap else ()
        try:
            done = subprocess.run(
                self._java("-Xmx256m", "-Dlog.level=WARN", main_class, *address, *arguments),
                input=input.encode() if isinstance(input, str) else input or b"",
                capture_output=True,
                timeout=timeout,
                env=self._environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            said = (error.stdout or b"") + (error.stderr or b"")
            raise KafkaTrouble(
                f"{main_class} took over {timeout} s: {said.decode(errors='replace')}"
            ) from error
        if done.returncode:
            said = done.stdout + done.stderr
            raise KafkaTrouble(f"{main_class} ended with {done.returncode}: {said.decode(errors='replace')}")
        return done.stdout.decode("utf-8")

    # How

    @property
    def _numbers(self) -> range:
        return range(1, self.brokers + 1)

    @property
    def _environment(self) -> dict[str, str]:
        kept = {
            key: value
            for key, value in os.environ.items()
            if key not in ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS")
        }
        return {**kept, "CLASSPATH": f"{jars()}/*"}

    def _java(self, *arguments: str) -> list[str]:
        return ["java", *SMALL, *self._classes, self._mark, *arguments]

    def _file(self, n: int) -> Path:
        return self.folder / f"broker-{n}.properties"

    def _log(self, n: int) -> Path:
        return self.folder / f"broker-{n}.log"

    def _data(self, n: int) -> Path:
        return self.folder / f"broker-{n}-data"

    def _properties(self, n: int) -> dict[str, object]:
        port, controller = self._listen[n]
        replicas, in_sync = self.brokers, (self.brokers + 1) // 2
        return {
            "process.roles": "broker,controller",
            "node.id": n,
            "controller.quorum.voters": ",".join(
                f"{k}@127.0.0.1:{self._listen[k][1]}" for k in self._numbers
            ),
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self._data(n),
            "default.replication.factor": replicas,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": replicas,
            "offsets.topic.num.partitions": 3,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": in_sync,
            "transaction.state.log.num.partitions": 3,
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": in_sync,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 500,
            "auto.create.topics.enable": "false",
            "compression.type": "producer",
            "message.max.bytes": LARGEST_RECORD,
            "replica.fetch.max.bytes": LARGEST_RECORD,
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "background.threads": 2,
            "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
        }

    def _format(self) -> None:
        """Format the folders of all brokers; those of one number are alike, and copied once there is one."""
        for n in self._numbers:
            text = "".join(f"{key}={value}\n" for key, value in self._properties(n).items())
            self._file(n).write_text(text, "utf-8")
        with (jars().parent / "formatted.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._format_anew([n for n in self._numbers if not _formatted(n).is_dir()])
        for n in self._numbers:
            shutil.copytree(_formatted(n), self._data(n), dirs_exist_ok=True)

    def _format_anew(self, numbers: list[int]) -> None:
        """Format folders by Kafka's own program, at the same time, and keep copies of them."""
        cluster_id = "subsidy-ledger-tests-A"  # 22 letters of URL-safe base 64: sixteen bytes
        formatting: dict[int, subprocess.Popen[bytes]] = {}
        try:
            for n in numbers:
                command = ("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._file(n)))
                formatting[n] = self._spawn(n, "-Xmx128m", "-Dlog.level=WARN", *command)
            for n, process in formatting.items():
                if process.wait(60):
                    raise KafkaTrouble(f"broker {n}'s folder could not be formatted:\n{self.log(n)}")
                new = _formatted(n).with_suffix(".new")
                shutil.rmtree(new, ignore_errors=True)
                shutil.copytree(self._data(n), new)
                new.rename(_formatted(n))
        finally:
            for process in formatting.values():
                process.kill()
                process.wait()

    def _launch(self, n: int) -> None:
        if n not in self._numbers or n in self._processes:
            raise ValueError(f"broker {n} runs, or is none of {self.brokers}")
        self._processes[n] = self._spawn(
            n, *HEAP[self.brokers], *self._at_exit, "kafka.Kafka", str(self._file(n))
        )

    def _spawn(self, n: int, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a Java process in a session of its own that logs with broker ``n``."""
        with self._log(n).open("ab") as output:
            return subprocess.Popen(
                self._java(*arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self._environment,
                start_new_session=True,
            )

    def _known_to(self, n: int) -> set[int]:
        """Return the brokers that broker ``n`` knows to be up, itself among them; none when it is silent."""
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        host, port = self.address(n).split(":")
        with suppress(OSError, KafkaError), socket.create_connection((host, int(port)), 1):
            client: Any = KafkaAdminClient(
                bootstrap_servers=[self.address(n)], bootstrap_timeout_ms=2000, request_timeout_ms=2000
            )
            try:
                return {broker["broker_id"] for broker in client.describe_cluster()["brokers"]}
            finally:
                client.close()
        return set()

    def _until(self, holds: Callable[[], bool], within: float, otherwise: str) -> None:
        from kafka.errors import KafkaError

        until = time.monotonic() + within
        while True:
            with suppress(KafkaError):
                if holds():
                    return
            for n, process in list(self._processes.items()):
                if process.poll() is not None:
                    raise KafkaTrouble(f"broker {n} ended with {process.returncode}:\n{self.log(n)[-4000:]}")
            if time.monotonic() > until:
                logs = "".join(f"\nbroker {n}:\n{self.log(n)[-2000:]}" for n in self._processes)
                raise KafkaTrouble(f"{otherwise} after {within} s{logs}")
            time.sleep(0.05)

    def _close_admin(self) -> None:
        if self._admin is not None:
            with suppress(Exception):
                self._admin.close()
            self._admin = None

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.timings[what] = time.monotonic() - start


def _formatted(n: int) -> Path:
    """Where a formatted folder of broker ``n`` is kept."""
    return jars().parent / f"formatted-{n}"


_RUNNING: dict[int, KafkaCluster] = {}
"""By the number of brokers."""


def _start(brokers: int, factory: pytest.TempPathFactory) -> KafkaCluster:
    if brokers not in _RUNNING:
        cluster = KafkaCluster(factory.mktemp(f"kafka{brokers}-"), brokers)
        cluster.start()
        _RUNNING[brokers] = cluster
    return _RUNNING[brokers]


@pytest.fixture
def kafka(tmp_path_factory: pytest.TempPathFactory) -> KafkaCluster:
    """One broker, shared; topics are the tests' to name apart. Fails when it cannot start."""
    return _start(1, tmp_path_factory)


@pytest.fixture
def cluster3(tmp_path_factory: pytest.TempPathFactory) -> KafkaCluster:
    """Three brokers, shared by tests in a row; who kills one restarts it. Fails when they cannot start."""
    return _start(3, tmp_path_factory)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Stop brokers that the next tests do not share: one that waits takes a thirtieth of a processor."""
    if not nextitem or UNITS.get(nextitem.location[0]) != "kafka":
        _stop(1)
    if not nextitem or "cluster3" not in getattr(nextitem, "fixturenames", ()):
        _stop(3)


def _stop(brokers: int) -> None:
    if cluster := _RUNNING.pop(brokers, None):
        cluster.stop()
        for n in range(1, brokers + 1):  # pytest keeps the folder: the logs are enough
            shutil.rmtree(cluster.folder / f"broker-{n}-data", ignore_errors=True)
