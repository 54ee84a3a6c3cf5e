"""Every command of the command line: its name, where it is defined, and the line of ``--help`` about it.

A command's module is imported when it is run or its own help is asked for. To add one, name it here.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, MutableMapping
from typing import NamedTuple

import click


class Job(NamedTuple):
    """What a group of commands is for; the title stands above them in ``--help``."""

    zh: str
    en: str


JOBS = {
    "start": Job("开始使用", "Getting started"),
    "policy": Job("政策与预算", "Policies and budgets"),
    "facts": Job("数据", "Facts"),
    "read": Job("查询", "Balances and reasons"),
    "desk": Job("申报与公文", "Claims and documents"),
    "year": Job("年度兑现与拨付", "Settling and paying a year"),
    "audit": Job("审计与核验", "Audit and proof"),
    "operate": Job("运行维护", "Running the ledger"),
}


class CommandEntry(NamedTuple):
    """One command: ``place`` is ``module:attribute`` below ``services.cli``, ``job`` one of ``JOBS``."""

    name: str
    place: str
    job: str
    summary: str

    def load(self) -> click.Command:
        """Import the command's module; the command."""
        module, _, attribute = self.place.partition(":")
        command: click.Command = getattr(importlib.import_module(f"services.cli.{module}"), attribute)
        return command


