"""Commands for auditors: diff, checkpoints, proofs, bundles, and the audit of a live ledger."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from domain.log.notes import Checkpoint, VerifierKey, parse_note
from ledger.audit import bundle as bundles
from ledger.audit import checkpoints
from ledger.audit.check import check_log
from ledger.audit.restores import check_key_record
from ledger.audit.steps import difference
from ledger.audit.tables.publisher_keys import list_earlier_keys
from ledger.log.digests import count_unstated
from ledger.reading.records import UnknownEnterprise
from ledger.replay.comparison import replay
from ledger.settlement.open_matters import list_open_matters
from services.cli.common import Context, json_option, print_json, rules_options, rules_text
from services.cli.desk.open_matters import print_sums
from services.cli.operating.conclusion import Examination, conclude
from services.cli.progress import show_progress
from services.cli.signing_key import FILE, READABLE, key_file_of, key_option, one_line_errors, signer
from services.cli.statuses import ExitStatus, end_with
from services.cli.subject import policy_options
from services.cli.tables import Codes, Money, Names, Sums, csv_option, list_differences, note, table
from services.web.amounts import read_currencies
from services.web.exports import whole_or_nothing


@click.command()
@click.argument("code", required=False)
@click.option("--budget", "whole_budget", is_flag=True, help="The whole budget in place of one enterprise.")
@click.option("--from", "first", required=True, metavar="WHEN", help="What the ledger knew then.")
@click.option("--to", "second", metavar="WHEN", help="What it knew then; by default, now.")
@policy_options
@rules_options
@json_option
@csv_option
@click.pass_obj
def diff(
    context: Context,
    code: str | None,
    whole_budget: bool,
    first: str,
    second: str | None,
    policy: str,
    year: int,
    rules_as_of: str | None,
    rules: str | None,
    as_json: bool,
) -> None:
    """Show what changed between two moments of knowledge, and which events changed it."""
    if whole_budget == bool(code):
        zh, en = "写明一家企业的信用代码 CODE，或 --budget", "name one enterprise's CODE, or --budget"
        raise click.UsageError(context.words(zh, en))
    with context.ledger() as ledger, ledger.store.reading() as rows:
        axes = rules_as_of, rules_text(rules)
        answer = difference(ledger, rows, code, policy, year, first, second, *axes)
        currency = read_currencies(rows)[policy]
    if as_json:
        print_json(answer)
        return
    words = context.words
    note(f"{policy} {year}  #{answer['from']} → #{answer['to']}")
    for event in answer["events"]:
        source = f"{event['event']}  {event['subject']}  {event['id']}"
        note(f"#{event['position']}  {event['recorded_at']}  {source}")
    heads = [Codes(words("企业", "Enterprise")), Names(words("条款", "Measure"))]
    sums = [Sums(words("此前", "Before")), Sums(words("此后", "After"))]
    lines = [
        (
            award["enterprise"],
            award["measure"],
            *(Money.read(award[at], currency) for at in ("before", "after")),
        )
        for award in answer["awards"]
    ]
    table(words("应兑现的变动", "What is payable"), [*heads, *sums], lines)
    before, after = answer["budget_before"], answer["budget_after"]
    note(f"{words('系数', 'factor')} {before['factor']} → {after['factor']}")
    if before["stage"] != after["stage"]:
        note(f"{words('年度兑现', 'settlement')} {before['stage']} → {after['stage']}")


@click.command()
@key_option
@json_option
@click.pass_obj
def checkpoint(context: Context, key_file: Path | None, as_json: bool) -> None:
    """Sign a checkpoint of everything recorded so far, and print it."""
    with one_line_errors(), context.ledger() as ledger:
        note = checkpoints.current(ledger, signer(context, key_file))
    if as_json:
        signed = Checkpoint.parse(parse_note(note)[0])
        print_json({"origin": signed.origin, "size": signed.size, "root": signed.root.hex(), "note": note})
    else:
        click.echo(note, nl=False)


@click.command()
@click.argument("position", type=click.IntRange(1))
@click.option("--size", type=click.IntRange(1), help="In the log of this size; by default, all of it.")
@json_option
@click.pass_obj
def prove(context: Context, position: int, size: int | None, as_json: bool) -> None:
    """Prove that the event at a position is in the log."""
    with one_line_errors(), context.ledger() as ledger, ledger.store.reading() as rows:
        proof = checkpoints.prove_inclusion(rows, position, size)
    inclusion = {
        "position": proof.position,
        "size": proof.size,
        "leaf": proof.leaf.hex(),
        "salt": proof.salt.hex(),
    }
    path = [each.hex() for each in proof.path]
    if as_json:
        print_json({**inclusion, "path": path})
        return
    for name, value in inclusion.items():
        click.echo(f"{name:9} {value}")
    for value in path:
        click.echo(f"{'path':9} {value}")


@click.command("prove-consistency")
@click.argument("first", type=click.IntRange(1))
@click.argument("second", type=click.IntRange(1))
@json_option
@click.pass_obj
def prove_consistency(context: Context, first: int, second: int, as_json: bool) -> None:
    """Prove that the log of FIRST events is the beginning of the log of SECOND events."""
    with one_line_errors(), context.ledger() as ledger, ledger.store.reading() as rows:
        path = [each.hex() for each in checkpoints.prove_consistency(rows, first, second)]
    if as_json:
        print_json({"first": first, "second": second, "path": path})
    else:
        click.echo("\n".join(path))


@click.command()
@policy_options
@click.option("--enterprise", "code", metavar="CODE", help="Only one enterprise's part.")
@click.option("--checkpoint", "note_file", type=READABLE, help="A checkpoint of all events, e.g. cosigned.")
@click.option("--out", required=True, type=FILE, help="The file to write.")
@key_option
@click.pass_obj
def bundle(
    context: Context,
    policy: str,
    year: int,
    code: str | None,
    note_file: Path | None,
    out: Path,
    key_file: Path | None,
) -> None:
    """Write an audit bundle: a year, or one enterprise's part in it."""
    with (
        one_line_errors(),
        context.ledger() as ledger,
        show_progress(context.words("写入", "Writing")) as bar,
        whole_or_nothing(out) as part,
    ):
        key = signer(context, key_file)
        note = note_file.read_text("utf-8-sig") if note_file else checkpoints.current(ledger, key)
        size = Checkpoint.parse(parse_note(note)[0]).size
        if code:
            try:
                bundles.write_enterprise(ledger, part, code, policy, year, note, size, key)
            except LookupError:
                raise UnknownEnterprise(code) from None
        else:
            bundles.write_year(ledger, part, policy, year, note, size, bar.show)
    click.echo(f"{out}  {out.stat().st_size:,} bytes  {size:,} {context.words('条数据', 'events')}")


