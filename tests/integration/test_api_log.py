"""The log over HTTP: what it gives can be verified with nothing but a key."""

from __future__ import annotations

import base64
import json

from domain.log.entries import leaf_of
from domain.log.merkle import check_consistency, check_inclusion
from domain.log.notes import VerifierKey, open_checkpoint
from tests.events import Feed, take
from tests.integration.api_client import Api, is_problem


def test_a_checkpoint_its_proofs_and_its_leaves_fit_one_another(api: Api) -> None:
    feed = Feed(1)
    (key,) = api.get("/v1/log/keys")["keys"]
    keys = [VerifierKey.parse(key)]
    first, _ = open_checkpoint(api.client.get("/v1/log/checkpoint").text, keys)
    take(api.ledger, feed.shop("tmall", "a", "2024-05-05"), feed.shop("jd", "b", "2024-06-05"))
    second, _ = open_checkpoint(api.client.get("/v1/log/checkpoint").text, keys)

    assert [each["size"] for each in api.get("/v1/log/checkpoints")["items"]] == [first.size, second.size]
    for position in range(1, second.size + 1):
        proof, said = api.get(f"/v1/log/proofs/{position}"), api.get(f"/v1/log/events/{position}")
        state, salt = base64.b64decode(said["state"]), bytes.fromhex(said["salt"])
        leaf = leaf_of(salt, position, said["originator"], said["version"], said["topic"], state)
        assert leaf.hex() == proof["leaf"]
        path = [bytes.fromhex(each) for each in proof["path"]]
        check_inclusion(leaf, position - 1, second.size, path, second.root)
    found = api.get(f"/v1/log/consistency?first={first.size}&second={second.size}")
    path = [bytes.fromhex(each) for each in found["path"]]
    check_consistency(first.size, second.size, first.root, second.root, path)


def test_what_the_log_does_not_hold_is_unknown(api: Api) -> None:
    for path in ("proofs/99", "proofs/1?size=99", "events/99", "consistency?first=1&second=99"):
        problem = is_problem(api.client.get(f"/v1/log/{path}"))
        assert (problem["status"], problem["code"]) == (404, "position-unknown")


def test_a_history_is_streamed_step_by_step(api: Api) -> None:
    feed = Feed(1)
    take(api.ledger, feed.shop("tmall", "a", "2024-05-05"), feed.shop("jd", "b", "2024-06-05"))

    response = api.client.get(f"/v1/enterprises/{feed.code}/history")
    steps = [json.loads(line) for line in response.text.splitlines()]

    assert response.mimetype == "application/x-ndjson"
    assert [step["position"] for step in steps] == [2, 3]
    assert steps[0]["changes"][0]["measure"] == "store.tmall"
    assert steps[1]["balances"][0]["eligible"] == "15000.00"
    assert is_problem(api.client.get(f"/v1/enterprises/{Feed(2).code}/history"))["status"] == 404
