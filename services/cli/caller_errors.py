"""What a caller of the command line can cause, in words: which, the rule it breaks, and the mend."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from domain.authority.roles import NotAllowed
from domain.authority.two_persons import TWO_PERSON_STEPS
from domain.events.stored import UnreadableState
from domain.faults.fault import Fault
from domain.log.notes import NoteError
from domain.policy.faults import PolicyError
from domain.policy.rulebook import NoRules
from ledger.amendments.amending import AmendmentRefused
from ledger.export.books import NotExportable
from ledger.export.file_faults import FileError
from ledger.policies.versions import UnknownPolicy
from ledger.reading.records import UnknownEnterprise
from ledger.settlement.paying import StepsRefused
from ledger.store.application import utc_now
from ledger.store.moments import Unanswerable
from ledger.store.rows import DamagedStore, StoreError
from ledger.waiting.second_person import SecondPersonNeeded
from services.runtime.kafka_settings import UnusableFile
from services.runtime.settings import SettingsError
from services.web.fault_words import describe_fault, fault_of

FAULTS_LISTED = 20
PLAIN: dict[type[Exception], str] = {
    NoRules: "当时没有施行的政策版本",
    NoteError: "检查点、声明或密钥不能用",
    Unanswerable: "账本不能回答这一时点",
    NotExportable: "不能写出",
    UnusableFile: "文件不能用",
}
"""Errors whose own text says everything, in English; before it, in Chinese, what it is about."""


def caller_message(error: Exception, language: str) -> str | None:
    """The lines that tell the caller what went wrong; ``None`` for what no caller can cause."""
    if isinstance(error, NotAllowed):
        return _fault_line(fault_of(error), language)
    if isinstance(error, StepsRefused):
        return "\n".join(_steps_lines(error, language))
    if isinstance(error, AmendmentRefused):
        return "\n".join(_fault_line(fault, language) for fault in error.faults)
    if isinstance(error, PolicyError):
        return "\n".join(fault.describe(language) for fault in error.faults)
    if isinstance(error, UnknownPolicy):
        zh = f"policy: 账本没有政策 {error} — 运行 subsidy-ledger adopt 政策文件"
        en = f"policy: the ledger does not hold {error} — adopt it with: subsidy-ledger adopt FILE"
        return en if language == "en" else zh
    if isinstance(error, UnknownEnterprise):
        zh = f"enterprise: 账本中没有企业 {error} — 核对信用代码"
        en = f"enterprise: the ledger knows nothing of {error} — check the credit code"
        return en if language == "en" else zh
    if isinstance(error, UnreadableState):
        return DamagedStore("database.unreadable-row", reason=str(error)).describe(language)
    if isinstance(error, StoreError | FileError | SettingsError):
        return error.describe(language)
    if isinstance(error, UnicodeError | OSError):
        return _file_line(error, language)
    return _plain_line(error, language)


def _steps_lines(error: StepsRefused, language: str) -> Iterator[str]:
    """Each step that is not allowed, with its line of the file it came in; after some, how many more."""
    for index, fault in error.faults[:FAULTS_LISTED]:
        line = error.lines[index] if error.lines else 0
        place = (f"line {line}, " if language == "en" else f"第 {line} 行，") if line else ""
        yield place + _fault_line(fault_of(fault), language)
    more = len(error.faults) - FAULTS_LISTED
    if more > 0:
        yield f"… and {more:,} more" if language == "en" else f"…… 另有 {more:,} 处"


def _plain_line(error: Exception, language: str) -> str | None:
    """What an error says itself, behind Chinese words where it says it in English alone."""
    about = next((zh for kind, zh in PLAIN.items() if isinstance(error, kind)), None)
    words = str(error)
    if about is None:
        return None
    if language == "en" or any("\u4e00" <= sign <= "\u9fff" for sign in words):
        return words
    return str(getattr(error, "zh", "")) or f"{about}：{words}"


def _file_line(error: UnicodeError | OSError, language: str) -> str | None:
    """A file or a word that is no text, or a file that cannot be used; ``None`` for other troubles."""
    english = language == "en"
    if isinstance(error, UnicodeDecodeError):
        zh, en = "文件不是 UTF-8 文本 — 另存为 UTF-8 后再试", "the file is not UTF-8 text — save it as UTF-8"
        return en if english else zh
    if isinstance(error, UnicodeError):
        zh, en = (
            "命令行中有不成字的字节 — 重新输入",
            "the command line holds bytes that are no text — type it again",
        )
        return en if english else zh
    if error.filename is None and error.errno != errno.ENOSPC:
        return None  # of a connection, not of a file
    place = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    mend = (
        "check the path, the right to it, and the room on its disk" if english else "核对路径、权限和磁盘空间"
    )
    return f"{place} — {mend}"


def waiting_message(error: Exception, language: str) -> str | None:
    """The line that says what waits for a second person; ``None`` for everything else."""
    if not isinstance(error, SecondPersonNeeded):
        return None
    step = error.waiting
    title = TWO_PERSON_STEPS[step.step]
    if language == "zh":
        confirm = f"由另一名系统用户运行 subsidy-ledger waiting confirm {step.waiting}"
        return f"{title.zh}：等待另一人确认，尚未生效 — {confirm}"
    confirm = f"have another user of the operating system run: subsidy-ledger waiting confirm {step.waiting}"
    return f"{title.en} waits for a second person; nothing is done yet — {confirm}"


def damage_message(database: str, language: str) -> str | None:
    """What is damaged and the mend, after an error that no caller can cause; ``None`` where nothing is.

    It reads the database as the doctor does.
    """
    from services.doctor.run import find_damage  # loads the Kafka client

    finding = find_damage(database, utc_now())
    if finding is None:
        return None
    english = language == "en"
    statement, mend = (finding.en, finding.mend_en) if english else (finding.zh, finding.mend_zh)
    return f"{statement} — {mend}"


def _fault_line(fault: Fault, language: str) -> str:
    words = describe_fault(fault, language)
    return f"{words['field']}: {words['rule']} — {words['mend']}"
