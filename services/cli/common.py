"""What the subcommands share: opening the ledger, options of time, tables and JSON."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from domain.authority.persons import LOCAL
from domain.authority.roles import BUREAU, Actor, NotAllowed
from domain.authority.writes import Writer
from domain.events.event import Attribution
from domain.events.instants import instant
from domain.events.speaking import attribute_message, attribute_step
from domain.intake.authorising import Sender
from domain.money.amounts import parse_fen
from domain.policy.faults import PolicyError, PolicyFault
from ledger.audit.looks import NOBODY, SEVERAL, Look, Noting, looked_at
from ledger.audit.tables.emptied import require_events
from ledger.log.holding import hold_appends
from ledger.store.application import Ledger, migrate_ledger, open_ledger, utc_now
from ledger.store.moments import Moment, moment
from ledger.store.rows import Rows, StoreError
from services.cli.access import STEPS, is_noted, roles_for
from services.runtime.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

NOTING_SECONDS = 2.0
"""How long a read waits to be noted before it is answered."""
PATH_CHARS_MAX = 200
"""Of what was looked at, as it is noted."""


@dataclass(slots=True)
class Context:
    """What the top of the command line said."""

    settings: Settings
    database: str | None
    language: str
    opened: Ledger | None = None
    """The ledger that a command's steps share, where they belong to one transaction."""
    noting: Noting | None = None
    """The read that is being noted."""

    @property
    def path(self) -> str:
        """The database that the command works on."""
        return self.database or self.settings.database

    @property
    def key_file(self) -> Path:
        """The file of the key that signs for that database."""
        return Path(replace(self.settings, database=self.path).signing_key_file)

    @contextmanager
    def ledger(
        self, sets_up: bool = False, may_be_empty: bool = False, migrates: bool = False
    ) -> Iterator[Ledger]:
        """Open the ledger for one command.

        Args:
            sets_up: makes the tables where there are none; only for commands of the quick start, which
                begin a ledger.
            may_be_empty: goes on where the ledger holds no event; all others say that as an error.
            migrates: brings older tables up to date, which one command does and no other.
        """
        if self.opened is not None:
            yield self.opened
            return
        command = running_command()
        if command:
            self._admit(command)
        opened = migrate_ledger(self.path) if migrates else open_ledger(self.path, create=sets_up)
        hold_appends(opened, self.key_file)
        try:
            if not (sets_up or may_be_empty or migrates):
                with opened.store.reading() as rows:
                    require_events(rows, self.path)
            if command and is_noted(command):
                params = click.get_current_context().params
                self.note_looks(opened, looked_at(params.get("code"), params.get("enterprise")))
            yield opened
        finally:
            self._end_noting()
            opened.close()

    @contextmanager
    def keeping_open(self, ledger: Ledger) -> Iterator[None]:
        """Have all that a command does work on one opened ledger."""
        before, self.opened = self.opened, ledger
        try:
            yield
        finally:
            self.opened = before

    def note_looks(self, ledger: Ledger, codes: Iterable[str]) -> None:
        """Note that the user is about to be answered about enterprises, before the answer is given.

        A database that takes nothing at the moment (it is read-only, its disk is full, another writer
        holds on to its turn) is read all the same; that it is not noted is said, here and in the log.
        """
        at, who, command = instant(ledger.clock()), operator().person, running_command()
        looks = [
            Look(
                at,
                who.name,
                NOBODY,
                "CLI",
                (command if code == SEVERAL else f"{command} {code}")[:PATH_CHARS_MAX],
                code,
                issuer=who.issuer,
                subject=who.subject,
            )
            for code in codes
        ]
        self.noting = Noting(ledger, looks)
        if not self.noting.wait(NOTING_SECONDS):
            zh = "数据库正由别的写入占用，本次查阅稍后登记"
            en = "another writer holds the database, so this read is noted later"
            click.echo(self.words(zh, en), err=True)
        elif self.noting.error is not None:
            self._tell_unnoted(self.noting.error)

    def _end_noting(self) -> None:
        """Wait until a read that the command went on without noting is noted, or could not be."""
        noting, self.noting = self.noting, None
        if noting is None or noting.wait(0):
            return
        noting.wait()
        if noting.error is not None:
            self._tell_unnoted(noting.error)

    def _tell_unnoted(self, error: Exception) -> None:
        zh, en = "本次查阅没有登记", "this read is not noted"
        why = error.describe(self.language) if isinstance(error, StoreError) else error
        click.echo(f"{self.words(zh, en)}: {why}", err=True)

    def sender(self) -> Sender:
        """Who sends what the command takes in: the user, on behalf of the source of each message."""
        return Sender(Writer(self.user(), self.settings.identity.mode), attribute_message(self.user()))

    def user(self) -> Actor:
        """The operating system's user, as it vouches for them, in the roles that they have here."""
        return replace(operator(), roles=self._roles())

    def caller(self) -> Actor:
        """Who takes a step: the user; where identities are not checked, one who only says a name."""
        user = self.user()
        return user if self.checks_identity else replace(user, issuer=LOCAL, subject=os_user())

    def _roles(self) -> frozenset[str]:
        """The user's roles; each of the bureau and the operator's where the settings name nobody."""
        users = self.settings.identity.users
        if not users:
            return frozenset((*BUREAU, "operator"))
        named = (os_user(), str(os.getuid()))
        return frozenset[str]().union(*(each.roles for each in users if each.user in named))

    def _admit(self, command: str) -> None:
        """Check that the user has a role for a command.

        Raises:
            NotAllowed: where none of the roles may take what the command writes, or there is none at all.
        """
        caller = self.caller()
        roles = roles_for(command)
        if not caller.roles & set(roles):
            action = STEPS[command][0] if command in STEPS else command
            raise NotAllowed("role.missing", "actor", action=action, roles=", ".join(roles))

    @property
    def checks_identity(self) -> bool:
        """Whether this ledger knows its persons by an issuer's tokens."""
        return self.settings.identity.mode != "local"

    def words(self, zh: str, en: str) -> str:
        """The words in the reader's language."""
        return en if self.language == "en" else zh


