"""Which policy and year a command is about, those named or the only ones, and the document it rests on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import click
from marshmallow import ValidationError

from domain.authority.roles import NotAllowed
from domain.faults.validation import faults_from
from ledger.intake.messages.schemas import CitingBody, read_document
from ledger.policies.versions import UnknownPolicy
from ledger.reading.years import list_years
from ledger.store.rows import Rows
from services.cli.common import Context
from services.runtime.variables import PREFIX

F = TypeVar("F", bound=Callable[..., Any])

YEAR = click.IntRange(2000, 2100)
NAMED_MAX = 20
"""Policies or years that a sentence names."""
OF_POLICY = f"The policy ({PREFIX}POLICY); the ledger's only one need not be named."
OF_YEAR = f"The year ({PREFIX}YEAR); the only one with a budget need not be named."


def policy_options(command: F) -> F:
    """``--policy`` and ``--year``; a command is run with both."""
    return _policy(_year(_named(command)))


def policy_option(command: F) -> F:
    """``--policy`` alone."""
    return _policy(_named(command))


def year_option(command: F) -> F:
    """``--year`` alone; where it is left out, the command asks ``only_year``."""
    return _year(command)


def _policy(command: F) -> F:
    return click.option("--policy", envvar=f"{PREFIX}POLICY", metavar="POLICY", help=OF_POLICY)(command)


def _year(command: F) -> F:
    return click.option("--year", envvar=f"{PREFIX}YEAR", metavar="YEAR", type=YEAR, help=OF_YEAR)(command)


def _named(command: F) -> F:
    """Run a command with the only policy and year of the ledger in place of those that are not named."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        if None not in (options["policy"], options.get("year", 0)):
            return command(*args, **options)
        context = click.get_current_context().find_object(Context)
        assert context is not None
        with context.ledger() as ledger, context.keeping_open(ledger):
            with ledger.store.reading() as rows:
                policy = options["policy"] = options["policy"] or only_policy(context, rows)
                if "year" in options:
                    options["year"] = options["year"] or only_year(context, rows, policy)
            return command(*args, **options)

    return cast(F, run)


def only_policy(context: Context, rows: Rows) -> str:
    """The policy of a ledger that holds one.

    Raises:
        click.UsageError: where it holds none, or several; they are named.
    """
    policies = [policy for (policy,) in rows.all("SELECT DISTINCT policy FROM policies ORDER BY policy")]
    if len(policies) == 1:
        return str(policies[0])
    if not policies:
        zh = "账本还没有采用政策 — 运行 subsidy-ledger adopt 政策文件"
        raise click.UsageError(
            context.words(zh, "the ledger holds no policy yet — run: subsidy-ledger adopt FILE")
        )
    named = _listed(policies, context)
    zh = f"账本中有几个政策：{named} — 用 --policy 写明，或设 {PREFIX}POLICY"
    en = f"the ledger holds several policies: {named} — name one by --policy, or set {PREFIX}POLICY"
    raise click.UsageError(context.words(zh, en))


def only_year(context: Context, rows: Rows, policy: str) -> int:
    """The year of a policy that has one with awards, a budget or a settlement.

    Raises:
        UnknownPolicy: for one that the ledger does not hold.
        click.UsageError: where it has none, or several; they are named.
    """
    if not rows.all("SELECT 1 FROM policies WHERE policy=? LIMIT 1", [policy]):
        raise UnknownPolicy(policy)
    years = list_years(rows, policy)
    if len(years) == 1:
        return years[0]
    if not years:
        zh = f"政策 {policy} 还没有哪个年度有奖励或预算 — 用 --year 写明年度，或设 {PREFIX}YEAR"
        en = f"no year of {policy} has awards or a budget yet — name one by --year, or set {PREFIX}YEAR"
    else:
        named = _listed([str(year) for year in years], context)
        zh = f"政策 {policy} 有几个年度：{named} — 用 --year 写明，或设 {PREFIX}YEAR"
        en = f"{policy} has several years: {named} — name one by --year, or set {PREFIX}YEAR"
    raise click.UsageError(context.words(zh, en))


def _listed(names: Sequence[str], context: Context) -> str:
    more = context.words("等", "and more")
    named = context.words("、", ", ").join(names[:NAMED_MAX])
    return named if len(names) <= NAMED_MAX else f"{named} {more}"


DOCUMENT_OPTIONS = {
    "documentnumber": ("--document-number", "Number of the document that it rests on."),
    "documentsha256": ("--document-sha256", "SHA-256 of that document."),
    "documentdate": ("--document-date", "Day of that document."),
    "documentissuer": ("--document-issuer", "Who issued that document."),
}
"""The options that say what the members of a message say of the document that it rests on."""


def document_options(command: F) -> F:
    """``--document-number`` and the like; the command is run with ``based_on``, the document or None.

    Raises:
        NotAllowed: for a member that breaks the rule of messages.
    """

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        texts = {member: options.pop(member) for member in DOCUMENT_OPTIONS}
        try:
            members = CitingBody().load({name: text for name, text in texts.items() if text is not None})
        except ValidationError as error:
            fault = faults_from(error.messages)[0]
            flag, _ = DOCUMENT_OPTIONS[fault.field]
            raise NotAllowed(fault.code, flag, **fault.args) from None
        return command(*args, based_on=read_document(members), **options)

    decorated = cast(F, run)
    for member, (flag, help_text) in reversed(DOCUMENT_OPTIONS.items()):
        decorated = click.option(flag, member, metavar="TEXT", help=help_text)(decorated)
    return decorated
