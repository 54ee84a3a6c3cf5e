"""Every exception that a paper may name: found where it was planted, and not in what is in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from services.workbench.papers.paper import Paper, Parameters
from services.workbench.papers.registry import (
    EXCEPTIONS,
    FINDINGS_BY_SLUG,
    PAPERS,
    PAPERS_BY_SLUG,
    QUESTIONS,
)
from services.workbench.papers.trails import follow_trail
from tests.events import CIXI
from tests.workbench import (
    ONE,
    PARAMETERS,
    THREE,
    TWO,
    Told,
    claim,
    clawback,
    entry,
    listed,
    opened,
    payment,
    sale,
    settled,
    shop,
)

NIGHT, SUNDAY = "2025-05-06T15:00:00.000000Z", "2025-05-11T04:00:00.000000Z"
LATE_SALE = sale(ONE, 1_000_01)
PAID = [listed("Published"), settled(ONE), payment(ONE, "Ordered"), payment(ONE, "Made", actor="Zhou")]
SAME = {"of": "1", "of_source": "urn:tests", "of_type": "SalesReported"}
RETRACTED = Told(ONE, "FactRetracted", {**SAME, "reason": "wrong"})
HELD = Told(ONE, "FactHeld", {**SAME, "disagreement": "D", "policy": CIXI, "rule": "two-sources"})
COUNTS = Told(
    ONE, "FactDecided", {**SAME, "disagreement": "D", "counts": True, "actor": "Wu", "reason": "seen"}
)
DOCUMENT: dict[str, Any] = {"evidence": [{"title": "invoice", "location": "box 1", "sha256": "aa" * 32}]}
OTHER_DOCUMENT: dict[str, Any] = {
    "evidence": [{"title": "invoice", "location": "box 2", "sha256": "bb" * 32}]
}
MANY = [sale(f"91330282{number:09d}X", 1_000_00 + number * 7) for number in range(20)]
DESK = [claim(ONE, "Submitted", "Ma"), claim(ONE, "Reviewed", "Wu"), claim(ONE, "Approved", "Shen")]
AGAIN = "X" + ONE[1:]
PROFILE_LATE = entry(ONE, "甲公司")


class Planted(NamedTuple):
    """Events that an exception is planted in, and the same in order; how many rows it must give."""

    wrong: list[Told]
    right: list[Told]
    rows: int = 1
    parameters: Parameters = PARAMETERS


PLANTED = {
    "list-not-closing": Planted([settled(ONE, 9_999_99), listed("Closed")], [settled(ONE), listed("Closed")]),
    "paid-above-award": Planted([*PAID[:3], payment(ONE, "Made", 10_000_01)], PAID),
    "paid-below-award": Planted([*PAID[:3], payment(ONE, "Made", 9_999_99)], PAID),
    "paid-without-award": Planted([*PAID, payment(TWO, "Ordered"), payment(TWO, "Made")], PAID),
    "paid-without-order": Planted([*PAID[:2], PAID[3]], PAID),
    "paid-twice": Planted([*PAID, PAID[3]], PAID),
    "clawed-back-above-paid": Planted([*PAID, clawback("Ordered", 10_000_01)], [*PAID, clawback("Ordered")]),
    "recovered-above-clawback": Planted(
        [*PAID, clawback("Ordered"), clawback("Recovered", 10_000_01)],
        [*PAID, clawback("Ordered"), clawback("Recovered")],
    ),
    "approval-without-evidence": Planted(DESK, [claim(ONE, "Submitted", "Ma", **DOCUMENT), *DESK[1:]]),
    "split-claim": Planted(
        [DESK[0], claim(ONE, "Submitted", "Ma", claim="K2")],
        [DESK[0], claim(ONE, "Submitted", "Ma", SUNDAY, claim="K2"), claim(TWO, "Submitted", "Ma")],
    ),
    "conflict-in-matter": Planted([*DESK[:2], claim(ONE, "Approved", "Wu")], DESK),
    "conflicting-duties": Planted([*DESK, payment(ONE, "Ordered", actor="Shen")], [*DESK, *PAID]),
    "confirmed-by-oneself": Planted(
        [claim(ONE, "Approved", "Shen")._replace(proposed_by="Shen")],
        [claim(ONE, "Approved", "Shen")._replace(proposed_by="Wu")],
    ),
    "outside-hours": Planted([claim(ONE, "Submitted", "Ma", NIGHT)], DESK),
    "at-weekend": Planted([claim(ONE, "Submitted", "Ma", SUNDAY)], DESK),
    "many-in-a-minute": Planted(
        [claim(ONE, "Reviewed", "Wu", claim=f"K{number}") for number in range(5)],
        [claim(ONE, "Reviewed", "Wu", f"2025-05-06T04:0{number}:00.000000Z") for number in range(5)],
    ),
    "fact-after-publication": Planted([listed("Published"), LATE_SALE], [LATE_SALE, listed("Published")]),
    "fact-after-closing": Planted([*PAID[:2], listed("Closed"), LATE_SALE], [LATE_SALE, *PAID[:2]]),
    "fact-after-payment": Planted([*PAID, LATE_SALE], [LATE_SALE, *PAID, PROFILE_LATE]),
    "correction-after-publication": Planted(
        [LATE_SALE, listed("Published"), RETRACTED], [LATE_SALE, RETRACTED, listed("Published")]
    ),
    "correction-after-closing": Planted(
        [LATE_SALE, *PAID[:1], listed("Closed"), RETRACTED], [LATE_SALE, RETRACTED, listed("Closed")]
    ),
    "correction-after-payment": Planted([LATE_SALE, *PAID, RETRACTED], [LATE_SALE, RETRACTED, *PAID]),
    "hold-open": Planted([LATE_SALE, HELD], [LATE_SALE, HELD, COUNTS]),
    "approval-not-as-reviewed": Planted([*DESK[:2], claim(ONE, "Approved", "Shen", amount_fen=1)], DESK),
    "approval-above-claim": Planted([*DESK[:2], claim(ONE, "Approved", "Shen", amount_fen=50_000_01)], DESK),
    "approval-without-review": Planted([DESK[0], DESK[2]], [*DESK, claim(TWO, "Approved", "")]),
    "approval-after-rejection": Planted([*DESK[:2], claim(ONE, "Rejected", "Wu"), DESK[2]], DESK),
    "same-document": Planted(
        [claim(ONE, "Submitted", "Ma", **DOCUMENT), claim(TWO, "Submitted", "Li", **DOCUMENT)],
        [claim(ONE, "Submitted", "Ma", **DOCUMENT), claim(TWO, "Submitted", "Li", **OTHER_DOCUMENT)],
        2,
    ),
    "same-thing": Planted([shop(ONE, "S1"), shop(TWO, "S1")], [shop(ONE, "S1"), shop(TWO, "S2")], 2),
    "same-amount": Planted(
        [sale(ONE, 8_123_45), sale(TWO, 8_123_45)], [sale(ONE, 20_000_00), sale(TWO, 20_000_00)], 2
    ),
    "spelt-otherwise": Planted(
        [shop(ONE, "EU-1"), shop(ONE, "EU.1")], [shop(ONE, "EU-1"), shop(ONE, "EU-2")]
    ),
    "same-bank-reference": Planted(
        [payment(ONE, "Made", reference="R"), payment(TWO, "Made", reference="R")],
        [payment(ONE, "Made"), payment(TWO, "Made")],
        2,
    ),
    "same-name": Planted(
        [entry(ONE, "甲公司"), entry(TWO, "甲公司")], [entry(ONE, "甲公司"), entry(TWO, "乙公司")], 2
    ),
    "same-organisation": Planted(
        [entry(ONE, "甲公司"), entry(AGAIN, "乙公司")], [entry(ONE, "甲公司"), entry(TWO, "乙公司")], 2
    ),
    "outlier": Planted([*MANY, sale(ONE, 9_000_000_00)], MANY),
    "grew": Planted([sale(ONE, 100, 2023), sale(ONE, 500)], [sale(ONE, 100, 2023), sale(ONE, 499)]),
    "large-share": Planted([settled(ONE)], [settled(f"91330282{number:09d}X") for number in range(20)]),
}
"""By the slug of the exception."""
ELSEWHERE = {
    "list-not-settled": "test_a_list_that_differs_from_what_was_settled_is_named",
    "same-account": "test_one_account_of_several_enterprises_is_found_where_the_payee_file_is_given",
    "same-attribute": "test_an_attribute_that_several_enterprises_share_is_found",
    "acknowledged": "test_an_acknowledgement_is_shown_where_the_catalogue_has_it",
}


def findings(
    folder: Path, planted: list[Told], parameters: Parameters = PARAMETERS
) -> list[tuple[object, ...]]:
    """The exceptions of events, ranked."""
    return list(EXCEPTIONS.rows(opened(folder, planted), parameters))


def test_every_exception_is_planted_somewhere() -> None:
    assert {*PLANTED, *ELSEWHERE} == set(FINDINGS_BY_SLUG)
    assert all(name in globals() for name in ELSEWHERE.values())


@pytest.mark.parametrize("slug", PLANTED)
def test_an_exception_is_found_where_it_is_and_nowhere_else(tmp_path: Path, slug: str) -> None:
    planted = PLANTED[slug]
    wrong = [row for row in findings(tmp_path / "wrong", planted.wrong) if row[3] == slug]
    right = [row for row in findings(tmp_path / "right", planted.right) if row[3] == slug]

    assert len(wrong) == planted.rows
    assert right == []


def test_a_year_in_order_has_no_exception(tmp_path: Path) -> None:
    codes = [told.originator for told in MANY]
    registered = [entry(code, f"企业{number}") for number, code in enumerate(codes)]
    claimed = [claim(codes[0], "Submitted", "Ma", **DOCUMENT)]
    claimed += [claim(codes[0], "Reviewed", "Wu"), claim(codes[0], "Approved", "Shen")]
    closing = [listed("Proposed"), listed("Published"), *map(settled, codes)]
    closing += [listed("Closed", "Hu", payable_fen=10_000_00 * len(codes))]
    paid = [payment(code, "Ordered") for code in codes]
    paid += [payment(code, "Made", actor="Zhou") for code in codes]

    assert findings(tmp_path, [*registered, *MANY, *claimed, *closing, *paid]) == []


def test_a_list_that_differs_from_what_was_settled_is_named(tmp_path: Path) -> None:
    line = (ONE, "store.jd", 2024, 10_000_00, 0, 0, 9_000_00)
    file = opened(tmp_path, [settled(ONE), listed("Closed")], [line])

    assert [row[2] for row in EXCEPTIONS.rows(file, PARAMETERS) if row[3] == "list-not-settled"] == [""]


def test_one_account_of_several_enterprises_is_found_where_the_payee_file_is_given(tmp_path: Path) -> None:
    payees = tmp_path / "payees.csv"
    payees.write_text(f"代码,账号\n{ONE},6222 0001\n{TWO},62220001\n{THREE},62220002\n", "utf-8")
    file = opened(tmp_path, [settled(ONE)])
    rows = list(PAPERS_BY_SLUG["related-parties"].rows(file, replace(PARAMETERS, payees=str(payees))))

    assert [(row[0], row[1], row[2]) for row in rows] == [
        (ONE, "same-account", 10_000_00),
        (TWO, "same-account", 0),
    ]
    assert list(PAPERS_BY_SLUG["related-parties"].rows(file, PARAMETERS)) == []


def test_an_attribute_that_several_enterprises_share_is_found(tmp_path: Path) -> None:
    file = opened(tmp_path, [sale(ONE, 1), sale(TWO, 2), sale(THREE, 3)])
    for position, person in ((1, "王"), (2, "王"), (3, "李")):
        content = f'{{"legal_person": "{person}"}}'
        file.execute("UPDATE events SET content=? WHERE position=?", (content, position))
    rows = PAPERS_BY_SLUG["related-parties"].rows(file, PARAMETERS)

    assert [row[0] for row in rows if row[1] == "same-attribute"] == [ONE, TWO]


def test_an_acknowledgement_is_shown_where_the_catalogue_has_it(tmp_path: Path) -> None:
    file = opened(tmp_path, [sale(ONE, 1)])
    file.execute("UPDATE events SET kind='ClosingAcknowledged' WHERE position=1")

    assert [row[1] for row in PAPERS_BY_SLUG["overrides"].rows(file, PARAMETERS)] == ["acknowledged"]


def test_a_thing_that_only_a_retracted_fact_claims_is_no_duplicate(tmp_path: Path) -> None:
    retracted = Told(
        TWO,
        "FactRetracted",
        {"of": "2", "of_source": "urn:tests", "of_type": "StoreRegistered", "reason": "of another"},
    )

    assert findings(tmp_path, [shop(ONE, "S1"), shop(TWO, "S1"), retracted]) == []


def test_persons_are_told_apart_by_checked_identities_and_by_names_where_there_are_none(
    tmp_path: Path,
) -> None:
    def steps(first: str, second: str) -> list[Told]:
        return [
            claim(ONE, "Reviewed", "Wu")._replace(name="Wu", subject=first),
            claim(ONE, "Approved", "Shen" if first == second != "" else "Wu")._replace(
                name="Shen" if first == second != "" else "Wu", subject=second
            ),
        ]

    def conflicts(name: str, events: list[Told]) -> int:
        return sum(row[3] == "conflict-in-matter" for row in findings(tmp_path / name, events))

    assert conflicts("two persons of one name", steps("s-1", "s-2")) == 0
    assert conflicts("one person who was renamed", steps("s-1", "s-1")) == 1
    assert conflicts("names alone", steps("", "")) == 1


def test_exceptions_are_ranked_by_money(tmp_path: Path) -> None:
    rows = findings(
        tmp_path, [sale(ONE, 8_123_45), sale(TWO, 8_123_45), sale(ONE, 9_876_54), sale(TWO, 9_876_54)]
    )

    assert [row[4] for row in rows] == [9_876_54, 9_876_54, 8_123_45, 8_123_45]
    assert [row[0] for row in rows] == [1, 2, 3, 4]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.slug)
def test_every_paper_has_words_in_both_languages_and_a_cell_for_each_column(
    tmp_path: Path, paper: Paper
) -> None:
    events = [LATE_SALE, HELD, COUNTS, *DESK, *PAID, RETRACTED, entry(ONE, "甲公司")]
    file = opened(tmp_path, events)
    words = [paper.title, paper.looked, paper.not_looked, *(each.words for each in paper.columns)]

    assert all(each.zh and each.en and each.zh != each.en for each in words)
    assert {len(row) for row in paper.rows(file, PARAMETERS)} <= {len(paper.columns)}


def test_population_and_totals_count_what_there_is(tmp_path: Path) -> None:
    rows = list(PAPERS_BY_SLUG["population"].rows(opened(tmp_path, [LATE_SALE, *PAID]), PARAMETERS))

    assert ("‹facts›", "SalesReported", 1, 1_000_01) in rows
    assert ("‹awards›", "", 1, 10_000_00) in rows
    assert ("‹payments by month›", "2025-05", 1, 10_000_00) in rows


def test_a_hold_stands_with_its_decision(tmp_path: Path) -> None:
    [row] = PAPERS_BY_SLUG["holds"].rows(opened(tmp_path, [LATE_SALE, HELD, COUNTS]), PARAMETERS)

    assert row[3:9] == (1_000_01, 2, "‹counts›", 3, "Wu", "seen")


def test_first_digits_are_judged_where_they_fit_and_else_it_is_said_why_not(tmp_path: Path) -> None:
    few = list(PAPERS_BY_SLUG["benford"].rows(opened(tmp_path / "few", MANY), PARAMETERS))
    natural = [sale(f"91330282{n:09d}X", int(100 * 10 ** (n * 4 / 400))) for n in range(400)]
    odd = [sale(f"91330282{n:09d}X", 7 * 10 ** (2 + n % 5) + n) for n in range(400)]
    verdicts = []
    for name, events in (("natural", natural), ("odd", odd)):
        rows = list(PAPERS_BY_SLUG["benford"].rows(opened(tmp_path / name, events), PARAMETERS))
        verdicts.append({str(row[5]).split(":")[0].strip("‹›") for row in rows})

    assert [str(row[5]).split(":")[0].strip("‹›") for row in few] == ["not-applicable"]
    assert verdicts == [{"conforming"}, {"nonconforming"}]


def test_a_payment_leads_to_order_award_claim_evidence_and_facts_and_back(tmp_path: Path) -> None:
    file = opened(tmp_path, [LATE_SALE, claim(ONE, "Submitted", "Ma", **DOCUMENT), *PAID, sale(TWO, 5)])
    steps = list(follow_trail(file, f"P-{ONE}"))

    assert [step.step for step in steps] == ["payment", "payment", "award", "claim", "evidence", "fact"]
    assert steps == list(follow_trail(file, ONE))
    assert "¥1,000.01" in steps[-1].words


def test_a_year_stands_beside_the_one_before(tmp_path: Path) -> None:
    before = settled(ONE, 4_000_00)
    before = before._replace(values={**before.values, "year": 2023})
    rows = list(PAPERS_BY_SLUG["years"].rows(opened(tmp_path, [before, settled(ONE)]), PARAMETERS))

    assert [row[1:] for row in rows] == [
        (2023, 1, 4_000_00, 4_000_00, None),
        (2024, 1, 10_000_00, 10_000_00, 6_000_00),
    ]


def test_no_two_papers_or_exceptions_have_one_name() -> None:
    slugs = [paper.slug for paper in PAPERS]

    assert len(set(slugs)) == len(slugs)
    assert sum(len(paper.findings or {}) for paper in QUESTIONS) == len(FINDINGS_BY_SLUG)
