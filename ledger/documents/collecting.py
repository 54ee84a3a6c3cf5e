"""What stands in each document's places: figures of the settlement and its accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.authority.duties import parted_duties
from domain.authority.roles import NotAllowed
from domain.money.amounts import CURRENCIES, print_fen
from domain.money.capitals import capitals
from domain.money.wire import print_percent
from domain.policy.model import Policy, Unpaid
from domain.policy.rulebook import Rulebook
from domain.settlement.figures import division_of
from domain.settlement.public_list import RegisterEntry
from domain.settlement.year import SettledLine, Settlement
from ledger.documents.budgets import LineSums, budgets, funds, sum_lines
from ledger.documents.catalogue import columns_of
from ledger.documents.overpaid import describe_to_order
from ledger.documents.places import Fen, Filling, Record, Value
from ledger.export.official import zh_day
from ledger.export.payment_files import Payee
from ledger.export.public_list import PublicLine, masked, measure_words
from ledger.policies.versions import rulebook
from ledger.projections.closings import must_be_closed, settlement_of
from ledger.reading.accounts import sum_accounts
from ledger.reading.explained import ExplainedAward
from ledger.reading.explanations import explain_awards
from ledger.reading.records import read_enterprise
from ledger.reading.targets import read_targets
from ledger.settlement.files import public_lines
from ledger.settlement.published import read_register_entries
from ledger.store.application import Ledger
from ledger.store.moments import NOW
from ledger.store.rows import Rows


@dataclass(frozen=True)
class DocumentRequest:
    """Which document, and what the office writes on it; days are ``YYYY-MM-DD``."""

    document: str
    policy: str
    year: int
    on: str
    lang: str = "zh"
    number: str = ""
    contact: str = ""
    addressee: str = ""
    issuer: str = ""
    enterprise: str = ""
    """Whose letter it is."""
    batch: str = ""
    """Which batch of payments."""
    payees: Mapping[str, Payee] = field(default_factory=dict)


def collect_document(ledger: Ledger, rows: Rows, request: DocumentRequest) -> Filling:
    """What stands in a document's places.

    Raises:
        UnknownPolicy, UnknownEnterprise; NotAllowed: where the year has not come so far, the
            enterprise is not in its list, or the batch is unknown.
    """
    collectors: dict[str, Callable[[_Source], Filling]] = {
        "list": _list,
        "payments": _payments,
        "letter": _letter,
        "report": _report,
    }
    return collectors[request.document](_Source(ledger, rows, request))


class MeasureTitle(NamedTuple):
    """How a measure is named in documents."""

    article: str
    title: str
    lead_unit: str


class MeasureTotals(NamedTuple):
    """What a closed year awards under one measure, in fen."""

    measure: str
    award_year: int
    enterprises: int
    gross: int
    withheld: int
    reduction: int
    payable: int


class _Source:
    """The settlement of the year, and what every document says of it."""

    def __init__(self, ledger: Ledger, rows: Rows, request: DocumentRequest) -> None:
        self.ledger, self.rows, self.request = ledger, rows, request
        rulebook(rows, request.policy)
        self.state: Settlement = settlement_of(rows, request.policy, request.year)
        if not self.state.proposal:
            raise NotAllowed("settlement.not-proposed", "year", stage=self.state.stage)
        if request.document != "list":
            must_be_closed(rows, request.policy, request.year)
        self.proposal = self.state.proposal
        self.known = int(self.proposal.known)
        # The list says what it said when it was worked out, whatever version was adopted since.
        self.book: Rulebook = rulebook(rows, request.policy, self.known)
        self.governing: Policy = self.book.of_year(request.year)

    def capitals(self, fen: int) -> str:
        """A sum in Chinese capitals; another currency than yuan in figures, as documents have it."""
        currency = self.governing.currency
        return f"人民币{capitals(fen)}" if currency == "CNY" else print_fen(fen, currency)

    def day(self, day: str) -> str:
        """A day as the document's language has it; nothing for none."""
        return (zh_day(day) if self.request.lang == "zh" else day) if day else ""

    def values(self) -> dict[str, Value]:
        """The places that all documents have."""
        request, proposal, state = self.request, self.proposal, self.state
        published = state.publication
        governing = self.governing
        value = division_of(proposal).factor
        reduction = proposal.gross_fen - proposal.withheld_fen - proposal.payable_fen
        return {
            "发文机关": request.issuer or governing.issuer,
            "文号": request.number,
            "成文日期": self.day(request.on),
            "主送机关": request.addressee,
            "称谓": request.addressee and f"{request.addressee}{'：' if request.lang == 'zh' else ':'}",
            "联系方式": request.contact,
            "政策名称": governing.title[request.lang],
            "政策文号": governing.number,
            "年度": str(request.year),
            "货币": CURRENCIES[governing.currency].symbol,
            "单位": CURRENCIES[governing.currency].unit,
            "可分配预算": Fen(proposal.budget_fen),
            "参与分配": Fen(proposal.sharing_fen),
            "兑现系数": f"{value.numerator}/{value.denominator}",
            "兑现比例": print_percent(value),
            "全市应奖励": Fen(proposal.gross_fen),
            "全市从高扣除": Fen(proposal.withheld_fen),
            "全市下调": Fen(reduction),
            "全市应兑现": Fen(proposal.payable_fen),
            "全市应兑现大写": self.capitals(proposal.payable_fen),
            "其他资金": Fen(proposal.outside_fen),
            "预算结余": Fen(proposal.budget_fen - proposal.payable_fen + proposal.outside_fen),
            "企业数": proposal.enterprises,
            "奖励项数": proposal.awards,
            "公示开始": self.day(published.from_day if published else ""),
            "公示截止": self.day(published.until_day if published else ""),
            "名单摘要": proposal.lines_digest,
            "名单校验值": (published.list_root if published else None) or "",
            "账本位置": proposal.known,
        }

    def lines(self) -> Iterator[PublicLine]:
        """The list by enterprise, not masked."""
        return public_lines(self.rows, self.book, self.request.year, self.known)

    def measure_title(self, measure: str, award_year: int) -> MeasureTitle:
        """A measure's article, title and lead unit as it governs a year."""
        governing = self.book.measure_of_year(measure, award_year)
        if governing is None:
            return MeasureTitle("", measure, "")
        return MeasureTitle(governing.article, governing.title[self.request.lang], governing.lead)

    def budgets(self) -> Iterator[Record]:
        """The year's budgets, each with its factor."""
        return budgets(self.governing, self.proposal, self.request.lang)

    def filling(
        self,
        values: Mapping[str, Value],
        tables: Mapping[str, Callable[[], Iterable[Record]]],
        counts: Mapping[str, int] | None = None,
    ) -> Filling:
        """The document's filling, with the columns and lengths that its tables have."""
        return Filling(values, tables, columns_of(self.request.document), counts or {})


