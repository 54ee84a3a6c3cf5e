"""Enterprises that may belong together: by account, by what facts carry, by name, by their codes."""

from __future__ import annotations

import csv
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from domain.things.spelling import fold_reference
from domain.vocabulary.kinds import Words
from services.workbench.papers.paper import FINDINGS, Paper, PaperRow, Parameters, payable_of

ATTRIBUTES = ("legal_person", "representative", "controller", "address", "phone", "contact", "account")
"""Fields of facts that belong to one enterprise alone, where a vocabulary declares them."""
_GROUPED = (
    "SELECT e.code, '{finding}', {payable}, "
    "COALESCE((SELECT MIN(position) FROM events v WHERE v.originator=e.code), 0), {detail} "
    "FROM enterprises e JOIN (SELECT {key} AS shared FROM enterprises e GROUP BY 1 "
    "HAVING COUNT(*)>1) s ON s.shared={key} WHERE s.shared<>'' ORDER BY s.shared, e.code"
)
_ATTRIBUTE = (
    "WITH carried AS (SELECT originator AS code, json_extract(content, ?) AS value, MIN(position) AS "
    "position "
    "FROM events WHERE originator NOT LIKE '%:%' AND value IS NOT NULL AND value<>'' GROUP BY 1, 2) "
    "SELECT code, 'same-attribute', position, value FROM carried WHERE value IN "
    "(SELECT value FROM carried GROUP BY value HAVING COUNT(DISTINCT code)>1) ORDER BY value, code"
)


class PayeeFault(Exception):
    """The payee file cannot be used; says which line, and why."""


def read_payees(path: Path) -> dict[str, list[str]]:
    """Credit codes by account, from a CSV whose first two columns are code and account; a head may stand.

    Raises:
        PayeeFault: where a line has no account.
    """
    codes: dict[str, list[str]] = defaultdict(list)
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PayeeFault(f"{path}: {error}") from None
    for number, line in enumerate(csv.reader(text.splitlines()), start=1):
        if not line or (number == 1 and not any(part.isdigit() for part in line[1:2])):
            continue
        if len(line) < 2 or not line[1].strip():
            raise PayeeFault(f"{path}:{number}: 缺少账号 · no account — credit code, account")
        codes[line[1].replace(" ", "")].append(line[0].strip())
    return codes


def _find_parties(file: sqlite3.Connection, parameters: Parameters) -> Iterator[PaperRow]:
    file.create_function("folded", 1, lambda text: fold_reference(text or ""), deterministic=True)
    payable = payable_of("e.code")
    for finding, key, detail in (
        ("same-name", "folded(e.name)", "e.name"),
        ("same-organisation", "SUBSTR(e.code, 9, 9)", "SUBSTR(e.code, 9, 9) || ' ' || COALESCE(e.name, '')"),
    ):
        sql = _GROUPED.format(finding=finding, key=key, detail=detail, payable=payable)
        yield from file.execute(sql, parameters.bound())
    paid = f"SELECT {payable_of(':code')}"
    for name in ATTRIBUTES:
        for code, finding, position, value in file.execute(_ATTRIBUTE, (f"$.{name}",)).fetchall():
            fen = file.execute(paid, {"code": code, "year": parameters.year}).fetchone()[0]
            yield code, finding, fen, position, f"{name}: {value}"
    if parameters.payees:
        for account, codes in read_payees(Path(parameters.payees)).items():
            if len(set(codes)) > 1:
                for code in sorted(set(codes)):
                    fen = file.execute(paid, {"code": code, "year": parameters.year}).fetchone()[0]
                    yield code, "same-account", fen, 0, f"…{account[-4:]}"


PARTIES = Paper(
    "related-parties",
    Words("关联企业", "Related parties"),
    Words(
        "同一收款账户（须给出收款人文件）、同一名称、同一主体标识码，数据中载明的同一法定代表人、地址、电话",
        "one account (from the payee file), name, organisation number; person, address, phone where "
        "facts say them",
    ),
    Words("工商登记的股权关系：包内没有", "shareholdings in the register: they are not in the bundle"),
    FINDINGS,
    _find_parties,
    {
        "same-account": Words("多家企业同一收款账户", "one account of several enterprises"),
        "same-name": Words("不同代码同一名称", "one name under several codes"),
        "same-organisation": Words("不同代码同一主体标识码", "one organisation number in several codes"),
        "same-attribute": Words("多家企业同一登记事项", "one attribute of several enterprises"),
    },
)