def choose_words(zh: str, en: str) -> str:
    """The words in the language of the command that runs."""
    context = click.get_current_context().find_object(Context)
    return en if context is not None and context.language == "en" else zh


def running_command() -> str:
    """The command that runs, with the names of its groups before its own; empty outside of any."""
    names, context = list[str](), click.get_current_context(silent=True)
    while context is not None and context.parent is not None:
        names.insert(0, context.info_name or "")
        context = context.parent
    return " ".join(names)


def os_user() -> str:
    """The name of the operating system's user, or its number where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def operator() -> Actor:
    """Who runs the command: the operating system's user, as the operator."""
    return Actor(os_user(), frozenset({"operator"}), issuer="os", subject=str(os.getuid()))


def operator_attribution(action: str = "") -> Attribution:
    """Who runs the command, as the events of a step name them; of none in particular, as the operator."""
    return attribute_step(operator(), action) if action else attribute_message(operator())


def json_option(command: F) -> F:
    """``--json`` prints the API's answer."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def rules_options(command: F) -> F:
    """The third axis: rules of another day, or an edited policy file that nobody has adopted."""
    text = "An edited policy file, as if it had been adopted."
    file = click.Path(exists=True, dir_okay=False)
    command = click.option("--rules", metavar="FILE", type=file, help=text)(command)
    return click.option("--rules-as-of", metavar="DATE", help="Rules in force by this date.")(command)


def moment_options(command: F) -> F:
    """The three axes of time."""
    command = rules_options(command)
    command = click.option("--as-known", metavar="WHEN", help="What the ledger knew then.")(command)
    return click.option("--as-of", metavar="WHEN", help="Facts that had happened by then.")(command)


def moment_at(rows: Rows, times: dict[str, str | None]) -> Moment:
    """The moment that the options ask for."""
    text = rules_text(times.get("rules"))
    when, known, rules = (times.get(name) for name in ("as_of", "as_known", "rules_as_of"))
    return moment(rows, when, known, rules, utc_now(), text)


def rules_text(file: str | None) -> str | None:
    """The text of an edited policy file.

    Raises:
        PolicyError: where it is not UTF-8.
    """
    try:
        return None if file is None else Path(file).read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise PolicyError([PolicyFault(1, "file", "policy.utf8")]) from None


def print_json(answer: Any) -> None:
    """Print an answer for programs."""
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def money_argument(value: str | None) -> int | None:
    """An amount given on the command line, in fen."""
    if value is None:
        return None
    try:
        return parse_fen(value)
    except ValueError:
        zh = f"{value!r} 不是至多两位小数的金额 — 写成 10000000.00"
        en = f"{value!r} is not an amount with at most two decimals — write it like 10000000.00"
        raise click.BadParameter(choose_words(zh, en)) from None
