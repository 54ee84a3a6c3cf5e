"""The workbench's page: on this machine alone, from the folder alone, in both languages."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path

from flask import Flask, Response, abort, render_template, request
from werkzeug.serving import make_server

from domain.money.amounts import print_fen
from domain.policy.rulebook import NoRules
from domain.vocabulary.kinds import Words
from services.workbench.choosing import read_items, read_parameters
from services.workbench.enterprise import explain_enterprise, find_enterprises, read_history
from services.workbench.papers.paper import Cell, Column, Paper, Parameters
from services.workbench.papers.registry import EXCEPTIONS, PAPERS, PAPERS_BY_SLUG
from services.workbench.papers.trails import follow_trail
from services.workbench.sampling import SampledItem, draw_at_random, draw_monetary_units, interval_of
from services.workbench.tables import open_file, read_about
from services.workbench.writing import head_of, show_cell

ROWS_SHOWN = 500
"""Most rows of a paper on the page; its workbook has all."""
HISTORY_SHOWN = 1_000
FIRST = 12
"""How many of the largest exceptions stand on the first page."""
ADDRESS = "127.0.0.1"
HOSTS = frozenset({"127.0.0.1", "localhost"})
RANDOM_MAX = 1_000
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


class PaperFigures:
    """How many rows each paper has and what they come to, worked out once: the file does not change."""

    def __init__(self) -> None:
        self.figures: dict[str, tuple[int, int]] = {}

    def count_rows(self, paper: Paper, file: sqlite3.Connection, parameters: Parameters) -> tuple[int, int]:
        """Rows, and the sum of the first column of money, in fen."""
        if paper.slug not in self.figures:
            place = next((n for n, column in enumerate(paper.columns) if column.unit == "fen"), None)
            count = total = 0
            for row in paper.rows(file, parameters):
                count += 1
                total += int(row[place] or 0) if place is not None else 0
            self.figures[paper.slug] = count, total
        return self.figures[paper.slug]


class Page:
    """The views of an opened bundle; each opens the folder's file anew, to read."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.figures = folder, PaperFigures()

    def overview(self) -> str:
        """What was opened, the largest exceptions, and every paper with its figures."""
        with closing(open_file(self.folder)) as file:
            parameters = read_parameters(file, self.folder)
            papers = [(paper, *self.figures.count_rows(paper, file, parameters)) for paper in PAPERS]
            first = list(islice(EXCEPTIONS.rows(file, parameters), FIRST))
            values = {"papers": papers, "first": first, "exceptions": EXCEPTIONS, "chosen": parameters}
            return _render("overview.html", file, values)

    def paper(self, slug: str) -> str:
        """One paper's rows."""
        requested = PAPERS_BY_SLUG.get(slug) or abort(404)
        with closing(open_file(self.folder)) as file:
            parameters = read_parameters(file, self.folder)
            count, total = self.figures.count_rows(requested, file, parameters)
            rows = list(islice(requested.rows(file, parameters), ROWS_SHOWN))
            return _render(
                "paper.html", file, {"paper": requested, "rows": rows, "count": count, "total": total}
            )

    def search(self) -> str:
        """Enterprises by a part of code or name, or by a payment."""
        sought = request.args.get("q", "").strip()
        with closing(open_file(self.folder)) as file:
            rows = find_enterprises(file, sought) if sought else []
            return _render("search.html", file, {"sought": sought, "rows": rows})

    def enterprise(self, code: str) -> str:
        """An enterprise's explanation, trail and history."""
        with closing(open_file(self.folder)) as file:
            history = list(islice(read_history(file, code), HISTORY_SHOWN)) or abort(404)
            try:
                awards = explain_enterprise(file, read_parameters(file, self.folder), code, _language())
            except NoRules:
                awards = []
            trail = [step for step in follow_trail(file, code) if step.step != "fact"]
            name = next((row[1] for row in find_enterprises(file, code) if row[0] == code), "")
            values = {"code": code, "title": name, "history": history, "awards": awards, "trail": trail}
            return _render("enterprise.html", file, values)

    def sample(self) -> str:
        """The sampling form, and what it draws."""
        with closing(open_file(self.folder)) as file:
            parameters = read_parameters(file, self.folder)
            method, seed = request.args.get("method", ""), request.args.get("seed") or parameters.seed
            count = min(max(request.args.get("count", 25, int), 1), RANDOM_MAX)
            interval = interval_of(parameters.performance_fen, parameters.confidence)
            items, drawn = read_items(file, parameters), list[SampledItem]()
            if method == "mus":
                drawn = list(draw_monetary_units(items, interval, seed))
            elif method == "random":
                drawn = draw_at_random(items, count, seed)
            values = {"method": method, "seed": seed, "count": count, "interval": interval}
            return _render("sample.html", file, {**values, "drawn": drawn, "chosen": parameters})


def create_page(folder: Path) -> Flask:
    """The page of an opened bundle."""
    app, page = Flask(__name__, static_folder="static"), Page(folder)
    app.before_request(_refuse_others)
    app.after_request(_add_headers)
    app.add_url_rule("/", view_func=page.overview)
    app.add_url_rule("/papers/<slug>", view_func=page.paper)
    app.add_url_rule("/enterprises", view_func=page.search)
    app.add_url_rule("/enterprises/<code>", view_func=page.enterprise)
    app.add_url_rule("/sample", view_func=page.sample)
    return app


def _refuse_others() -> None:
    """Only this machine's own names: another site's name that leads here is refused."""
    if request.host.partition(":")[0] not in HOSTS:
        abort(403)


def _add_headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _language() -> str:
    return "en" if request.args.get("lang") == "en" else "zh"


def _render(template: str, file: sqlite3.Connection, values: Mapping[str, object]) -> str:
    language = _language()

    def words(zh: str, en: str) -> str:
        return Words(zh, en).in_language(language)

    def cell(value: Cell, column: Column) -> str:
        return show_cell(value, column, language)

    common: dict[str, object] = {
        "about": read_about(file),
        "lang": language,
        "t": words,
        "money": lambda fen: print_fen(fen, "CNY"),
        "head": lambda column: head_of(column, language),
        "cell": cell,
        "arguments": {name: value for name, value in request.args.items() if name != "lang"},
    }
    return render_template(template, **common, **values)


def serve_page(folder: Path, port: int) -> None:
    """Serve the page on this machine until it is interrupted."""
    with closing(open_file(folder)):
        pass
    server = make_server(ADDRESS, port, create_page(folder))
    print(f"http://{ADDRESS}:{server.server_port}/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
