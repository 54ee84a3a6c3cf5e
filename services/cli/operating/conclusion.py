"""How an audit ends: what was checked, what was not and why, and what to do, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ledger.settlement.open_matters import OpenMatters
from ledger.store.schema.audited import AUDITED, Guarding
from services.verify.conclusion import NO_CHECKPOINT
from services.verify.open_matters import conclude_open
from services.verify.sentences import Sentence


class Examination(NamedTuple):
    """What an audit was given, and what it found."""

    events: int
    findings: int
    was_replayed: bool
    keys: int
    """Public keys that its reader trusts."""
    checkpoints: int
    """Checkpoints that its reader kept elsewhere."""
    earlier_keys: tuple[str, ...] = ()
    """Numbers of publishers' keys that were made before keys were recorded."""
    unstated: Mapping[str, int] = {}
    """By table, how many rows the log does not state yet."""
    matters: Sequence[OpenMatters] = ()
    """What is open, by policy."""


def conclude(examination: Examination) -> list[Sentence]:
    """The sentences that an audit ends with, in order."""
    return [*_checked(examination), *_not_checked(examination), _advice(examination), *_open(examination)]


def _open(done: Examination) -> list[Sentence]:
    """What is open, which says nothing against the figures; not where something differs."""
    if done.findings:
        return []
    return [
        conclude_open(each.matters, each.currency, f"{each.policy} {each.year}")
        for each in done.matters
        if each.matters
    ]


def _checked(done: Examination) -> list[Sentence]:
    tables = sum(each.guarding is not Guarding.NEITHER for each in AUDITED.values())
    zh = f"已核对：全部 {done.events:,} 条数据的散列和身份、{tables} 张表、数据库的结构"
    en = f"Checked: hashes and identities of {done.events:,} events, {tables} tables, the database's schema"
    sentences = [Sentence(f"{zh}。", f"{en}.")]
    if done.checkpoints and not done.findings:
        sentences.append(
            Sentence(
                f"与外部留存的 {done.checkpoints} 个检查点相符。",
                f"It agrees with the {done.checkpoints} checkpoints that were kept elsewhere.",
            )
        )
    return sentences


def _not_checked(done: Examination) -> list[Sentence]:
    tables = ", ".join(name for name, each in AUDITED.items() if each.guarding is Guarding.NEITHER)
    sentences = [
        Sentence(
            f"未核对的表：{tables}；原因见 docs/audited.md。",
            f"Tables that are not checked: {tables}; docs/audited.en.md says why.",
        )
    ]
    unstated = ", ".join(f"{table} {count:,}" for table, count in done.unstated.items() if count)
    if unstated:
        sentences.append(
            Sentence(
                f"尚未以摘要记入日志的行（只有校验和）：{unstated}；记入用 subsidy-ledger log-rows。",
                f"Rows that the log does not state yet (they have the sum alone): {unstated}; "
                "subsidy-ledger log-rows states them.",
            )
        )
    if done.earlier_keys:
        count, numbers = len(done.earlier_keys), ", ".join(done.earlier_keys)
        sentences.append(
            Sentence(
                f"有 {count} 个报送密钥在发放记入日志之前发放，由谁发放没有记录：{numbers}。",
                f"{count} keys of publishers were made before keys were recorded in the log; by whom is "
                f"not recorded: {numbers}.",
            )
        )
    if not done.checkpoints:
        sentences.append(NO_CHECKPOINT)
    if not done.keys:
        sentences.append(
            Sentence(
                "没有给出公钥，检查点的签名没有验证；请用 --key 给出。",
                "No public key was given, so no signature was verified; give those that you trust by --key.",
            )
        )
    if not done.was_replayed:
        sentences.append(
            Sentence(
                "日志或表已有不符，没有再重放各项结果。",
                "Since something differs already, the results were not replayed.",
            )
        )
    return sentences


def _advice(done: Examination) -> Sentence:
    if not done.findings:
        return Sentence("结论：没有发现不符。", "Conclusion: nothing was found that does not match.")
    return Sentence(
        f"结论：有 {done.findings} 处不符，见上。请停止写入，保留现场，查明是谁改的，"
        "再按 docs/operations/runbooks.md 处理。",
        f"Conclusion: {done.findings} things do not match, see above. Stop writing, keep all as it is, "
        "find out who changed it, then follow docs/operations/runbooks.md.",
    )
