"""``subsidy-ledger policy …``: what a policy's author needs before a file is adopted."""

from __future__ import annotations

from pathlib import Path

import click

from domain.money.wire import print_percent, wire_form
from domain.policy.differences import currency_in, differences, titles_in, value_words
from domain.policy.load import load_policy
from ledger.simulation.trial import Trial, try_policy
from services.cli.common import Context, json_option, print_json
from services.cli.policies.case_files import CaseError, is_case, read_case
from services.cli.policies.cases import outcome_of
from services.cli.policies.editor_schema import editor_schema
from services.cli.policies.effects import print_effects
from services.cli.policies.files import FILE, check, text_of
from services.cli.policies.reform import reform_command
from services.cli.statuses import ExitStatus, end_with
from services.cli.subject import only_year, year_option
from services.cli.tables import Codes, Money, Names, Sums, csv_option, note, table


@click.group("policy")
def workshop() -> None:
    """The policy workshop: check a file, run its worked cases, compare versions, try it on real facts."""


@workshop.command("test")
@FILE
@click.argument("cases", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.pass_obj
def run_cases(context: Context, file: Path, cases: tuple[Path, ...]) -> None:
    """Run worked cases (files, or folders of them) under a policy file; each figure that differs is named.

    Cases of other policies are passed over. Exit status 1 where one does not come out.
    """
    text, words = text_of(file), context.words
    policy = load_policy(text)
    wrong = run = 0
    for path in _files(cases):
        try:
            case = read_case(path)
            if case["policy"] != policy.id:
                continue
            differing = [each.describe(context.language) for each in outcome_of(text, case)]
        except CaseError as error:
            differing = [f"{path.name}: {each}" for each in error.lines(context.language)]
        run += 1
        wrong += bool(differing)
        click.echo("\n    ".join([f"{'✗' if differing else '✓'} {path.stem}", *differing]))
    if not run:
        zh = f"没有政策 {policy.id} 的样例 — 核对样例中的 policy"
        en = f"no case of the policy {policy.id} — check what the cases say under policy"
        raise click.ClickException(words(zh, en))
    click.echo(words(f"{run} 个样例，{wrong} 个不符", f"{run} cases, {wrong} of them do not come out"))
    if wrong:
        end_with(ExitStatus.NOT_DONE)


def _files(paths: tuple[Path, ...]) -> list[Path]:
    """Case files in order; of folders, those that are cases at all."""
    return [
        path
        for each in paths
        for path in (filter(is_case, sorted(each.rglob("*.json"))) if each.is_dir() else [each])
    ]


@workshop.command("diff")
@FILE
@click.argument("other_file", metavar="OTHER", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@csv_option
@click.pass_obj
def diff(context: Context, file: Path, other_file: Path, as_json: bool) -> None:
    """Compare two versions of a policy file in words; the order of rows says nothing."""
    before, after = text_of(file), text_of(other_file)
    changes, titles, lang = differences(before, after), titles_in(before, after), context.language
    if as_json:
        print_json([{"path": list(e.path), "before": e.before, "after": e.after} for e in changes])
        return
    words = context.words
    if not changes:
        note(words("两个文件的内容相同", "the two files say the same"))
        return
    was, now = currency_in(before), currency_in(after)
    rows = [
        (e.path_words(lang, titles), value_words(e.before, lang, was), value_words(e.after, lang, now))
        for e in changes
    ]
    heads = [Names(words("内容", "What")), Names(words("原", "Before")), Names(words("现", "After"))]
    table(words(f"{len(changes)} 处不同", f"{len(changes)} differences"), heads, rows)


@workshop.command("try")
@FILE
@year_option
@json_option
@csv_option
@click.pass_obj
def attempt(context: Context, file: Path, year: int | None, as_json: bool) -> None:
    """Try a policy file on the facts of a recorded year, as if it were adopted; nothing is written down."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        text = text_of(file)
        named = only_year(context, rows, load_policy(text).id) if year is None else year
        effects = try_policy(ledger, rows, text, named)
    print_json(wire_form(effects)) if as_json else _print_trial(context, effects)


def _print_trial(context: Context, effects: Trial) -> None:
    words, lang = context.words, context.language
    before, after = effects.before, effects.after

    def sums(zh: str, en: str, *fen: int) -> tuple[str, ...]:
        return (words(zh, en), *(Money(each, effects.currency) for each in fen))

    title = f"{effects.policy} v{effects.version}  {effects.year}  #{effects.position}"
    heads = [Names(""), Sums(words("现行", "As it stands")), Sums(words("试行", "With the file"))]
    rows = [
        sums("预算", "Budget", before.appropriation_fen, after.appropriation_fen),
        sums("参与分配", "Shares the budget", before.sharing_fen, after.sharing_fen),
        (words("兑现系数", "Factor"), print_percent(before.factor), print_percent(after.factor)),
        sums("应兑现", "Payable", before.payable_fen, after.payable_fen),
        (words("企业", "Enterprises"), f"{before.enterprises:,}", f"{after.enterprises:,}"),
    ]
    table(title, heads, rows)
    if not effects.governs:
        zh = f"提示：该文件的施行日期晚于{effects.year}年末，不影响这一年。"
        en = f"note: the file takes effect after the end of {effects.year} and does not bear on it."
        note(words(zh, en))
    unknown = words("未登记", "not registered")
    measures = [(f"{effect.title[lang]} ({effect.measure})", effect) for effect in effects.measures]
    towns = [(effect.town or unknown, effect) for effect in effects.towns]
    print_effects(
        words("有变化的条款", "Measures that change"),
        [Names(words("条款", "Measure")), *heads[1:]],
        measures,
        effects.currency,
    )
    print_effects(
        words("有变化的镇街", "Towns that change"),
        [Names(words("镇街", "Town")), *heads[1:]],
        towns,
        effects.currency,
    )
    zh = f"增加 {effects.gaining:,} 家，减少 {effects.losing:,} 家"
    note(words(zh, f"{effects.gaining:,} gain, {effects.losing:,} lose"))
    by_enterprise = [Codes(words("企业", "Enterprise")), *heads[1:]]
    for title, moves in (
        (words("增加最多", "Gain most"), effects.winners),
        (words("减少最多", "Lose most"), effects.losers),
    ):
        named = [(move.enterprise, move) for move in moves[:10]]
        print_effects(title, by_enterprise, named, effects.currency)


@workshop.command("schema")
def schema() -> None:
    """Print the JSON Schema of policy files, for editors that complete and check YAML."""
    print_json(editor_schema())


workshop.add_command(check)
workshop.add_command(reform_command)
