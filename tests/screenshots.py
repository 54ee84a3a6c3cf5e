"""The pictures of ``docs/console.md``: ``python -m tests.screenshots`` makes them anew.

The city, the clock and whatever is drawn by lot are fixed, so that the same program gives the
same pictures.
"""

from __future__ import annotations

import argparse
import random
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from playwright.sync_api import Page, ViewportSize, expect

from ledger.audit.checkpoints import load_or_make_key
from tests.console import NOW, Hall, Person, Served, chromium, closed_year, open_year, served
from tests.integration.bureau import Clock

IMAGES = Path(__file__).parent.parent / "docs" / "images" / "console"
ENTERPRISES = 300
WIDTH, PHONE = 1280, 360
HEIGHT_MAX, LIST_MAX = 1300, 760
"""Where a picture of a long page ends, and of one that goes on as it began."""
LISTS = ("enterprises", "claims", "refused", "settlement-lines", "payments", "difference")
PORT = 8765
"""Pages name their own address, so that it is always the same; two more follow."""
WORK_MS = 120_000

Ready = Callable[[Page], None]


class Shot(NamedTuple):
    """One picture: which city, which page, what is done before, and how it is looked at."""

    name: str
    stage: str
    path: str
    before: Ready | None = None
    lang: str = "zh"
    scheme: str = "light"
    width: int = WIDTH
    works: bool = True


def shots(site: dict[str, Served]) -> Iterator[Shot]:
    """Every picture."""
    code = site["open"].richest()
    submitted = "claims/{}/{}".format(*_claim(site["open"], "submitted"))
    with site["open"].ledger.store.reading() as rows:
        sql = "SELECT digest FROM refused WHERE subject IS NOT NULL ORDER BY number DESC LIMIT 1"
        refused = rows.all(sql)[0][0]
    yield Shot("first-run", "empty", "/console/", works=False)
    yield Shot("who", "open", "/console/who", works=False)
    yield Shot("year", "open", "")
    yield Shot("enterprises", "open", "enterprises")
    yield Shot("enterprise", "open", f"enterprises/{code}", _unfold("details.award"))
    yield Shot("statement", "closed", f"enterprises/{site['closed'].richest()}/statement")
    yield Shot("claims", "open", "claims?status=all")
    yield Shot("claim", "open", submitted)
    yield Shot("claim-new", "open", f"claims/new?enterprise={code}")
    yield Shot("refused", "open", "refused")
    yield Shot("refused-message", "open", f"refused/{refused}")
    yield Shot("settlement", "open", "settlement")
    yield Shot("settlement-closed", "closed", "settlement")
    yield Shot("settlement-lines", "closed", "settlement/lines")
    yield Shot("payments", "closed", "payments")
    yield Shot("adjustments", "closed", "adjustments", _unfold("td details"))
    yield Shot("what-if", "open", "what-if?budget=8000000.00&r.dtc-units=pro-rata", _answered)
    yield Shot("replay", "open", "replay", _answered)
    yield Shot("replay-true", "open", "replay?kind=true&day=2024-09-30", _answered)
    yield Shot("difference", "closed", "difference", _answered)
    yield Shot("audit", "closed", "audit")
    yield Shot("event", "open", "log/17", _proved)
    yield Shot("year-dark", "open", "", scheme="dark")
    yield Shot("year-phone", "open", "", width=PHONE)
    yield Shot("enterprise-phone", "open", f"enterprises/{code}", width=PHONE)
    yield Shot("settlement-en", "closed", "settlement", lang="en")
    yield Shot("event-en-dark", "open", "log/17", _proved, lang="en", scheme="dark")


def _claim(site: Served, status: str) -> tuple[str, str]:
    with site.ledger.store.reading() as rows:
        code, claim = rows.all("SELECT code, claim FROM claims WHERE status=? LIMIT 1", [status])[0]
    return code, claim


def _unfold(selector: str) -> Ready:
    def unfold(page: Page) -> None:
        page.locator(selector).first.locator("summary").first.click()

    return unfold


def _answered(page: Page) -> None:
    page.locator("#answer").wait_for()
    expect(page.locator("progress")).to_have_count(0, timeout=WORK_MS)


def _proved(page: Page) -> None:
    page.locator("#verdict[data-verdict=good]").wait_for()


def take(person: Person, shot: Shot, folder: Path) -> Path:
    """Take one picture."""
    page = person.goes(shot.path)
    if shot.before is not None:
        shot.before(page)
    page.mouse.move(0, 0)
    page.evaluate("document.fonts.ready")
    height = min(
        int(page.evaluate("document.documentElement.scrollHeight")),
        LIST_MAX if shot.name in LISTS else HEIGHT_MAX,
    )
    file = folder / f"{shot.name}.png"
    clip: Any = {"x": 0, "y": 0, "width": shot.width, "height": height}
    page.screenshot(path=file, full_page=True, clip=clip, animations="disabled", caret="hide")
    return file


@contextmanager
def drawn_alike() -> Iterator[None]:
    """Whatever is drawn by lot is drawn alike every time."""
    lot = random.Random(1)
    with (
        mock.patch("os.urandom", lot.randbytes),
        mock.patch.object(secrets, "token_bytes", lambda n=32: lot.randbytes(n)),
        mock.patch.object(secrets, "token_hex", lambda n=32: lot.randbytes(n).hex()),
    ):
        yield


def make(folder: Path, only: str = "") -> list[Path]:
    """Take every picture (whose name begins with ``only``) into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with tempfile.TemporaryDirectory() as held, chromium() as browser, drawn_alike():
        places = {stage: Path(held) / f"{stage}.db" for stage in ("open", "closed", "empty")}
        open_year(places["open"], ENTERPRISES)
        closed_year(places["closed"], ENTERPRISES)
        for place in places.values():
            load_or_make_key(Path(f"{place}.key"))
        clock = Clock(NOW)
        with (
            served(places["open"], clock, PORT) as opened,
            served(places["closed"], Clock(NOW.replace(day=28)), PORT + 1) as closed,
            served(places["empty"], clock, PORT + 2) as empty,
        ):
            site = {"open": opened, "closed": closed, "empty": empty}
            for shot in shots(site):
                if not shot.name.startswith(only):
                    continue
                hall = Hall(browser)
                size = ViewportSize(width=shot.width, height=900)
                person = hall.person(
                    site[shot.stage],
                    shot.lang,
                    viewport=size,
                    color_scheme=shot.scheme,
                    locale={"zh": "zh-CN", "en": "en-GB"}[shot.lang],
                    timezone_id="Asia/Shanghai",
                )
                if shot.works:
                    person.works("林晓", "officer")
                made.append(take(person, shot, folder))
                assert hall.leave() == [], shot.name
    return made


def main() -> None:
    """Make them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=IMAGES)
    parser.add_argument("--only", default="", help="pictures whose name begins with this")
    given = parser.parse_args()
    made = make(given.into, given.only)
    for file in made:
        print(f"{file.stat().st_size:>9,}  {file}")
    print(f"{sum(file.stat().st_size for file in made):>9,}  in all")


if __name__ == "__main__":
    main()