def _list(source: _Source) -> Filling:
    mask = source.governing.procedure.mask

    def list_rows() -> Iterator[Record]:
        for number, enterprise_line in enumerate(source.lines(), 1):
            line = masked(enterprise_line, mask)
            measures = "；".join(measure_words(share) for share in line.measures)
            named = _enterprise(line.code, line.name, line.town)
            yield {"序号": number, **named, "奖励项目": measures, **LineSums(*line.sums).record()}

    counts = {"名单": source.proposal.enterprises}
    return source.filling(source.values(), {"名单": list_rows, "预算": source.budgets}, counts)


def _enterprise(code: str, name: str, town: str) -> dict[str, Value]:
    return {"信用代码": code, "企业名称": name, "所在镇街": town}


STATUS: dict[str, dict[str, str]] = {
    "ordered": {"zh": "拨付中", "en": "under way"},
    "made": {"zh": "已拨付", "en": "paid"},
    "failed": {"zh": "拨付失败", "en": "failed"},
}
"""What became of a payment, by the status that the ledger keeps."""
BY_STATUS = {"made": "本批已拨付", "ordered": "本批拨付中", "failed": "本批失败"}


def _payments(source: _Source) -> Filling:
    request, rows = source.request, source.rows
    batch_key = [request.policy, request.year, request.batch]
    sql = (
        "SELECT status, COUNT(*), CAST(SUM(amount) AS BIGINT) FROM payments "
        "WHERE policy=? AND year=? AND batch=? GROUP BY status"
    )
    sums_by_status = {status: (int(number), int(fen)) for status, number, fen in rows.all(sql, batch_key)}
    count, total = (
        (sum(column) for column in zip(*sums_by_status.values(), strict=True)) if sums_by_status else (0, 0)
    )
    if not count:
        raise NotAllowed("payment.no-batch", "batch", batch=request.batch)
    sql = (
        "SELECT p.payment, p.code, e.name, p.amount, p.status FROM payments p LEFT JOIN enterprises e "
        "ON e.code=p.code WHERE p.policy=? AND p.year=? AND p.batch=? ORDER BY p.payment"
    )

    def paid() -> Iterator[Record]:
        for number, (payment, code, name, amount, status) in enumerate(rows.stream(sql, batch_key), 1):
            payee = request.payees.get(code)
            if request.payees and payee is None:
                raise NotAllowed("payment.no-payee", "payees", enterprise=code)
            yield {
                "序号": number,
                "付款编号": payment,
                "信用代码": code,
                "企业名称": payee.name if payee else name or "",
                "账号": payee.account if payee else "",
                "开户行": payee.bank if payee else "",
                "金额": Fen(amount),
                "状态": STATUS[status][request.lang],
            }

    values: dict[str, Value] = {
        **source.values(),
        "批次": request.batch,
        **{place: Fen(sums_by_status.get(status, (0, 0))[1]) for status, place in BY_STATUS.items()},
        "付款笔数": count,
        "付款合计": Fen(total),
        "付款合计大写": source.capitals(total),
    }
    return source.filling(values, {"付款": paid}, {"付款": count})


