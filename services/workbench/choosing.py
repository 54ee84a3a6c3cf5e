"""What an auditor decides before looking, kept beside the opened bundle, and the population of samples."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from services.workbench.papers.paper import Parameters
from services.workbench.sampling import Item
from services.workbench.tables import read_about

FILE = "parameters.json"
SHARE_OF_PAYABLE = 100
"""Where nothing is said, overall materiality is one part in so many of what is payable."""


def read_parameters(file: sqlite3.Connection, folder: Path) -> Parameters:
    """The parameters kept in the folder, or those that hold where nothing was decided.

    Raises:
        msgspec.ValidationError: where the file does not hold what it should.
    """
    path = folder / FILE
    if path.is_file():
        return msgspec.json.decode(path.read_bytes(), type=Parameters)
    origin = read_about(file)
    sql = "SELECT COALESCE(SUM(payable_fen), 0) FROM list_lines WHERE year=?"
    payable = int(file.execute(sql, [origin.year]).fetchone()[0])
    materiality = max(payable // SHARE_OF_PAYABLE, 1)
    return Parameters(
        policy=origin.policy,
        year=origin.year,
        materiality_fen=materiality,
        performance_fen=max(materiality * 3 // 4, 1),
        trivial_fen=materiality // 20,
    )


def keep_parameters(folder: Path, parameters: Parameters) -> None:
    """Write the parameters beside the opened bundle."""
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(parameters)) + b"\n")


def read_items(file: sqlite3.Connection, parameters: Parameters) -> Iterator[Item]:
    """The payments made for the year, in the order of the log; where none was, what is payable."""
    made = (
        "SELECT payment, code, amount_fen FROM payments WHERE step='made' AND policy=:policy AND year=:year "
        "ORDER BY position"
    )
    payable = (
        "SELECT code, code, SUM(payable_fen) FROM list_lines WHERE year=:year GROUP BY code "
        "HAVING SUM(payable_fen)>0 ORDER BY code"
    )
    bound = parameters.bound()
    first = file.execute(made, bound).fetchone()
    for row in file.execute(made if first else payable, bound):
        yield Item(*row)
