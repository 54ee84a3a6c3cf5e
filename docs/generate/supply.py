"""What the ledger is made of: its dependencies as locked, their licences, and a bill of materials.

Made from the lock files alone and from the metadata of the packages installed from them, so that
the same lock gives the same pages on every machine.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
RUNTIME, DEVELOPMENT = "requirements.lock", "requirements-dev.lock"
UNSTATED = "?"
_PINNED = re.compile(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; ([^\\\n]+?))? \\$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")

BY_CLASSIFIER = {
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.1-or-later",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
}
SPELT = {
    "MIT license": "MIT",
    "BSD": "BSD",
    "BSD 2-Clause License": "BSD-2-Clause",
    "Apache 2.0": "Apache-2.0",
    "LGPL": "LGPL-2.1-or-later",
}
"""How packages write their licences, as SPDX does."""
NOT_INSTALLED = {"axe-playwright-python": "MIT", "colorama": "BSD-3-Clause"}
"""Packages whose own metadata says nothing, or that only other systems install; read by hand."""


class Locked(NamedTuple):
    """One package of a lock file."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def locked(file: str) -> list[Locked]:
    """The packages of a lock file, in its order."""
    text = (ROOT / file).read_text("utf-8")
    found = list(_PINNED.finditer(text))
    ends = [each.start() for each in found[1:]] + [len(text)]
    return [
        Locked(each[1], each[2], each[3] or "", tuple(_HASH.findall(text, each.end(), end)))
        for each, end in zip(found, ends, strict=True)
    ]


def licence(name: str) -> str:
    """What a package says of its licence, as an SPDX expression where it can be told."""
    if name in NOT_INSTALLED:
        return NOT_INSTALLED[name]
    try:
        said: Any = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return UNSTATED
    expression = said.get("License-Expression")
    if expression:
        return str(expression)
    classes = [each for each in said.get_all("Classifier") or () if each.startswith("License ::")]
    plain = str(said.get("License") or "").strip()
    if plain and len(plain) <= 40 and "\n" not in plain:
        return SPELT.get(plain, plain)
    words = sorted({BY_CLASSIFIER.get(each.rpartition(" :: ")[2], "") for each in classes} - {""})
    return " AND ".join(words) or UNSTATED


def licences() -> list[tuple[str, str, str, bool]]:
    """(name, versions, licence, whether it is shipped) of every locked package."""
    shipped = {each.name for each in locked(RUNTIME)}
    versions: dict[str, set[str]] = {}
    for file in (RUNTIME, DEVELOPMENT):
        for each in locked(file):
            versions.setdefault(each.name, set()).add(each.version)
    return [
        (name, ", ".join(sorted(found)), licence(name), name in shipped)
        for name, found in sorted(versions.items())
    ]


def bill_of_materials() -> dict[str, Any]:
    """A CycloneDX 1.6 document of what is shipped, without time or serial number: same lock, same bytes."""
    ours = metadata.metadata("subsidy-ledger")
    name, version = "subsidy-ledger", str(ours["Version"])
    reference = f"pkg:pypi/{name}@{version}"
    components = [_component(each) for each in locked(RUNTIME)]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": reference,
                "name": name,
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "purl": reference,
            }
        },
        "components": components,
        "dependencies": [{"ref": reference, "dependsOn": [each["bom-ref"] for each in components]}],
    }


def _component(package: Locked) -> dict[str, Any]:
    reference = f"pkg:pypi/{package.name}@{package.version}"
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": reference,
        "name": package.name,
        "version": package.version,
        "purl": reference,
        "licenses": [{"license": {"name": licence(package.name)}}],
        # Of every file that the lock allows: which one is installed depends on the machine.
        "properties": [{"name": "subsidy-ledger:lock:sha256", "value": value} for value in package.hashes],
    }
    if package.marker:
        found["properties"].append({"name": "subsidy-ledger:lock:marker", "value": package.marker})
    return found
