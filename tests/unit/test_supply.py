"""The bill of materials is the lock, in CycloneDX's form; licences are known; no audit passes unseen."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from docs.generate import supply
from docs.generate.pages import DOCS

ROOT = DOCS.parent
SCHEMAS = "cyclonedx/schema/_res"


def schema(name: str) -> Any:
    from importlib.metadata import distribution

    file = distribution("cyclonedx-python-lib").locate_file(f"{SCHEMAS}/{name}.SNAPSHOT.schema.json")
    return json.loads(Path(str(file)).read_text("utf-8"))


def test_the_bill_of_materials_is_valid_cyclonedx() -> None:
    names = ("spdx", "jsf-0.82")
    registry: Registry[Any] = Registry()
    for name in names:
        held: Resource[Any] = DRAFT7.create_resource(schema(name))
        registry = registry.with_resource(f"{name}.SNAPSHOT.schema.json", held)
        registry = registry.with_resource(f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json", held)
    check = Draft7Validator(schema("bom-1.6"), registry=registry)
    document = json.loads((DOCS / "operations" / "sbom.json").read_text("utf-8"))

    assert [error.message for error in check.iter_errors(document)] == []
    assert list(check.iter_errors({**document, "components": [{"type": "nonsense"}]}))


def test_the_bill_of_materials_is_the_lock() -> None:
    document = json.loads((DOCS / "operations" / "sbom.json").read_text("utf-8"))
    lines = (ROOT / supply.RUNTIME).read_text("utf-8").splitlines()
    pinned = {line.split()[0].replace("==", " ") for line in lines if "==" in line.split(" ")[0]}

    assert {f"{each['name']} {each['version']}" for each in document["components"]} == pinned
    hashes = [
        p["value"] for c in document["components"] for p in c["properties"] if p["name"].endswith("sha256")
    ]
    assert sorted(hashes) == sorted(
        line.split("sha256:")[1].rstrip(" \\") for line in lines if "--hash=sha256:" in line
    )


def test_every_dependency_states_its_licence() -> None:
    assert [name for name, _, licence, _ in supply.licences() if licence == supply.UNSTATED] == []


def test_nothing_that_is_shipped_binds_us_to_give_our_source() -> None:
    shipped = [(name, licence) for name, _, licence, ships in supply.licences() if ships]

    assert [each for each in shipped if "GPL" in each[1] and "LGPL" not in each[1]] == []


def test_no_two_locks_pin_different_versions() -> None:
    versions: dict[tuple[str, str], set[str]] = {}
    for lock in ROOT.glob("requirements*.lock"):
        for package in supply.locked(lock.name):
            versions.setdefault((package.name, package.marker), set()).add(package.version)

    assert {name: pinned for (name, _), pinned in versions.items() if len(pinned) > 1} == {}


def test_what_builds_our_package_is_locked() -> None:
    """It is built without isolation, so nothing else would bring it into a new environment."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

    built_by = [requirement.partition(">=")[0] for requirement in project["build-system"]["requires"]]

    assert [package.name for package in supply.locked("requirements-build.lock")] == built_by


@pytest.fixture(scope="module")
def auditor() -> ModuleType:
    """The script of .ci, as a module."""
    loader = SourceFileLoader("vulnerabilities", str(ROOT / ".ci" / "vulnerabilities"))
    spec = importlib.util.spec_from_loader("vulnerabilities", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_every_locked_version_is_asked_about(auditor: ModuleType) -> None:
    for lock in auditor.LOCKS:
        assert len(auditor.pinned(ROOT / lock)) == len(supply.locked(lock))


class Answer:
    """What pip-audit printed."""

    returncode, stderr = 0, "it could not look"

    def __init__(self, stdout: str) -> None:
        self.stdout = stdout


@pytest.mark.parametrize(
    ("answer", "bad", "seen"),
    [
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', 0, True),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}', 1, True),
        ('{"dependencies": [{"name": "a", "skip_reason": "unknown"}]}', 0, False),
        ("", 0, False),
    ],
)
def test_a_source_that_knows_nothing_has_not_been_asked(
    auditor: ModuleType, monkeypatch: pytest.MonkeyPatch, answer: str, bad: int, seen: bool
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: Answer(answer))

    found, why = auditor.audited(ROOT / supply.RUNTIME, "pypi")

    assert (len(found), why == "") == (bad, seen)


def test_not_being_able_to_look_is_said_and_can_be_a_failure(
    auditor: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(auditor, "audited", lambda *_: ([], "nobody answers"))
    monkeypatch.setattr(sys, "argv", ["vulnerabilities", supply.RUNTIME])

    assert auditor.main() == 0
    assert "NOT AUDITED" in capsys.readouterr().err
    monkeypatch.setenv("AUDIT_REQUIRED", "1")
    assert auditor.main() == 1


def test_a_known_vulnerability_fails(auditor: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditor, "audited", lambda *_: (["a 1: CVE-1"], ""))

    assert auditor.main() == 1
