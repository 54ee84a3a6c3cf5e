"""Identities required and no sign-in on pages: who works is told by a token, and the pages say so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.store.application import Ledger
from tests.integration.checked import CheckedApi

WORDS = {"zh": "没有设网页登录", "en": "signing in to its pages is not set up"}


@pytest.fixture
def api(open_at: Callable[..., Ledger]) -> CheckedApi:
    return CheckedApi(open_at())


@pytest.mark.parametrize("lang", WORDS)
def test_who_works_is_told_by_the_token_and_no_form_asks_for_it(api: CheckedApi, lang: str) -> None:
    lin = api.person("p-1", "officer", name="林一")

    page = lin.client.get(f"/console/who?lang={lang}", headers=lin.headers).text

    assert WORDS[lang] in page
    assert "SUBSIDY_LEDGER_OIDC_CLIENT_ID" in page
    assert "林一" in page
    assert '<form method="post" class="card' not in page


@pytest.mark.parametrize("lang", WORDS)
def test_a_page_of_refusal_calls_what_is_wrong_as_people_do(api: CheckedApi, lang: str) -> None:
    refused = api.client.get(f"/console/who?lang={lang}", headers={"Accept": "text/html"})

    assert refused.status_code == 401
    assert "Authorization</" not in refused.text
    assert (f"<td>{'身份' if lang == 'zh' else 'Identity'}</td>") in refused.text