def _letter(source: _Source) -> Filling:
    request, rows, code = source.request, source.rows, source.request.enterprise
    read_enterprise(rows, code)
    sql = (
        "SELECT code, measure, award_year, gross, withheld, reduction, payable, pot FROM settlement_lines "
        "WHERE policy=? AND year=? AND code=? ORDER BY measure, award_year"
    )
    lines = [SettledLine(*row) for row in rows.all(sql, [request.policy, request.year, code])]
    if not lines:
        raise NotAllowed("receipt.not-listed", "enterprise", year=request.year)
    explanation = explain_awards(source.ledger, rows, code, request.policy, request.year)
    reasons = {
        **{(award.measure, request.year): _reasons(award, request.lang) for award in explanation.awards},
        **{(line.measure, line.award_year): line.words[request.lang] for line in explanation.brought_in},
    }

    def awards() -> Iterator[Record]:
        for number, line in enumerate(lines, 1):
            article, title, _ = source.measure_title(line.measure, line.award_year)
            yield {
                "序号": number,
                "条款": article,
                "奖励项目": title,
                "所属年度": str(line.award_year),
                **sum_lines([line]).record(),
                "依据": reasons.get((line.measure, line.award_year), ""),
            }

    name, town, *_ = read_register_entries(rows, [code], source.known).get(code, RegisterEntry())
    sums = sum_lines(lines)
    values = {
        **source.values(),
        **{"企业名称": name or code, "信用代码": code, "所在镇街": town},
        **sums.record(),
        "应兑现大写": source.capitals(sums.payable),
    }

    def own_funds() -> Iterator[Record]:
        return funds(source.book, source.governing, source.proposal, lines, request.lang)

    return source.filling(values, {"奖励": awards, "列支": own_funds})


def _reasons(award: ExplainedAward, lang: str) -> str:
    carried = [award.carried] if award.carried else []
    stop = "。" if lang == "zh" else ". "
    parts = [*award.steps, *award.reductions, *carried, *award.flags]
    return "".join(f"{part.words[lang]}{stop}" for part in parts).strip()


