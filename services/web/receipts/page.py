"""The printed page of a receipt: what the file says, on paper, with a code that ties the two."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import segno
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from domain.events.instants import SHANGHAI
from domain.log.notes import Checkpoint, parse_note
from domain.money.amounts import parse_fen, print_fen
from domain.money.capitals import in_words
from domain.money.dividing import factor
from domain.money.wire import factor_form
from domain.settlement.receipt import APART, digest_of
from services.web.headers import hashed

CODE_FORM = "SLR1"
"""What the printed code begins with."""


def receipt_page(receipt: dict[str, Any]) -> str:
    """The page, one HTML file that loads nothing."""
    checkpoint = Checkpoint.parse(parse_note(receipt["checkpoint"])[0])
    code = segno.make(code_of(receipt), error="m", micro=False)
    made: str = _template().render(
        receipt=receipt,
        policy=policy(),
        style=_style(),
        closed_on=receipt["closed_on"],
        capitals=in_words("应兑现合计", parse_fen(receipt["account"]["payable"]), receipt["currency"]),
        amount=lambda text: print_fen(parse_fen(text), receipt["currency"]),
        code=code.svg_inline(omitsize=True, border=2),
        funds=funds(receipt),
        rows="、".join(str(each["number"]) for each in receipt["list"]["rows"]),
        size=f"{checkpoint.size:,}",
        as_of=_in_china(receipt["as_of"]),
        root=checkpoint.root.hex(),
        digest=_digest(receipt),
    )
    return made


def funds(receipt: dict[str, Any]) -> list[dict[str, Any]]:
    """What pays the enterprise, as the proven lines of the list say: each budget, and other funds last."""
    head = json.loads(receipt["list"]["head"]["line"])
    lines = [
        dict(zip(head["columns"], json.loads(each["line"]), strict=True)) for each in receipt["list"]["rows"]
    ]
    inside = {line["pot"] for line in lines if line["basis"] is not None}
    told = (each["explanation"]["pro_rata"] for each in receipt["awards"] if each["explanation"])
    names = {each["pot"]: each["name"] for each in told if "name" in each}
    found: list[dict[str, Any]] = [
        {
            "name": names.get(pot, {"zh": pot, "en": ""}),
            "budget": print_fen(budget),
            "sharing": print_fen(sharing),
            "factor": factor_form(factor(budget, sharing)),
        }
        for pot, budget, sharing in head["pots"]
        if pot in inside
    ]
    outside = sum(line["payable"] for line in lines if line["basis"] is None)
    return [*found, {"outside": print_fen(outside)}] if outside else found


def code_of(receipt: dict[str, Any]) -> str:
    """What the printed code says: whose receipt, the sum, and the digests of file and list."""
    named = (receipt[name] for name in ("enterprise", "policy", "year"))
    said = (CODE_FORM, *named, receipt["account"]["payable"], _digest(receipt), receipt["list"]["root"])
    return " ".join(map(str, said))


@cache
def policy() -> str:
    """What the page may do: be shown in its own style."""
    return f"default-src 'none'; style-src {hashed(_style())}; base-uri 'none'; form-action 'none'"


def _in_china(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def _digest(receipt: dict[str, Any]) -> str:
    return digest_of({name: value for name, value in receipt.items() if name not in APART})


@cache
def _style() -> str:
    return files(__package__).joinpath("receipt.css").read_text("utf-8")


@cache
def _template() -> Any:
    made = Environment(
        loader=PackageLoader("services.web.receipts", "."),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return made.get_template("receipt.html")
