"""The keys: the one that signs checkpoints, and those that tokens are checked against."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from domain.log.notes import NoteError, VerifierKey, open_checkpoint
from ledger.audit.restores import check_key_record, is_record_lost
from ledger.audit.rotation import NEW, trusted
from ledger.audit.tables.publisher_keys import list_earlier_keys
from ledger.intake.machine_keys import read_keys
from ledger.log.key_record import load_key, read_restores
from ledger.store.rows import Rows, read_row
from services.doctor.findings import Finding, error, ok, warning
from services.runtime.identity_settings import IdentitySettings
from services.web.identity.tokens import Keys, Refused

BACK = (
    "从离线备份恢复该文件；确已遗失则见 docs/operations/runbooks.md",
    "put the file back from its offline copy; where it is lost, see docs/operations/runbooks.md",
)

RESTORED = (
    "连接正确的数据库；确系恢复的，用 subsidy-ledger restored 登记",
    "connect the right database; where it was restored, record it with subsidy-ledger restored",
)
UNRECORDED = (
    "与外部留存的检查点比对（doctor --given）后，运行 subsidy-ledger checkpoint 重新记下",
    "compare with checkpoints kept elsewhere (doctor --given), then subsidy-ledger checkpoint writes it anew",
)
RECONCILED = (
    "该时刻之后的拨付须逐笔与银行核对；核对完毕的，此项仅供知悉",
    "compare each payment after that moment with the bank; once that is done this is for your information",
)


def check(rows: Rows, file: Path) -> Iterator[Finding]:
    """The signing key, and whether the last kept checkpoint is of it or of one that it followed."""
    row = read_row(rows, "SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1")
    if not file.exists():
        if row is None:
            zh, en = (
                "还没有签署密钥，首次签署时生成",
                "there is no signing key yet; the first checkpoint makes it",
            )
            yield ok("keys.signing", zh, en)
        else:
            statement = (
                f"签署密钥 {file} 不见了，而检查点已签过",
                f"the signing key {file} is gone, yet checkpoints were signed",
            )
            yield error("keys.signing", statement, BACK)
        return
    try:
        key, trusted_keys = load_key(file), trusted(file)
    except (OSError, NoteError) as fault:
        statement = f"签署密钥不能用：{fault}", f"the signing key cannot be used: {fault}"
        yield error("keys.signing", statement, BACK)
        return
    yield from _kept_well(file)
    yield from _continued(rows, file)
    if row is not None:
        bare = [replace(each, end=None) for each in trusted_keys if each.end and each.end.size >= int(row[0])]
        yield _vouched(str(row[1]), int(row[0]), [key.verifier, *bare])


def _continued(rows: Rows, file: Path) -> Iterator[Finding]:
    """Whether the log continues what the key signed last, and which restores it admits."""
    for finding in check_key_record(rows, file):
        statement = (
            f"账本不是密钥最后签署的那一份（恢复过，或是滞后的副本）：{finding.description}",
            f"the ledger is not the one that its key signed for last: {finding.description}",
        )
        yield error("keys.last", statement, RESTORED)
    if is_record_lost(rows, file):
        statement = (
            f"密钥旁没有 {file.name}.last：它最后签署的是哪一份，只有数据库在说",
            f"nothing beside the key says what it signed last ({file.name}.last): only the database does",
        )
        yield warning("keys.last", statement, UNRECORDED)
    for restore in read_restores(rows):
        statement = (
            f"账本曾恢复到 {restore.log_size:,} 条（{restore.until}），此前签署过 "
            f"{restore.signed_size:,} 条；登记人 {restore.actor}：{restore.reason}",
            restore.statement,
        )
        yield warning("keys.restored", statement, RECONCILED)


def _kept_well(file: Path) -> Iterator[Finding]:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        statement = (
            f"签署密钥 {file} 的权限是 {mode:o}，别人可读",
            f"the signing key {file} has mode {mode:o}: others may read it",
        )
        yield error(
            "keys.mode",
            statement,
            (f"chmod 600 {file}；若已被人读过则更换密钥", f"chmod 600 {file}; where read, rotate-key"),
        )
    else:
        yield ok(
            "keys.signing",
            "签署密钥可用，只有属主可读",
            "the signing key can be used; only its owner reads it",
        )
    if file.with_name(file.name + NEW).exists():
        statement = "更换密钥中途断了", "a rotation of the key was cut off"
        yield warning(
            "keys.rotation",
            statement,
            ("再运行 subsidy-ledger rotate-key", "run subsidy-ledger rotate-key again"),
        )


def _vouched(note: str, size: int, keys: list[VerifierKey]) -> Finding:
    try:
        open_checkpoint(note, keys)
    except NoteError as fault:
        statement = (
            f"{size:,} 条数据的检查点验证不过：{fault}",
            f"the checkpoint of {size:,} events does not verify: {fault}",
        )
        return error("keys.checkpoints", statement, BACK)
    zh = f"{size:,} 条数据的检查点验证通过"
    return ok("keys.checkpoints", zh, f"the checkpoint of {size:,} events verifies")


def check_publishers(rows: Rows) -> Iterator[Finding]:
    """The keys of publishers that are in use, and which of them are older than their record in the log."""
    in_use = {key.key_id for key in read_keys(rows) if key.revoked_at is None}
    earlier = [key.key_id for key in list_earlier_keys(rows) if key.key_id in in_use]
    zh, en = f"{len(in_use)} 个报送密钥在用", f"{len(in_use)} keys of publishers are in use"
    if earlier:
        zh += f"；其中 {len(earlier)} 个在发放记入日志之前发放，由谁发放没有记录：{'、'.join(earlier[:5])}"
        en += (
            f"; {len(earlier)} were made before keys were recorded in the log, by whom is not recorded: "
            f"{', '.join(earlier[:5])}"
        )
    yield ok("keys.publishers", zh, en)


def check_identity(settings: IdentitySettings, machine_keys: int) -> Iterator[Finding]:
    """Whether anyone can come in, and whether tokens can be checked."""
    if settings.mode == "local":
        yield ok(
            "identity.mode", "只服务本机，不核验身份", "this machine alone is served, without identities"
        )
    elif not settings.issuer:
        statement = (
            "要求身份而没有令牌签发者：任何人都不能登录",
            "identities are required and there is no issuer: nobody can come in",
        )
        mend = (
            "设 SUBSIDY_LEDGER_OIDC_ISSUER 和 SUBSIDY_LEDGER_OIDC_JWKS",
            "set SUBSIDY_LEDGER_OIDC_ISSUER and …_JWKS",
        )
        yield (warning if machine_keys else error)("identity.issuer", statement, mend)
    if not settings.issuer:
        return
    try:
        key_set = Keys(settings.jwks).for_token(None)
    except Refused:
        statement = (
            f"取不到签发者的公钥：{settings.jwks}",
            f"the issuer's keys cannot be had: {settings.jwks}",
        )
        mend = (
            "核对地址、网络和证书；文件须为 JWKS",
            "check address, network and certificate; a file must be a JWKS",
        )
        yield error("identity.jwks", statement, mend)
        return
    yield ok(
        "identity.jwks", f"签发者有 {len(key_set.keys)} 个公钥", f"the issuer has {len(key_set.keys)} keys"
    )
