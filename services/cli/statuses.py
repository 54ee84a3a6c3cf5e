"""How commands end: every exit status, in one table."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, NoReturn

import click


class ExitStatus(IntEnum):
    """With what status a command ends."""

    DONE = 0
    NOT_DONE = 1
    MISUSED = 2
    WAITING = 3
    REFUSED = 4


class Meaning(NamedTuple):
    """What a status says."""

    zh: str
    en: str


MEANINGS = {
    ExitStatus.DONE: Meaning("已办", "done"),
    ExitStatus.NOT_DONE: Meaning(
        "未办：原因写在标准错误；核对、重放、样例有不符",
        "not done, with the reason on standard error; or an audit, a replay or a case found differences",
    ),
    ExitStatus.MISUSED: Meaning("命令行写法不对", "the command line is wrong"),
    ExitStatus.WAITING: Meaning(
        "已提出，等待第二人确认，尚未生效", "proposed; it waits for a second person and is not done yet"
    ),
    ExitStatus.REFUSED: Meaning(
        "已办，但有退回的：其余已入账；退回的数据用 refused 列出，对账单中未登记的由命令逐条列出",
        "done, but something was refused: the rest is recorded; `refused` lists messages, the command itself "
        "what it did not record of a statement",
    ),
}
OF_DOCTOR = Meaning(
    "`doctor` 另有所指：0 正常、1 有警告、2 有错误",
    "`doctor` has its own: 0 well, 1 warnings, 2 errors",
)


def end_with(status: ExitStatus) -> NoReturn:
    """End the command, all that it has to say said."""
    raise click.exceptions.Exit(status)
