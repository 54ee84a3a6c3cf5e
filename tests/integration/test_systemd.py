"""The systemd units: systemd takes them, they are closed, share a folder, and run commands that there are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from services.cli.main import main
from services.runtime.settings import Settings, unknown
from tests.conftest import HERE
from tests.programs import program

UNITS = HERE.parent / "docs" / "operations" / "systemd"
COMMON = UNITS / "subsidy-ledger-.service.d" / "common.conf"
SERVICES = sorted(UNITS.glob("subsidy-ledger-*.service"))
EXPOSURE_MAX = 20
"""What ``systemd-analyze security`` may find, of 100."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units as on a machine that has the programs; they are told from this one's own."""
    copy = tmp_path_factory.mktemp("units") / "systemd"
    shutil.copytree(UNITS, copy)
    for unit in copy.glob("*.service"):
        text = re.sub(r"(?m)^(Exec\w+=)[+-]*\S+", r"\1/bin/true", unit.read_text("utf-8"))
        unit.write_text(text, "utf-8")
    return copy


def analyze(folder: Path, *words: str) -> str:
    """What systemd-analyze says; it must end well."""
    done = subprocess.run(
        [program("systemd-analyze"), *words],
        cwd=folder,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_EMOJI": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_takes_every_unit(folder: Path) -> None:
    units = [
        unit.name.replace("@.", "@full.")
        for unit in folder.iterdir()
        if unit.suffix in (".service", ".timer")
    ]

    assert len(units) == 8
    assert analyze(folder, "verify", *(f"./{unit}" for unit in units)) == ""


@pytest.mark.parametrize("unit", [*(each.name for each in SERVICES), "subsidy-backup@full.service"])
def test_no_unit_reaches_more_than_it_needs(folder: Path, unit: str) -> None:
    threshold = f"--threshold={EXPOSURE_MAX}"

    said = analyze(folder, "security", "--offline=true", "--no-pager", threshold, f"./{unit}")

    assert "Overall exposure level" in said


def test_each_runs_a_command_that_there_is_as_one_user_on_one_folder() -> None:
    common = COMMON.read_text("utf-8")
    state = "/var/lib/subsidy-ledger"

    assert {"User=ledger", "StateDirectory=subsidy-ledger", f"WorkingDirectory={state}"} <= set(
        common.split("\n")
    )
    for unit in SERVICES:
        text = unit.read_text("utf-8")
        (command,) = re.findall(
            r"^ExecStart=/opt/subsidy-ledger/bin/subsidy-ledger (\S+)", text, re.MULTILINE
        )
        assert command in main.commands
        assert not re.search(r"^(User|StateDirectory|WorkingDirectory|EnvironmentFile)=", text, re.MULTILINE)


def test_the_settings_are_ours_and_name_that_folder() -> None:
    lines = (UNITS / "environment").read_text("utf-8").splitlines()
    environment = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    settings = Settings.from_env(environment)

    assert unknown(environment) == []
    assert settings.signing_key_file.startswith("/var/lib/subsidy-ledger/")
    assert settings.sheets_folder.startswith("/var/lib/subsidy-ledger/")
    assert "EnvironmentFile=/etc/subsidy-ledger/environment" in COMMON.read_text("utf-8")
    assert ". /etc/subsidy-ledger/environment" in (UNITS / "subsidy-ledger").read_text("utf-8")


def test_ports_of_measurements_are_those_that_prometheus_asks() -> None:
    asked = (UNITS.parent / "prometheus.yml").read_text("utf-8")
    ports = [
        re.findall(r"METRICS_PORT=(\d+)", (UNITS / f"subsidy-ledger-{name}.service").read_text("utf-8"))
        for name in ("consume", "publish")
    ]

    assert all(f"127.0.0.1:{port}" in asked for (port,) in ports)
    assert len({port for (port,) in ports}) == 2


def test_the_operators_page_names_files_units_and_commands_that_there_are() -> None:
    page = (UNITS.parents[1] / "operator.md").read_text("utf-8")
    block = page.split("<!-- debian:begin -->")[1].split("<!-- debian:end -->")[0]
    lines = [
        line.partition("#")[0]
        for code in re.findall(r"```sh\n(.*?)```", block, re.DOTALL)
        for line in code.splitlines()
    ]
    units = {unit.name for unit in UNITS.iterdir()}
    named = [
        word for line in lines if "systemctl" in line for word in line.split() if word.startswith("subsidy-")
    ]

    assert named
    for unit in named:
        full = unit if unit.endswith(".timer") else f"{re.sub('@.*', '@', unit)}.service"
        assert full in units, unit
    files = [word for line in lines for word in re.findall(r"docs/operations/\S+", line)]
    assert [file for file in files if not (HERE.parent / file).exists()] == []
    assert len(files) > 5
    commands = [line.split()[1] for line in lines if line.startswith("subsidy-ledger ")]
    assert commands == ["migrate", "adopt"]
    assert set(commands) <= set(main.commands)


def lines_of(page: str, begin: str, end: str) -> list[str]:
    """The commands of a part of a page, without what is said of them."""
    text = (UNITS.parents[1] / page).read_text("utf-8").split(begin)[1].split(end)[0]
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize(
    ("page", "begin", "end"),
    [("operator.md", "## 升级\n", "## 备份\n"), ("operator.en.md", "## Upgrade\n", "## Backup\n")],
)
def test_the_page_upgrades_only_what_is_stopped(page: str, begin: str, end: str) -> None:
    """What an older program writes after the upgrade, an audit takes for an alteration."""
    lines = lines_of(page, begin, end)
    migrations = [place for place, line in enumerate(lines) if line == "subsidy-ledger migrate"]
    stops = [
        place for place, line in enumerate(lines) if re.match(r"sudo systemctl (stop|disable --now) ", line)
    ]
    starts = [
        place
        for place, line in enumerate(lines)
        if re.match(r"sudo systemctl (start|enable --now) subsidy-ledger", line)
    ]

    assert len(migrations) == len(stops) == len(starts) == 2
    for stop, migration, start in zip(stops, migrations, starts, strict=True):
        assert stop < migration < start


@pytest.mark.parametrize("page", ["operator.md", "operator.en.md"])
def test_the_page_writes_files_that_are_not_there_yet_and_serves_this_machine_alone(page: str) -> None:
    lines = lines_of(page, "<!-- debian:begin -->", "<!-- debian:end -->")

    # A shell leaves a pattern as it is where no file fits it, as none does the first time.
    assert [line for line in lines if line.startswith("sudo install") and "*" in line.split()[-1]] == []
    listening = [line for line in lines if "--web.listen-address=" in line]
    assert {line.rpartition("/")[2] for line in listening} == {
        word
        for line in lines
        if "prometheus-node-exporter" in line and "apt-get" in line
        for word in line.split()
        if word.startswith("prometheus")
    }
    assert all("listen-address=127.0.0.1:" in line for line in listening)


def test_backups_say_when_they_were_completed_in_a_file_that_others_read(tmp_path: Path) -> None:
    unit = (UNITS / "subsidy-backup@.service").read_text("utf-8")
    (script,) = re.findall(r"^ExecStartPost=\+-/bin/sh -c '(.*)'$", unit, re.MULTILINE)
    script = script.replace("%%", "%").replace("$$", "$")

    subprocess.run(
        ["sh", "-c", "umask 077; " + script.replace("/var/lib/prometheus/node-exporter", str(tmp_path))],
        check=True,
    )

    (file,) = tmp_path.iterdir()
    assert file.name == "subsidy-backup.prom"
    assert file.stat().st_mode & 0o777 == 0o644
    assert re.fullmatch(r"subsidy_backup_completed_timestamp_seconds \d+\n", file.read_text("utf-8"))
    assert "\\" not in script  # which systemd takes for itself
