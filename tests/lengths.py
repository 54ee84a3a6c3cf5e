"""How long the tests go on that could go on for ever: short among all tests, long on their own.

``bash .ci/test --long`` runs each at its long length; a variable sets one of them to any length, for
a soak: ``SUBSIDY_TEST_KILLS=1000 bash .ci/test tests/e2e/test_killed_ingest.py``. The pages for
contributors list all of them (a test says so).
"""

from __future__ import annotations

import os
from typing import NamedTuple

ALL_LONG = "SUBSIDY_TEST_LONG"
"""Set to 1 by ``--long``, so that the processes of a run agree."""


class Length(NamedTuple):
    """One test's length, and of what: in zh-CN and English."""

    short: int
    long: int
    zh: str
    en: str


LENGTHS = {
    "SUBSIDY_TEST_MACHINE": Length(
        14, 60, "逐步与模型对照的两年办理过程", "lives of two years, step by step beside a model"
    ),
    "SUBSIDY_TEST_EXAMPLES": Length(
        25, 60, "检验账本各项性质的历史", "histories that every property of the ledger is tried on"
    ),
    "SUBSIDY_TEST_MOMENTS": Length(
        30, 60, "与重放结果对照的时点", "moments whose answers are held against a replay"
    ),
    "SUBSIDY_TEST_REQUESTS": Length(
        400, 600, "由接口文档生成的请求", "requests at the API, generated from its document"
    ),
    "SUBSIDY_TEST_KILLS": Length(10, 100, "读入一批数据时终止进程的次数", "kills of one ingest"),
    "SUBSIDY_TEST_CLOSING_KILLS": Length(5, 15, "办结一个年度时终止进程的次数", "kills of one closing"),
    "SUBSIDY_TEST_CLOSING_AWARDS": Length(5_000, 20_000, "所办结年度的奖励项数", "awards of that closing"),
    "SUBSIDY_TEST_CITY": Length(
        1_500,
        6_000,
        "各部件轮流终止时仍在报送的企业",
        "enterprises whose facts stream in while everything dies in turn",
    ),
    "SUBSIDY_TEST_BLOWS": Length(4, 8, "其间终止的进程和服务器", "processes and servers killed meanwhile"),
    "SUBSIDY_TEST_SOAK": Length(
        10,
        25,
        "混合负载的秒数，其间数据库和进程被终止",
        "seconds of mixed load while the database and workers die",
    ),
    "SUBSIDY_TEST_BACKUPS": Length(
        3, 6, "服务器的完整备份，只留两份", "full backups of a server, of which two are kept"
    ),
    "SUBSIDY_TEST_STALLS": Length(
        4,
        600,
        "十种停滞的客户端在旁时，受理请求的秒数",
        "seconds of requests beside clients that stall in ten ways",
    ),
    "SUBSIDY_TEST_STALL_SECONDS": Length(
        1,
        30,
        "客户端毫无进展多少秒后，服务断开",
        "seconds after which the service ends who makes no progress",
    ),
    "SUBSIDY_TEST_STALLED": Length(4, 20, "每种停滞的客户端个数", "clients that stall in each way"),
    "SUBSIDY_TEST_FLOOD": Length(
        800,
        100_000,
        "一家企业涌入的数据，其间别家照常得到答复",
        "messages of one enterprise, beside which others are answered",
    ),
    "SUBSIDY_TEST_DRILLS": Length(
        1,
        3,
        "恢复演练的遍数：到某一时点、到末尾、账本被改动过",
        "restore drills: to a moment, to the end, of an altered ledger",
    ),
    "SUBSIDY_TEST_REBUILD": Length(
        300, 300, "边收数边重建的账本中的企业", "enterprises of a ledger that is rebuilt while more arrive"
    ),
    "SUBSIDY_TEST_SHEET_ROWS": Length(
        6_000, 100_000, "限定内存下预览的表格行数", "rows of a spreadsheet, previewed in bounded memory"
    ),
    "SUBSIDY_TEST_COLUMNS": Length(
        25, 60, "逐企业和按列各算一遍的历史", "histories computed by enterprise and by column"
    ),
    "SUBSIDY_TEST_CELLS": Length(150, 400, "读取的各种单元格", "cells that a spreadsheet may hold, read"),
    "SUBSIDY_TEST_SHEETS": Length(25, 60, "读取的任意文字的表格", "spreadsheets of any text, read"),
    "SUBSIDY_TEST_DISAGREEMENTS": Length(
        25, 60, "任意先后到达的、互相矛盾的数据组", "sets of facts that disagree, in any order"
    ),
    "SUBSIDY_TEST_LINES": Length(
        10_000,
        100_000,
        "限定内存下写出的名单行数和付款笔数",
        "lines of a list and payments of a file, written in bounded memory",
    ),
    "SUBSIDY_TEST_SHEET_LINES": Length(
        1_600, 4_000, "限定内存下写成表格的名单行数", "lines of a list as a sheet, written in bounded memory"
    ),
    "SUBSIDY_TEST_MESSAGES": Length(
        150, 600, "两种解码器都要判断的、有笔误的数据", "messages with slips that both decoders judge"
    ),
    "SUBSIDY_TEST_DIVISIONS": Length(
        50, 150, "与独立算法对照的预算分配", "divisions of a budget beside an independent reckoning"
    ),
    "SUBSIDY_TEST_LOOKS": Length(
        1,
        4,
        "用 axe 检查每个网页时所取的配色和尺寸",
        "schemes and sizes in which each page is held against axe",
    ),
    "SUBSIDY_TEST_DAMAGES": Length(
        15,
        100,
        "数据库文件的损坏，每种都用各条命令去试",
        "damages of a database file, each met by every command",
    ),
    "SUBSIDY_TEST_SERVED_DAMAGES": Length(
        8,
        60,
        "服务在损坏的数据库文件上启动的次数",
        "damages of a file that the service is started on",
    ),
    "SUBSIDY_TEST_SERVER_DAMAGES": Length(
        4,
        100,
        "PostgreSQL 文件的损坏，以及同样多的数据表改动",
        "damages of a server's files, and as many of its tables",
    ),
    "SUBSIDY_TEST_ALTERED": Length(
        120,
        1_000,
        "两个核验程序都要判断的、被改动的审计包、凭据和名单",
        "altered bundles, receipts and lists that both verifiers judge",
    ),
    "SUBSIDY_TEST_MISSPELT": Length(
        60,
        300,
        "写错的字段名，类型检查须逐一指出",
        "names of fields misspelt, which the type check must report",
    ),
}


def length_of(variable: str) -> int:
    """How far a test goes in this run."""
    length = LENGTHS[variable]
    return int(os.environ.get(variable, length.long if os.environ.get(ALL_LONG) == "1" else length.short))
