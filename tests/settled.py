"""A settled year in plain values: enterprises, a payment batch, a public list, a summary's figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.things.credit_code import complete
from ledger.export.finance_summary import Account, Part, SummaryHead
from ledger.export.payment_files import Payee, Payer, PaymentFile, PaymentLine
from ledger.export.public_list import MeasureShare, PublicHead, PublicLine

TITLE = "慈溪市2024年度电子商务高质量发展专项资金"
PAYER = Payer("慈溪市财政局", "3901120009000012345", "102332000017")


def code(number: int, first: str = "91") -> str:
    """A valid credit code; those that begin with 92 are individual businesses."""
    return complete(f"{first}330282{number:09d}")


def quick_code(number: int, first: str = "91") -> str:
    """What stands for a credit code where many are needed and none is checked."""
    return f"{first}330282{number:09d}X"


@dataclass(frozen=True)
class Payments:
    """As many payments as wanted, made anew whenever they are gone through."""

    count: int
    name: str = "慈溪市卓力电器科技有限公司"

    def __iter__(self) -> Iterator[PaymentLine]:
        for number in range(self.count):
            yield PaymentLine(f"CX-2024-{number:07d}", quick_code(number), self.name, 100 + number)

    @property
    def total(self) -> int:
        """Their sum, in fen."""
        return 100 * self.count + self.count * (self.count - 1) // 2

    def file(self, **other: str) -> PaymentFile:
        """Their batch."""
        said = {"batch": "CX-2024-0001", "made_at": "2025-03-31T01:02:03.000004Z", "on": "2025-04-01"}
        said |= {"policy": "cixi-ecommerce-2024", "title": TITLE} | other
        return PaymentFile(**said, year=2024, debtor=PAYER, count=self.count, total=self.total)


class Payees(Mapping[str, Payee]):
    """An account for every enterprise, worked out and not held; its name is the one given."""

    def __init__(self, name: str = "慈溪市卓力电器科技有限公司") -> None:
        self.name = name

    def __getitem__(self, code: str) -> Payee:
        bank = "102332000017" if int(code[8:17]) % 2 else "ICBKCNBJNBO"
        return Payee(f"6222{code[8:17]}000001", bank, self.name)

    def __contains__(self, code: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError


MEASURES = ("年度网络零售额达标奖励", "新注册京东店铺", "跨境电商独立站（DTC）出海品牌奖励")


def public_lines(count: int, name: str = "慈溪市卓力电器科技有限公司") -> Iterator[PublicLine]:
    """Enterprises with one to three awards each; every fifth is an individual business."""
    for number in range(count):
        own = number % 5 == 4
        awards = [
            MeasureShare(title, 100_000_000 + number, 35_908_700 + number)
            for title in MEASURES[: 1 + number % 3]
        ]
        gross, payable = sum(each.gross for each in awards), sum(each.payable for each in awards)
        yield PublicLine(
            quick_code(number, "92" if own else "91"),
            "慈溪市周巷镇李小明食品经营部" if own else name,
            "周巷镇",
            awards,
            gross + 5_000,
            5_000,
            gross - payable,
            payable,
        )._replace(measures=[awards[0]._replace(gross=awards[0].gross + 5_000), *awards[1:]])


def public_head(count: int, payable: int) -> PublicHead:
    """The head of a public list."""
    return PublicHead(
        f"{TITLE}拟兑现名单",
        "慈商务〔2025〕3号",
        2024,
        "2025-03-01",
        "2025-03-07",
        1_000_000_000,
        2_784_836_153,
        payable,
        "1000000000/2784836153（35.9087%）",
        "9f" * 32,
        10_941,
        count,
        "0574-63980000",
        "慈溪市商务局",
    )


def summary_head(count: int, gross: int, withheld: int, payable: int) -> SummaryHead:
    """The head of a summary."""
    return SummaryHead(
        title=TITLE,
        number="慈商务〔2025〕3号",
        year=2024,
        budget=payable + 12_345,
        gross=gross,
        withheld=withheld,
        reduction=gross - withheld - payable,
        payable=payable,
        count=count,
        digest="9f" * 32,
        position=10_941,
        authority="慈溪市商务局",
        issued_on="2025-03-31",
    )


def parts(gross: int, withheld: int, payable: int, *names: str) -> list[Part]:
    """Figures divided over names; the last has what is left."""
    each = [(sum_ // len(names)) for sum_ in (gross, withheld, payable)]
    found = []
    for name in names[:-1]:
        found.append(Part(name, 1, each[0], each[1], each[0] - each[1] - each[2], each[2]))
    gross, withheld, payable = (
        sum_ - one * (len(names) - 1) for sum_, one in zip((gross, withheld, payable), each, strict=True)
    )
    return [*found, Part(names[-1], 1, gross, withheld, gross - withheld - payable, payable)]


def accounts(count: int) -> Iterator[Account]:
    """What became of the list's payments: every seventh failed, one is partly recovered."""
    for number, line in enumerate(public_lines(count)):
        failed = line.payable if number % 7 == 6 else 0
        clawed = (1_000, 400) if number == 3 else (0, 0)
        paid = line.payable - failed
        yield Account(line.code, line.name, line.payable, line.payable, paid, failed, *clawed)
