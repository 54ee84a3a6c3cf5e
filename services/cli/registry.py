"""Every command of the command line: its name, where it is defined, and the line of ``--help`` about it.

A command's module is imported when the command is run or its own help is asked for; the list of commands
is shown without any. To add a command: define it in a module, and name it here.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, MutableMapping
from typing import NamedTuple

import click


class CommandEntry(NamedTuple):
    """One command: ``place`` is ``module:attribute`` below ``services.cli``."""

    name: str
    place: str
    summary: str

    def load(self) -> click.Command:
        """Import the command's module; the command."""
        module, _, attribute = self.place.partition(":")
        command: click.Command = getattr(importlib.import_module(f"services.cli.{module}"), attribute)
        return command


ENTRIES = (
    CommandEntry(
        "adjust",
        "desk.settle:adjust",
        "Accept AMOUNT yuan that late facts add to a closed year's award into an open year's budget.",
    ),
    CommandEntry(
        "adjustments",
        "desk.settle:adjustments",
        "List what late facts would change in a closed year's awards. 待调整事项。",
    ),
    CommandEntry(
        "adopt", "policies.policy:adopt", "Adopt a policy file, or a new version of one, into the ledger."
    ),
    CommandEntry(
        "amend",
        "desk.amend:amend",
        "Correct or retract what a source said: an officer proposes, a reviewer confirms. 更正、撤回。",
    ),
    CommandEntry(
        "asyncapi",
        "policies.schemas:asyncapi",
        "Print the AsyncAPI 3.0 document of what comes and goes on Kafka.",
    ),
    CommandEntry(
        "audit",
        "operating.audit:audit_command",
        "Hash every event again, and build every balance again; exit with status 1 on findings.",
    ),
    CommandEntry(
        "backup",
        "operating.operations:backup",
        "Copy the ledger to the file DEST while others write, with a signed checkpoint beside it.",
    ),
    CommandEntry("balance", "reading.reads:balance", "Show one enterprise's balance of a year."),
    CommandEntry(
        "budget", "reading.reads:budget", "Show the budget of a year: what shares it, and the factor."
    ),
    CommandEntry(
        "bundle", "operating.audit:bundle", "Write an audit bundle: a year, or one enterprise's part in it."
    ),
    CommandEntry(
        "check",
        "policies.workshop:check",
        "Check a policy file without a ledger; every fault is named with its line.",
    ),
    CommandEntry(
        "check-page",
        "desk.receipts:check_page",
        "Write the page on which anyone checks receipts and lists, offline; with this ledger's keys.",
    ),
    CommandEntry(
        "checkpoint",
        "operating.audit:checkpoint",
        "Sign a checkpoint of everything recorded so far, and print it.",
    ),
    CommandEntry(
        "claim", "desk.claims:claim", "Claims: submit, review, approve, reject, withdraw, appeal. 申报。"
    ),
    CommandEntry("clawback", "desk.pay:clawback", "Order AMOUNT yuan back from the enterprise CODE. 追回。"),
    CommandEntry(
        "consume", "operating.streams:consume", "Take in facts from Kafka until told to stop (SIGTERM)."
    ),
    CommandEntry(
        "cosign",
        "operating.audit:cosign",
        "Sign a checkpoint as a witness, with a key that the ledger does not hold.",
    ),
    CommandEntry(
        "diff",
        "operating.audit:diff",
        "Show what changed between two moments of knowledge, and which events changed it.",
    ),
    CommandEntry(
        "disagreements",
        "desk.disagreements:disagreements",
        "List facts that disagree, and decide which of them count. 数据不一致。",
    ),
    CommandEntry(
        "doctor",
        "operating.operations:doctor",
        "Look at everything that can be wrong; exit with 0 (well), 1 (warnings) or 2 (errors).",
    ),
    CommandEntry(
        "documents",
        "desk.documents:documents",
        "Write the public list, the payment table, a decision letter or the year's report. 公文。",
    ),
    CommandEntry(
        "enterprises",
        "reading.targets:enterprises",
        "List enterprises, or those with TEXT in the name or at the beginning of the credit code.",
    ),
    CommandEntry(
        "erase-person",
        "desk.persons:erase_person",
        "Erase the name that a claim keeps, for good; every event and proof stays as it is.",
    ),
    CommandEntry("explain", "reading.reads:explain", "Explain why an enterprise gets each fen of a year."),
    CommandEntry(
        "export", "reading.export:export", "Write the books of the budget period that a year belongs to."
    ),
    CommandEntry(
        "history",
        "operating.audit:history",
        "Show an enterprise's history: each event, what it changed, the balance after.",
    ),
    CommandEntry(
        "ingest",
        "intake.ingest:ingest_command",
        'Take in FILE, one CloudEvents message a line ("-" for standard input), or a spreadsheet.',
    ),
    CommandEntry(
        "keys",
        "operating.keys:keys",
        "Keys of upstream systems: each may publish events of one source only. 上游密钥。",
    ),
    CommandEntry(
        "log-keys",
        "operating.signing:log_keys",
        "Print the public keys that verify the ledger's checkpoints: today's first, then retired ones.",
    ),
    CommandEntry(
        "log-rows",
        "operating.stating:log_rows",
        "State in the log, by digest, looks, refused messages and certificates that it does not state yet.",
    ),
    CommandEntry(
        "looks",
        "reading.looks:looks",
        "List the last reads of enterprises' data: who, when, from where, what.",
    ),
    CommandEntry(
        "migrate",
        "operating.streams:migrate",
        "Create or upgrade the database's tables; safe to run twice, and while others serve.",
    ),
    CommandEntry("outlook", "reading.reads:outlook", "Show what an enterprise could still earn in a year."),
    CommandEntry(
        "pay", "desk.pay:pay", "Pay a closed year: order, write the bank's file, read its answers. 拨付。"
    ),
    CommandEntry("policies", "policies.policy:policies", "List the adopted policies."),
    CommandEntry(
        "policy",
        "policies.policy:workshop",
        "The policy workshop: check a file, run its worked cases, compare versions, try it on real facts.",
    ),
    CommandEntry("prove", "operating.audit:prove", "Prove that the event at a position is in the log."),
    CommandEntry(
        "prove-consistency",
        "operating.audit:prove_consistency",
        "Prove that the log of FIRST events is the beginning of the log of SECOND events.",
    ),
    CommandEntry(
        "publish",
        "operating.streams:publish",
        "Publish changes of balances and accounts, closings, and checkpoints until told to stop (SIGTERM).",
    ),
    CommandEntry(
        "rebuild",
        "operating.rebuild:rebuild",
        "Build the read models anew beside the live ones, and swap them in only when they are equal.",
    ),
    CommandEntry(
        "receipt",
        "desk.receipts:receipt",
        "Write the receipt of the enterprise CODE for a closed year. 兑现凭据。",
    ),
    CommandEntry(
        "recovered",
        "desk.pay:recovered",
        "Record that the enterprise CODE paid AMOUNT yuan back. 追回到账。",
    ),
    CommandEntry(
        "refused", "reading.reads:refused", "List what was refused, newest first, with the reasons."
    ),
    CommandEntry(
        "replay",
        "reading.reads:replay_command",
        "Build every balance again from position 0, and compare with the live ones.",
    ),
    CommandEntry(
        "replace-lost-key",
        "operating.signing:replace_lost_key",
        "Make a new signing key where the old one was lost; its statement is signed by the new key alone.",
    ),
    CommandEntry(
        "replay-dead-letters",
        "operating.streams:replay_dead_letters",
        "Send dead letters to the topic of facts again: corrected ones, or those that now pass.",
    ),
    CommandEntry(
        "restored",
        "operating.signing:restored",
        "Record that the ledger was restored from a copy of before, so that its key may sign again.",
    ),
    CommandEntry(
        "rotate-key",
        "operating.signing:rotate_key",
        "Put a new signing key in place of the old one; both sign the last checkpoint and a statement.",
    ),
    CommandEntry(
        "sample",
        "operating.sample:sample",
        "Make a sample city's year, take it in, and show budget, factor and the largest balances.",
    ),
    CommandEntry("serve", "operating.serve:serve", "Serve the API."),
    CommandEntry(
        "set-budget",
        "policies.policy:set_budget_command",
        'Set the budget of a PERIOD (a year, or "life") to AMOUNT, in the policy\'s currency.',
    ),
    CommandEntry(
        "sessions",
        "operating.sessions:sessions",
        "List who is signed in to the pages, and end sessions.",
    ),
    CommandEntry(
        "settle", "desk.settle:settle", "Settle a year: propose, publish, hear objections, close. 年度兑现。"
    ),
    CommandEntry(
        "sheet", "intake.sheet:sheet", "Spreadsheets of facts: templates to fill in. 电子表格模板。"
    ),
    CommandEntry(
        "targets",
        "reading.targets:targets",
        "Show progress towards the policy's targets: in all, by month, by town, or by lead unit.",
    ),
    CommandEntry(
        "things",
        "desk.things:spellings",
        "List facts that may be one thing in several spellings, and decide. 同一事项的不同写法。",
    ),
    CommandEntry(
        "trace",
        "reading.trace:trace",
        "Follow a correlation id, or one event, to awards, the published list and payments.",
    ),
    CommandEntry(
        "verify-backup",
        "operating.operations:verify_backup",
        "Open the backup FILE elsewhere, hash every event again, replay everything; exit 1 on differences.",
    ),
    CommandEntry(
        "waiting",
        "desk.waiting:waiting",
        "Steps that need two persons: list, show, confirm, withdraw. 待第二人确认。",
    ),
    CommandEntry(
        "what-if",
        "reading.reads:what_if_command",
        "Change rules, readings, figures or the budget, and see who gains and who loses; "
        "nothing is recorded.",
    ),
)


class LazyCommands(MutableMapping[str, click.Command]):
    """The commands by name; each is imported when it is first looked up."""

    def __init__(self, entries: tuple[CommandEntry, ...] = ENTRIES) -> None:
        self._entries = {entry.name: entry for entry in entries}
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            self._loaded[name] = self._entries[name].load()
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        raise TypeError(f"{name}: commands are named in ENTRIES")

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"{name}: commands are named in ENTRIES")

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
