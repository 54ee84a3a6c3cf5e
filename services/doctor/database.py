"""The database: reachable, of the right version, durable, with room left."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ledger.audit import watching
from ledger.audit.tables.emptied import NEW, what_is_emptied
from ledger.store import sqlite
from ledger.store.application import SCHEMES, Ledger, open_ledger
from ledger.store.rows import DamagedStore, Rows, StoreUnavailable, UnsuitableStore, WriteRefused
from ledger.store.schema.comparing import check_schema
from ledger.store.schema.index_rows import index_faults
from services.doctor.findings import GIB, Finding, Limits, error, ok, warning


def open_database(database: str, pages_bytes_max: int) -> tuple[Ledger | None, list[Finding]]:
    """The ledger, or why it cannot be opened.

    A file is read page by page before it is opened for good: nothing then writes to a damaged one, not
    even what copies its write-ahead log into it. One larger than ``pages_bytes_max`` is opened at once.
    """
    file = None if database.startswith((*SCHEMES, sqlite.IN_MEMORY)) else Path(database)
    try:
        if file is not None and (not file.is_file() or file.stat().st_size <= pages_bytes_max):
            sqlite.look_into(database, partial(_check_pages, path=database))
        return open_ledger(database, create=False), [
            ok("database.open", "数据库可用", "the database answers")
        ]
    except StoreUnavailable as fault:
        return None, [store_finding(fault)]
    except Exception as fault:  # a damaged file may hold anything where a program looks for its tables
        return None, [unreadable_finding(fault)]


def _check_pages(rows: Rows, path: str) -> None:
    """Have SQLite look at every page, table and index of a file.

    Raises:
        DamagedStore: naming the tables that are concerned.
    """
    for fault in index_faults(rows):
        raise DamagedStore("database.damaged", path=path, reason=fault)


def unreadable_finding(fault: Exception) -> Finding:
    """What could not be looked at: something stored is not as the ledger writes it."""
    reason = " ".join(f"{type(fault).__name__}: {fault}".split())[:REASON_CHARS_MAX]
    return store_finding(DamagedStore("database.unreadable-row", reason=reason))


def store_finding(fault: StoreUnavailable) -> Finding:
    """Why a database cannot be used or reached, with its mend."""
    if isinstance(fault, UnsuitableStore):
        return error("database.unsuitable", *_statement_and_mend(fault))
    return error("database.away", *_statement_and_mend(fault))


def _statement_and_mend(fault: StoreUnavailable) -> tuple[tuple[str, str], tuple[str, str]]:
    """What the store would refuse, in its own words: each (Chinese, English)."""
    (zh, mend_zh), (en, mend_en) = fault.words("zh"), fault.words("en")
    return (zh, en), (mend_zh, mend_en)


def check(ledger: Ledger, rows: Rows, limits: Limits) -> Iterator[Finding]:
    """The findings about an open database: version, durability, archive, disk."""
    yield from _sqlite(rows) if ledger.dialect == "sqlite" else _postgres(rows)
    yield _writable(ledger, rows)
    yield from _schema(rows)
    yield _disk(watching.disk_free(ledger, rows), limits)


REASON_CHARS_MAX = 300
"""Of what a program says that met something unreadable."""
_READ_ONLY = "default_transaction_read_only"
SHOWN_MAX = 5
"""Most differences of the schema that one line names."""


def _schema(rows: Rows) -> Iterator[Finding]:
    """The live schema beside the one that ``migrate`` makes."""
    faults = check_schema(rows)
    if not faults:
        yield ok(
            "database.schema",
            "表、键、索引都与新建的一致，没有触发器和规则",
            "tables, keys and indexes are those of a new database; no triggers, no rules",
        )
        return
    more_zh, more_en = ("……", " …") if len(faults) > SHOWN_MAX else ("", "")
    zh = "；".join(fault.zh for fault in faults[:SHOWN_MAX])
    en = "; ".join(fault.en for fault in faults[:SHOWN_MAX])
    mend = (
        "停止写入，查明是谁改的；与新建的数据库逐项对比后改回，再运行 subsidy-ledger audit",
        "stop writing, find out who changed it, put it back as on a new database, then audit",
    )
    statement = f"数据库结构有 {len(faults)} 处不同：{zh}{more_zh}", f"the schema differs: {en}{more_en}"
    yield error("database.schema", statement, mend)


def check_emptied(rows: Rows, key_file: Path) -> Iterator[Finding]:
    """Whether the ledger holds any event; beside a signing key or a checkpoint, none is an error."""
    emptied = what_is_emptied(rows, key_file)
    if emptied is not None:
        is_new = emptied.fault.code == NEW
        yield (warning if is_new else error)("database.empty", *_statement_and_mend(emptied))


def _writable(ledger: Ledger, rows: Rows) -> Finding:
    """Whether facts can be recorded, as far as can be seen without recording any."""
    file = watching.database_file(ledger, rows)
    if ledger.dialect == "sqlite":
        is_writable = file is None or _is_writable(file)
        reason = {"zh": f"{file} 或其文件夹", "en": f"{file} or its folder"}
    else:
        standby, read_only = rows.all("SELECT pg_is_in_recovery(), current_setting(?)", [_READ_ONLY])[0]
        is_writable = not standby and read_only == "off"
        reason = {"zh": "备用库", "en": "a standby"} if standby else dict.fromkeys(("zh", "en"), _READ_ONLY)
    if is_writable:
        return ok("database.writable", "数据库可以写入", "the database can be written to")
    fault = WriteRefused("database.read-only", reason=reason)
    return error("database.writable", *_statement_and_mend(fault))


def _is_writable(file: Path) -> bool:
    return all(os.access(place, os.W_OK, effective_ids=True) for place in (file, file.parent))


def _sqlite(rows: Rows) -> Iterator[Finding]:
    yield ok("database.version", f"SQLite {sqlite3.sqlite_version}", f"SQLite {sqlite3.sqlite_version}")
    journal, synchronous = (rows.all(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous"))
    if journal != "wal" or synchronous != 2:
        statement = (
            f"journal_mode={journal}，synchronous={synchronous}",
            f"journal_mode={journal}, synchronous={synchronous}",
        )
        mend = "让程序自己打开数据库，不要改这两项", "let the program open it; change neither"
        yield error("database.durability", statement, mend)
    else:
        yield ok("database.durability", "提交即落盘（WAL，FULL）", "a commit is on the disk (WAL, FULL)")


def _postgres(rows: Rows) -> Iterator[Finding]:
    names = ("server_version", "archive_mode", "data_checksums")
    version, archive, checksums = (str(rows.all(f"SHOW {name}")[0][0]) for name in names)
    yield ok("database.version", f"PostgreSQL {version}", f"PostgreSQL {version}")
    # fsync and its like are looked at whenever the ledger is opened; it refuses to open without.
    yield ok(
        "database.durability",
        "提交即落盘（fsync 等已开）",
        "a commit is on the disk (fsync and its like are on)",
    )
    if archive == "off":
        statement = (
            "没有归档，只能恢复到上次备份",
            "nothing is archived: only the last backup can be restored",
        )
        mend = (
            "按 docs/operator.md 设 archive_mode 和 archive_command",
            "set archive_mode as docs/operator.md says",
        )
        yield warning("database.archive", statement, mend)
    else:
        yield from _archiver(rows)
    if checksums != "on":
        statement = "数据页没有校验和，磁盘损坏不易发现", "pages have no checksums: a bad disk is found late"
        mend = "停库后运行 pg_checksums --enable", "stop the server and run pg_checksums --enable"
        yield warning("database.checksums", statement, mend)


def _archiver(rows: Rows) -> Iterator[Finding]:
    sql = (
        "SELECT failed_count, last_failed_wal FROM pg_stat_archiver WHERE last_failed_time IS NOT NULL "
        "AND (last_archived_time IS NULL OR last_failed_time > last_archived_time)"
    )
    failures = rows.all(sql)
    if not failures:
        yield ok("database.archive", "归档正常", "the archive takes the log")
        return
    statement = (
        f"归档失败 {failures[0][0]} 次，最近是 {failures[0][1]}",
        f"archiving failed {failures[0][0]} times, last {failures[0][1]}",
    )
    mend = (
        "看 PostgreSQL 日志；归档恢复前磁盘会一直增长",
        "read PostgreSQL's log; until it works the disk fills",
    )
    yield error("database.archive", statement, mend)


def _disk(free: int | None, limits: Limits) -> Finding:
    if free is None:
        return ok(
            "database.disk",
            "磁盘在数据库服务器上，这里看不到；请在那里监视",
            "the disk is the server's: watch it there",
        )
    statement = f"数据库所在磁盘剩 {free / GIB:.1f} GiB", f"{free / GIB:.1f} GiB left where the database lies"
    mend = (
        "扩大磁盘，或移走旧备份；写满后不能入账",
        "enlarge the disk or move old backups; a full one takes nothing",
    )
    if free < limits.disk_error:
        return error("database.disk", statement, mend)
    return (
        warning("database.disk", statement, mend)
        if free < limits.disk_warning
        else ok("database.disk", *statement)
    )
