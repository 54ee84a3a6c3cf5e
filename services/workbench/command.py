"""``subsidy-ledger-workbench``: the auditor's commands, each on a bundle or on the folder made from it."""

from __future__ import annotations

import argparse
import io
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from domain.log.notes import NoteError
from domain.money.amounts import MoneyError
from services.verify import Broken
from services.verify.command import printable
from services.verify.trust import add_key_options, add_trust_options
from services.workbench import answering
from services.workbench.papers.parties import PayeeFault
from services.workbench.sampling import FACTORS, SamplingFault
from services.workbench.tables import NotOpened, open_file

PURPOSE = (
    "审计工作台：由审计包离线办理，不连账本。"
    " The auditor's workbench: works offline from a bundle, without the ledger."
)
FAULTS = (
    Broken,
    NoteError,
    NotOpened,
    SamplingFault,
    PayeeFault,
    MoneyError,
    msgspec.ValidationError,
    OSError,
)
"""What an auditor's input can cause; each says in words what is wrong."""
Answer = Callable[[argparse.Namespace, sqlite3.Connection], int]


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 is done, 1 found something that does not match, 2 could not work."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    answer: Answer | None = options.answer
    try:
        if answer is None:
            return answering.open_year(options)
        with closing(open_file(options.folder)) as file:
            return answer(options, file)
    except FAULTS as error:
        words = f"{error.zh} · {error}" if isinstance(error, NoteError) else str(error)
        print(printable(f"! {words}"), file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="subsidy-ledger-workbench", description=PURPOSE)
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    opening = verbs.add_parser("open", help="核对审计包并展开 · verify a bundle and open it")
    opening.add_argument("bundle", type=Path)
    opening.add_argument("folder", type=Path)
    add_trust_options(opening)
    opening.add_argument("--witnesses", type=int, default=0, help="how many other keys must have signed")
    opening.set_defaults(answer=None)

    def add(name: str, words: str, answer: Answer) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=words)
        verb.add_argument("folder", type=Path)
        verb.add_argument("--lang", choices=("zh", "en"), default="zh")
        verb.set_defaults(answer=answer)
        return verb

    papers = add("papers", "出具全部底稿 · write all papers", answering.write_all)
    for name in ("materiality", "performance", "trivial"):
        papers.add_argument(f"--{name}", metavar="CNY", help="100000.00")
    papers.add_argument("--confidence", type=int, choices=sorted(FACTORS))
    papers.add_argument("--seed")
    papers.add_argument("--payees", help="CSV: credit code, account")
    papers.add_argument("--pdf", action="store_true", help="also as PDF, by LibreOffice")
    history = add("history", "一家企业的全部记录 · everything of an enterprise", answering.show_history)
    history.add_argument("code")
    explain = add("explain", "奖励测算依据 · why its awards are what they are", answering.show_explanation)
    explain.add_argument("code")
    trail = add("trail", "从付款追溯到材料 · from a payment to its evidence", answering.show_trail)
    trail.add_argument("sought", metavar="PAYMENT|CODE")
    sample = add("sample", "抽样 · draw a sample", answering.draw_sample)
    sample.add_argument("method", choices=("mus", "random", "judgement"))
    sample.add_argument("--count", type=int, default=25, help="of a random sample")
    sample.add_argument("--list", type=Path, help="CSV of a judgemental one: code or payment, reason")
    evaluate = add("evaluate", "由样本错误推断总体 · project the errors found", answering.evaluate_errors)
    evaluate.add_argument("errors", type=Path, help="CSV: payment, amount in the books, amount audited")
    add("opinion", "审计意见草稿 · a draft of the opinion", answering.draft_opinion)
    serve = add("serve", "本机页面 · a page on this machine", answering.serve)
    serve.add_argument("--port", type=int, default=8787)
    sign = add("sign", "签署底稿 · sign the papers", answering.sign_all)
    sign.add_argument("--witness-key", type=Path, required=True)
    sign.add_argument("--name", help="makes the key where there is none")
    check = add("check", "核对签署的底稿 · check signed papers", answering.check_signature)
    add_key_options(check)
    return parser