@click.command("audit")
@click.option("--key", "key_texts", multiple=True, metavar="VKEY", help="A public key that you trust.")
@click.option("--checkpoint", "notes", multiple=True, type=READABLE, help="A checkpoint that you kept.")
@json_option
@csv_option
@click.pass_obj
def audit_command(
    context: Context, key_texts: tuple[str, ...], notes: tuple[Path, ...], as_json: bool
) -> None:
    """Hash every event again, and build every balance again; exit with status 1 on findings."""
    words = context.words
    with (
        one_line_errors(),
        context.ledger(may_be_empty=True) as ledger,
        show_progress(words("核对日志", "Checking the log"), hidden=as_json) as bar,
    ):
        trusted_keys = [VerifierKey.parse(text) for text in key_texts]
        with ledger.store.reading() as rows:
            size = rows.last_position()
            findings = check_log(rows, trusted_keys, [n.read_text("utf-8-sig") for n in notes], bar.show)
            findings += check_key_record(rows, key_file_of(context, None))
            unstated = {} if findings else count_unstated(rows)
            earlier = () if findings else tuple(key.key_id for key in list_earlier_keys(rows))
            matters = [] if findings else list_open_matters(ledger, rows)
        with tempfile.TemporaryDirectory() as folder:
            differences: tuple[str, ...] = (
                () if findings else replay(ledger, f"{folder}/replica.db", bar.show).differences
            )
    count = len(findings) + len(differences)
    if as_json:
        log = [finding._asdict() for finding in findings]
        print_json({"position": size, "log": log, "read_models": list(differences)})
    else:
        wrong = [f"#{finding.position}  {finding.description}" for finding in findings]
        list_differences((*wrong, *differences), words("不符", "Difference"))
        clean = words("没有发现不符", "nothing found that does not match")
        note(f"{size:,} {words('条数据', 'events')}: {count or clean}")
        counted = len(key_texts), len(notes), earlier, unstated, matters
        done = Examination(size, count, not findings, *counted)
        for sentence in conclude(done):
            note(words(*sentence))
        for of_policy in matters if not count else ():
            if of_policy.matters:
                print_sums(context, of_policy)
    if findings or differences:
        end_with(ExitStatus.NOT_DONE)