def _measure_totals(source: _Source) -> list[MeasureTotals]:
    """What the year awards under each measure, in the policy's order; also nothing under some."""
    request, rows = source.request, source.rows
    columns = ", ".join(
        f"CAST(SUM({name}) AS BIGINT)" for name in ("gross", "withheld", "reduction", "payable")
    )
    sql = (
        f"SELECT measure, award_year, COUNT(*), {columns} FROM settlement_lines "
        "WHERE policy=? AND year=? GROUP BY measure, award_year"
    )
    order = {measure: place for place, measure in enumerate(source.governing.measures)}
    awarded = [
        MeasureTotals(measure, award_year, *map(int, sums))
        for measure, award_year, *sums in rows.all(sql, [request.policy, request.year])
    ]
    groups = {(totals.measure, totals.award_year) for totals in awarded}
    empty = [
        MeasureTotals(each.id, request.year, 0, 0, 0, 0, 0)
        for each in source.governing.measures.values()
        if not isinstance(each, Unpaid) and (each.id, request.year) not in groups
    ]
    return sorted([*awarded, *empty], key=lambda totals: (order.get(totals.measure, 999), totals.award_year))


def _name_same_person(source: _Source) -> str:
    """A sentence for each two duties that the policy, as it now stands, lets one person hold, and why."""
    sentence = {
        "zh": "不相容职务中，政策文件允许由一人兼办{duties}，理由：{reason}。",
        "en": "The policy lets one person hold two duties ({duties}), since: {reason}. ",
    }[source.request.lang]
    return "".join(
        sentence.format(
            duties=parted_duties()[row.duties].title._asdict()[source.request.lang],
            reason=row.reason[source.request.lang].rstrip("。."),
        )
        for row in source.book.latest.procedure.same_person
    )


def _report(source: _Source) -> Filling:
    request, rows = source.request, source.rows

    def by_measure() -> Iterator[Record]:
        for totals in _measure_totals(source):
            article, title, lead_unit = source.measure_title(totals.measure, totals.award_year)
            same_year = totals.award_year == request.year
            head: dict[str, Value] = {
                "条": article,
                "奖励项目": title if same_year else f"{title}（{totals.award_year}）",
                "牵头单位": lead_unit,
                "企业数": totals.enterprises,
            }
            yield head | LineSums(*totals[3:]).record()

    def by_town() -> Iterator[Record]:
        sql = "SELECT DISTINCT town FROM enterprises WHERE town<>''"
        towns = {str(town): [0] * 5 for (town,) in rows.all(sql)}
        for line in source.lines():
            entry = towns.setdefault(line.town, [0] * 5)
            for index, value in enumerate((1, *line.sums)):
                entry[index] += value
        nowhere = "未登记" if request.lang == "zh" else "not registered"
        for town, (count, *sums) in sorted(towns.items()):
            head: dict[str, Value] = {"镇街": town or nowhere, "企业数": count}
            yield head | LineSums(*sums).record()

    def targets() -> Iterator[Record]:
        for target in read_targets(source.ledger, rows, request.policy, request.year, NOW).targets:
            goal, achieved = (
                each.number if each.currency is None else Fen(each.number)
                for each in (target.goal, target.reached)
            )
            percent = print_percent(target.percent)
            yield {"目标": target.title[request.lang], "计划": goal, "完成": achieved, "完成率": percent}

    accounts = sum_accounts(rows, request.policy, request.year)
    moved: dict[str, Value] = {
        "已拨付": Fen(accounts.paid_fen),
        "拨付中": Fen(accounts.ordered_fen),
        "待拨付": Fen(accounts.outstanding_fen),
        "应追回": Fen(accounts.clawed_back_fen),
        "追回到账": Fen(accounts.recovered_fen),
        "兼办职务": _name_same_person(source),
        "多付待追回": describe_to_order(rows, source.governing, request.year, request.lang),
    }
    tables = {"预算": source.budgets, "条款": by_measure, "镇街": by_town, "目标": targets}
    return source.filling({**source.values(), **moved}, tables)