ENTRIES = (
    CommandEntry(
        "sample",
        "operating.sample:sample",
        "start",
        "Make a sample city's year, take it in, and show budget, factor and the largest balances.",
    ),
    CommandEntry("serve", "operating.serve:serve", "start", "Serve the API."),
    CommandEntry(
        "migrate",
        "operating.migrating:migrate",
        "start",
        "Create or upgrade the database's tables, once the services are stopped; safe to run twice.",
    ),
    CommandEntry(
        "doctor",
        "operating.operations:doctor",
        "start",
        "Look at everything that can be wrong; exit with 0 (well), 1 (warnings) or 2 (errors).",
    ),
    CommandEntry("policies", "policies.policy:policies", "policy", "List the adopted policies."),
    CommandEntry(
        "adopt",
        "policies.policy:adopt",
        "policy",
        "Adopt a policy file, or a new version of one, into the ledger.",
    ),
    CommandEntry(
        "set-budget",
        "policies.policy:set_budget_command",
        "policy",
        'Set the budget of a PERIOD (a year, or "life") to AMOUNT, in the policy\'s currency.',
    ),
    CommandEntry(
        "check",
        "policies.files:check",
        "policy",
        "Check a policy file without a ledger; every fault is named with its line.",
    ),
    CommandEntry(
        "policy",
        "policies.workshop:workshop",
        "policy",
        "The policy workshop: check a file, run its worked cases, compare versions, try it on real facts.",
    ),
    CommandEntry(
        "what-if",
        "reading.what_if:what_if_command",
        "policy",
        "Change rules, readings, figures or the budget, and see who gains and who loses; "
        "nothing is recorded.",
    ),
    CommandEntry(
        "targets",
        "reading.targets:targets",
        "policy",
        "Show progress towards the policy's targets: in all, by month, by town, or by lead unit.",
    ),
    CommandEntry(
        "ingest",
        "intake.ingest:ingest_command",
        "facts",
        'Take in FILE, one CloudEvents message a line ("-" for standard input), or a spreadsheet.',
    ),
    CommandEntry("sheet", "intake.sheet:sheet", "facts", "Spreadsheets of facts: templates to fill in."),
    CommandEntry(
        "refused", "intake.refused:refused", "facts", "List what was refused, newest first, with the reasons."
    ),
    CommandEntry(
        "amend",
        "desk.amend:amend",
        "facts",
        "Correct or retract what a source said: an officer proposes, a reviewer confirms.",
    ),
    CommandEntry(
        "disagreements",
        "desk.disagreements:disagreements",
        "facts",
        "List facts that disagree, and decide which of them count.",
    ),
    CommandEntry(
        "things",
        "desk.things:spellings",
        "facts",
        "List facts that may be one thing in several spellings, and decide.",
    ),
    CommandEntry(
        "trace",
        "reading.trace:trace",
        "facts",
        "Follow a correlation id, or one event, to awards, the published list and payments.",
    ),
    CommandEntry(
        "enterprises",
        "reading.targets:enterprises",
        "read",
        "List enterprises, or those with TEXT in the name or at the beginning of the credit code.",
    ),
    CommandEntry("balance", "reading.balances:balance", "read", "Show one enterprise's balance of a year."),
    CommandEntry(
        "explain",
        "reading.explanations:explain",
        "read",
        "Explain why an enterprise gets each fen of a year.",
    ),
    CommandEntry(
        "outlook",
        "reading.explanations:outlook",
        "read",
        "Show what an enterprise could still earn in a year.",
    ),
    CommandEntry(
        "budget",
        "reading.budgets:budget",
        "read",
        "Show the budget of a year: what shares it, and the factor.",
    ),
    CommandEntry(
        "history",
        "reading.history:history",
        "read",
        "Show an enterprise's history: each event, what it changed, the balance after.",
    ),
    CommandEntry(
        "diff",
        "operating.audit:diff",
        "read",
        "Show what changed between two moments of knowledge, and which events changed it.",
    ),
    CommandEntry(
        "export",
        "reading.export:export",
        "read",
        "Write the books of the budget period that a year belongs to.",
    ),
    CommandEntry(
        "claim", "desk.claims:claim", "desk", "Claims: submit, review, approve, reject, withdraw, appeal."
    ),
    CommandEntry(
        "waiting",
        "desk.waiting:waiting",
        "desk",
        "Steps that need two persons: list, show, confirm, withdraw.",
    ),
    CommandEntry(
        "documents",
        "desk.documents:documents",
        "desk",
        "Write the public list, the payment table, a decision letter or the year's report.",
    ),
    CommandEntry(
        "settle", "desk.settle:settle", "year", "Settle a year: propose, publish, hear objections, close."
    ),
    CommandEntry(
        "adjustments",
        "desk.adjusting:adjustments",
        "year",
        "List what late facts would change in a closed year's awards.",
    ),
    CommandEntry(
        "overpayments", "desk.adjusting:overpayments", "year", "List what a closed year paid too much."
    ),
    CommandEntry(
        "adjust",
        "desk.adjusting:adjust",
        "year",
        "Accept AMOUNT yuan that late facts add to a closed year's award into an open year's budget.",
    ),
    CommandEntry(
        "pay", "desk.pay:pay", "year", "Pay a closed year: order, write the bank's file, read its answers."
    ),
    CommandEntry("clawback", "desk.pay:clawback", "year", "Order AMOUNT yuan back from the enterprise CODE."),
    CommandEntry(
        "recovered", "desk.pay:recovered", "year", "Record that the enterprise CODE paid AMOUNT yuan back."
    ),
    CommandEntry(
        "receipt",
        "desk.receipts:receipt",
        "year",
        "Write the receipt of the enterprise CODE for a closed year.",
    ),
    CommandEntry(
        "audit",
        "operating.audit:audit_command",
        "audit",
        "Hash every event again, and build every balance again; exit with status 1 on findings.",
    ),
    CommandEntry(
        "replay",
        "operating.replaying:replay_command",
        "audit",
        "Build every balance again from position 0, and compare with the live ones.",
    ),
    CommandEntry(
        "checkpoint",
        "operating.audit:checkpoint",
        "audit",
        "Sign a checkpoint of everything recorded so far, and print it.",
    ),
    CommandEntry(
        "cosign", "desk.witnessing:cosign", "audit", "Verify a checkpoint, and sign it as a witness."
    ),
    CommandEntry(
        "witness", "desk.witnessing:witness_command", "audit", "Serve as a witness (C2SP tlog-witness)."
    ),
    CommandEntry(
        "prove", "operating.audit:prove", "audit", "Prove that the event at a position is in the log."
    ),
    CommandEntry(
        "prove-consistency",
        "operating.audit:prove_consistency",
        "audit",
        "Prove that the log of FIRST events is the beginning of the log of SECOND events.",
    ),
    CommandEntry(
        "bundle",
        "operating.audit:bundle",
        "audit",
        "Write an audit bundle: a year, or one enterprise's part in it.",
    ),
    CommandEntry(
        "check-page",
        "desk.receipts:check_page",
        "audit",
        "Write the page on which anyone checks receipts and lists, offline; with this ledger's keys.",
    ),
    CommandEntry(
        "log-keys",
        "operating.signing:log_keys",
        "audit",
        "Print the public keys that verify the ledger's checkpoints: today's first, then retired ones.",
    ),
    CommandEntry(
        "looks",
        "reading.looks:looks",
        "audit",
        "List the last reads of enterprises' data: who, when, from where, what.",
    ),
    CommandEntry(
        "keys",
        "operating.keys:keys",
        "operate",
        "Keys of upstream systems: each may publish events of one source only.",
    ),
    CommandEntry(
        "sessions",
        "operating.sessions:sessions",
        "operate",
        "List who is signed in to the pages, and end sessions.",
    ),
    CommandEntry(
        "erase-person",
        "desk.persons:erase_person",
        "operate",
        "Erase the name that a claim keeps, for good; every event and proof stays as it is.",
    ),
    CommandEntry(
        "consume",
        "operating.streams:consume",
        "operate",
        "Take in facts from Kafka until told to stop (SIGTERM).",
    ),
    CommandEntry(
        "publish",
        "operating.streams:publish",
        "operate",
        "Publish changes of balances and accounts, closings, and checkpoints until told to stop (SIGTERM).",
    ),
    CommandEntry(
        "replay-dead-letters",
        "operating.streams:replay_dead_letters",
        "operate",
        "Send dead letters to the topic of facts again: corrected ones, or those that now pass.",
    ),
    CommandEntry(
        "asyncapi",
        "policies.schemas:asyncapi",
        "operate",
        "Print the AsyncAPI 3.0 document of what comes and goes on Kafka.",
    ),
    CommandEntry(
        "backup",
        "operating.operations:backup",
        "operate",
        "Copy the ledger to the file DEST while others write, with a signed checkpoint beside it.",
    ),
    CommandEntry(
        "verify-backup",
        "operating.operations:verify_backup",
        "operate",
        "Open the backup FILE elsewhere, hash every event again, replay everything; exit 1 on differences.",
    ),
    CommandEntry(
        "rebuild",
        "operating.rebuild:rebuild",
        "operate",
        "Build the read models anew beside the live ones, and swap them in only when they are equal.",
    ),
    CommandEntry(
        "restored",
        "operating.signing:restored",
        "operate",
        "Record that the ledger was restored from a copy of before, so that its key may sign again.",
    ),
    CommandEntry(
        "rotate-key",
        "operating.signing:rotate_key",
        "operate",
        "Put a new signing key in place of the old one; both sign the last checkpoint and a statement.",
    ),
    CommandEntry(
        "replace-lost-key",
        "operating.signing:replace_lost_key",
        "operate",
        "Make a new signing key where the old one was lost; its statement is signed by the new key alone.",
    ),
    CommandEntry(
        "log-rows",
        "operating.stating:log_rows",
        "operate",
        "State in the log, by digest, looks, refused messages and certificates that it does not state yet.",
    ),
    CommandEntry(
        "correct-clock", "operating.stating:correct_clock", "operate", "Bring recorded times back to now."
    ),
)
"""In the order in which help lists them."""


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
