"""Each cell of docs/authority.md's table of steps, tried for real at each door that persons have."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate.steps import COMMANDS, CONSOLE, HTTP, OF_MESSAGES, OF_TRIALS, PERSONAL, cells_at
from domain.authority.roles import MAY, ROLES
from services.server.app import create_app
from services.web.identity.access import ACCESS, API_STEPS, CONSOLE_FORMS_WITHOUT_STEPS, CONSOLE_STEPS
from tests.steps import STEPS, Copy, Stages, Step, of_system, of_token, wrong_cells


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return Stages(tmp_path_factory.mktemp("stages"))


def test_every_step_is_tried_at_every_door_that_has_it() -> None:
    assert set(STEPS) | OF_MESSAGES | OF_TRIALS == set(MAY)
    tried = {
        HTTP: {name for name, step in STEPS.items() if step.http is not None},
        CONSOLE: {name for name, step in STEPS.items() if step.form is not None},
        COMMANDS: {name for name, step in STEPS.items() if step.command is not None},
    }
    for door in PERSONAL:
        assert tried[door] == {cell.step for cell in cells_at(door)}, door.title.en
        assert len(cells_at(door)) == len(tried[door]) * len(ROLES)


def test_steps_over_http_are_for_the_roles_of_the_table_alone(stages: Stages, tmp_path: Path) -> None:
    assert wrong_cells(stages, tmp_path, HTTP, Copy.ask_http, of_token) == []


def test_steps_of_pages_are_for_the_roles_of_the_table_alone(stages: Stages, tmp_path: Path) -> None:
    assert wrong_cells(stages, tmp_path, CONSOLE, Copy.ask_page, of_token) == []


def test_steps_of_commands_are_for_the_roles_of_the_table_alone(
    stages: Stages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those without a seat on the command line cannot be given one: test_users_of_the_system."""

    def ask(copy: Copy, step: Step, role: str, number: int) -> str:
        return copy.ask_command(monkeypatch, step, role, number)

    assert wrong_cells(stages, tmp_path, COMMANDS, ask, of_system) == []


def test_every_address_and_form_that_writes_declares_its_steps(stages: Stages, tmp_path: Path) -> None:
    app = create_app(Copy(stages, "open", tmp_path).ledger)
    writes = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if {"POST", "PUT", "DELETE", "PATCH"} & (rule.methods or set())
    }
    forms = {endpoint for endpoint in writes if endpoint.startswith("console.")}
    assert forms == set(CONSOLE_STEPS) | CONSOLE_FORMS_WITHOUT_STEPS
    assert writes - forms == set(API_STEPS) | OF_WAITING | COMPUTING | FILES
    assert {ACCESS[endpoint] for endpoint in FILES} == {("finance",)}


OF_WAITING = {"waiting.confirm", "waiting.withdraw"}
COMPUTING = {"what-if.compare", "payments.reconciliation"}
"""Work out an answer of what the request brings, and record nothing."""
FILES = {"payments.file"}
"""Answers with a file for the bank; accounts come with the request."""
