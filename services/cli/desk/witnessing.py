"""``subsidy-ledger cosign`` and ``witness``: for the audit office, with a key of its own."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from domain.log.notes import COSIGNATURE_V1, NoteError, SignerKey, VerifierKey
from domain.log.statements import apply_statements, read_key_statement, read_keys
from domain.log.witnessing import FindPath, keys_by_log, open_signed
from ledger.audit import checkpoints
from ledger.audit.checkpoints import load_or_make_key
from services.cli.common import Context
from services.cli.signing_key import FILE, READABLE, one_line_errors
from services.witness.proofs import fetch_proof, prove_from_bundle, read_proof
from services.witness.state import COSIGNED, WitnessState, cosign_checkpoint, hold_state

F = TypeVar("F", bound=Callable[..., Any])


def witness_options(command: F) -> F:
    """The witness's own key, the keys of logs that it trusts, and whether it begins with a log."""
    for option in (
        click.option("--first", is_flag=True, help="Begin with a log that this witness never cosigned."),
        click.option(
            "--statement", "statements", multiple=True, type=READABLE, help="What was published about keys."
        ),
        click.option(
            "--keys",
            "key_files",
            multiple=True,
            type=READABLE,
            help="A file of keys, as log-keys prints them.",
        ),
        click.option(
            "--key", "key_texts", multiple=True, metavar="VKEY", help="A public key that you trust."
        ),
        click.option(
            "--witness-key", required=True, type=FILE, help="The witness's key; made where there is none."
        ),
        click.option("--witness", required=True, help="The witness's name; it goes into its public key."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("note_file", type=READABLE)
@witness_options
@click.option(
    "--proof", "proof_file", type=READABLE, help="The proof that the log continues (prove-consistency)."
)
@click.option("--bundle", "bundle_file", type=READABLE, help="A year's bundle to take that proof from.")
@click.option("--service", metavar="URL", help="A service of the ledger to ask for that proof.")
@click.option("--out", type=FILE, help="Write the cosigned checkpoint here; by default, print it.")
@click.option("--keep", is_flag=True, help="Also keep the cosignature in the ledger.")
@click.pass_obj
def cosign(
    context: Context,
    note_file: Path,
    witness: str,
    witness_key: Path,
    key_texts: tuple[str, ...],
    key_files: tuple[Path, ...],
    statements: tuple[Path, ...],
    first: bool,
    proof_file: Path | None,
    bundle_file: Path | None,
    service: str | None,
    out: Path | None,
    keep: bool,
) -> None:
    """Verify a checkpoint, and sign it as a witness.

    The ledger's key must have signed it, and it must continue the one that was cosigned last.
    """
    find_path = _path_source(context, proof_file, bundle_file, service, keep)
    with one_line_errors():
        keys = _trusted_keys(key_texts, key_files, statements)
        note = note_file.read_text("utf-8-sig")
        signed = open_signed(note, keys)
        _prepare_key(witness_key, witness, keys, first)
        with hold_state(witness_key) as state:
            if first:
                _begin(state, [signed.checkpoint.origin])
            line = cosign_checkpoint(state, signed, None, find_path, int(time.time()))
            public = state.key.verifier
        if keep:
            with context.ledger() as ledger:
                checkpoints.cosign(ledger, signed.checkpoint.size, line, public)
    if out:
        out.write_text(note + line, "utf-8")
    else:
        click.echo(note + line, nl=False)
    click.echo(f"witness key: {public}", err=True)


@click.command("witness")
@click.option("--listen", required=True, metavar="HOST:PORT", help="The address to listen on.")
@witness_options
@click.pass_obj
def witness_command(
    context: Context,
    listen: str,
    witness: str,
    witness_key: Path,
    key_texts: tuple[str, ...],
    key_files: tuple[Path, ...],
    statements: tuple[Path, ...],
    first: bool,
) -> None:
    """Serve as a witness (C2SP tlog-witness).

    It runs until it is told to stop (SIGTERM), and needs no ledger.
    """
    from services.witness.service import make_witness_server  # only serving needs the web framework

    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        zh, en = (
            f"--listen {listen}：写成 地址:端口，如 127.0.0.1:7380",
            f"--listen {listen}: write HOST:PORT",
        )
        raise click.UsageError(context.words(zh, en))
    with one_line_errors():
        keys = _trusted_keys(key_texts, key_files, statements)
        _prepare_key(witness_key, witness, keys, first)
        with hold_state(witness_key) as state:
            if first:
                _begin(state, sorted(keys_by_log(keys)))
            for origin in keys_by_log(keys):
                if state.read_cosigned(origin) is None:
                    zh = f"本见证方从未会签过账本 {origin}：核对公钥后加 --first 开始"
                    raise NoteError(f"this witness never cosigned the log {origin}: begin with --first", zh)
            public = state.key.verifier
    server = make_witness_server(host, int(port), witness_key, keys)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    click.echo(f"http://{host}:{port} {public}")
    try:
        server.serve_forever()
    finally:
        server.server_close()


def _trusted_keys(
    texts: Sequence[str], files: Sequence[Path], statements: Sequence[Path]
) -> list[VerifierKey]:
    """The ledger's keys that count, those that were replaced with their ends.

    Raises:
        NoteError: where none is given, or one cannot be read.
    """
    lines = [*texts, *(file.read_text("utf-8-sig") for file in files)]
    read = read_keys("\n".join(lines))
    ended = [key for key in read if key.end]
    keys = [*ended, *(key for key in read if key not in ended)]  # an end that was told of counts
    if not keys:
        raise NoteError(
            "give the ledger's public key by --key (printed by subsidy-ledger log-keys, handed over by "
            "another channel): nothing is cosigned whose signature was not verified",
            "须用 --key 写明账本的公钥（subsidy-ledger log-keys 打印，当面或经公函取得）："
            "不核验账本签名的，不予会签",
        )
    return apply_statements(
        keys, [read_key_statement(file.read_text("utf-8-sig")) for file in statements]
    ).keys


def _prepare_key(file: Path, name: str, keys: Sequence[VerifierKey], first: bool) -> SignerKey:
    """The witness's key, made with its first log alone; no key of a ledger serves as one.

    Raises:
        NoteError: where it is gone, not there yet, another's, or a ledger's own.
    """
    if not file.exists() and (not first or file.with_name(file.name + COSIGNED).exists()):
        raise NoteError(
            f"the witness's key {file} is not there: put it back from its copy; to begin, give --first",
            f"见证方的密钥 {file} 不存在：由副本放回；首次会签加 --first",
        )
    key = load_or_make_key(file, name)
    if key.name != name:
        raise NoteError(
            f"{file} is the key of {key.name}, not of {name}", f"{file} 是 {key.name} 的密钥，不是 {name} 的"
        )
    if SignerKey(key.name, key.seed, COSIGNATURE_V1).verifier.public in [each.public for each in keys]:
        raise NoteError(
            "a witness signs with a key of its own, not the ledger's", "见证方须用自己的密钥，不得用账本的"
        )
    return key


def _begin(state: WitnessState, origins: Sequence[str]) -> None:
    """Know logs from now on, of which one at least is new.

    Raises:
        NoteError: where each of them was begun before; trust on first use is for once.
    """
    new = [origin for origin in origins if origin not in state.notes]
    if not new:
        raise NoteError(
            f"this witness has begun with {', '.join(origins)} before: leave --first out",
            f"本见证方此前已开始会签 {'、'.join(origins)}：去掉 --first",
        )
    for origin in new:
        state.begin(origin)


def _path_source(
    context: Context, proof: Path | None, bundle: Path | None, service: str | None, keep: bool
) -> FindPath:
    """Where the proof comes from that the log continues; asked for only where one is needed."""

    def find_path(old: int, size: int) -> Sequence[bytes]:
        if old in (0, size):
            return ()
        if proof is not None:
            return read_proof(proof.read_text("utf-8-sig"))
        if bundle is not None:
            return prove_from_bundle(bundle, old, size)
        if service is not None:
            return fetch_proof(service, old, size)
        if keep:
            with context.ledger() as ledger, ledger.store.reading() as rows:
                return checkpoints.prove_consistency(rows, old, size)
        raise NoteError(
            f"{old} events are cosigned: prove that the {size} continue them, by --proof FILE (printed by "
            f"subsidy-ledger prove-consistency {old} {size}), --bundle FILE or --service URL",
            f"此前已会签 {old} 条：须证明现有 {size} 条是其延续，用 --proof 文件（由 subsidy-ledger "
            f"prove-consistency {old} {size} 打印）、--bundle 审计包 或 --service 网址",
        )

    return find_path
