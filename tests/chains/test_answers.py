"""The record of what real nodes answered is read whole, and nothing of it is guessed."""

from __future__ import annotations

import json

import pytest

from chains.answers import CLIENTS, FILE, REQUESTS, Kind, all_recorded, recorded, shape


def test_every_case_of_the_record_has_its_request_and_no_request_is_without_a_case() -> None:
    cases = json.loads(FILE.read_text())["cases"]
    assert set(REQUESTS) == set(cases)
    given = [(each.case, each.client) for each in all_recorded()]
    kept = [(case, client) for case, answers in cases.items() for client in answers if answers[client] is not None]
    assert given == kept
    assert {client for _, client in given} <= set(CLIENTS)


def test_a_case_is_read_as_it_was_recorded() -> None:
    low = recorded("send same, mined", "besu")
    assert (low.code, low.message, low.http, low.has_result) == (-32001, "Nonce too low", 200, False)
    assert (low.request.method, low.request.kind) == ("eth_sendRawTransaction", Kind.SEND)
    future = recorded("call future block", "besu")
    assert future.has_result
    assert future.result is None
    assert future.error is None
    host = recorded("host not allowed", "besu")
    assert (host.http, host.body) == (403, {"message": "Host not authorized."})
    assert recorded("batch 1025", "besu").body["error"]["code"] == -32005


def test_the_layered_pool_answers_as_besu_where_nothing_else_was_recorded() -> None:
    assert recorded("zero fee on the jammed nonce", "besu").code == -32000
    assert recorded("zero fee on the jammed nonce", "besu_layered").has_result
    assert recorded("send same, mined", "besu_layered").code == -32001


@pytest.mark.parametrize("client", ["anvil", "besu_layered", "geth"])
def test_what_was_not_recorded_is_no_answer(client: str) -> None:
    with pytest.raises(KeyError):
        recorded("sender not allowlisted" if client == "anvil" else "no such case", client)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": {"code": 3, "message": "x"}}, "error 3"),
        ({"result": None}, "null"),
        ({"result": "(a hash)"}, "hash"),
        ({"result": "0x" + "ab" * 32}, "hash"),
        ({"result": "(a block)"}, "block"),
        ({"result": {"parentHash": "0x"}}, "block"),
        ({"result": "0x"}, "data"),
        ({"result": []}, "list"),
        ({"status": "0x0"}, "object"),
        (True, "bool"),
    ],
)
def test_recorded_and_live_answers_have_comparable_shapes(answer: object, said: str) -> None:
    assert shape(answer) == said
