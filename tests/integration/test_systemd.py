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
