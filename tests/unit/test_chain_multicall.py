"""Many questions in one call: what it answers is what each of them answers by itself, on a real node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rpc_server import RpcServer

from pyjpm.chain import Connection, LocalAnvil
from pyjpm.chain.multicall import MOST_CODE, MOST_QUESTIONS, creation_code, fitting, read_answers
from pyjpm.chain.tester import LocalTester
from pyjpm.errors.chain import BlockNotAvailable, ExecutionFailed, Reverted

# Contracts by hand: the word at byte 4 of the calldata; a revert; two words; all gas burnt; the block's number.
ECHO, REVERTS, TWO, BURNS, HEIGHT = ("0x" + f"{number:02x}" * 20 for number in (0xE1, 0xE2, 0xE3, 0xE4, 0xE5))
CODE = {
    ECHO: "60043560005260206000f3",
    REVERTS: "60006000fd",
    TWO: "60406000f3",
    BURNS: "fe",
    HEIGHT: "4360005260206000f3",
}
NOBODY = "0x" + "77" * 20


def question(number: int) -> bytes:
    return b"\xaa\xbb\xcc\xdd" + number.to_bytes(32, "big")


@pytest.fixture(scope="module")
def chain() -> Iterator[Connection]:
    with LocalAnvil() as anvil:
        connection = anvil.connection()
        for address, code in CODE.items():
            connection.development_request("anvil_setCode", address, "0x" + code)
        connection.development_request("evm_mine")
        yield connection


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many questions went singly, each time that any did."""
    found: list[int] = []
    calls = Connection.calls

    def counted(self: Connection, requests: Any, **options: Any) -> Any:
        found.append(len(requests))
        return calls(self, requests, **options)

    monkeypatch.setattr(Connection, "calls", counted)
    return found


def test_many_are_answered_in_one_call_in_their_order(chain: Connection, asked: list[int]) -> None:
    numbers = [*range(450), 2**256 - 1, 0]
    answers = chain.words([(ECHO, question(number)) for number in numbers])
    assert [int.from_bytes(answer, "big") for answer in answers] == numbers
    assert asked == [0]


def test_one_that_answers_otherwise_spoils_no_other(chain: Connection, asked: list[int]) -> None:
    mixed = [(ECHO, question(7))] * 9 + [(TWO, question(0)), (NOBODY, question(0)), (ECHO, question(8))]
    answers = chain.words(mixed)
    assert [int.from_bytes(each, "big") for each in answers[:9]] == [7] * 9
    assert (len(answers[9]), answers[10], answers[11]) == (64, b"", question(8)[4:])
    assert asked == [2], "what is no single word was asked singly"
    assert answers == chain.calls(mixed)


@pytest.mark.parametrize(("bad", "error"), [(REVERTS, Reverted), (BURNS, ExecutionFailed)])
def test_one_that_fails_fails_as_by_itself(chain: Connection, bad: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        chain.words([(ECHO, question(number)) for number in range(20)] + [(bad, question(0))])


def test_it_is_the_state_of_the_block_that_is_asked_for(chain: Connection) -> None:
    head = chain.head().number
    for _ in range(3):
        chain.development_request("evm_mine")
    for block in (head, head + 2):
        answers = chain.words([(HEIGHT, question(0))] * 12, block=block)
        assert {int.from_bytes(answer, "big") for answer in answers} == {block}
    with pytest.raises(BlockNotAvailable):
        chain.words([(HEIGHT, question(0))] * 12, block=head + 1_000)


def test_few_and_other_nodes_are_asked_singly(chain: Connection, asked: list[int]) -> None:
    assert [int.from_bytes(each, "big") for each in chain.words([(ECHO, question(5))] * 3)] == [5] * 3
    with LocalTester() as tester:
        assert tester.connection().words([(NOBODY, question(0))] * 12) == [b""] * 12
    assert asked == [3, 12]


@pytest.mark.parametrize(
    "said",
    [
        {"error": {"code": -32000, "message": "contract creation is not allowed"}},
        {"result": "0x"},
        {"result": "0x" + "01" * 33},
    ],
)
def test_a_node_that_does_not_run_it_is_asked_singly(said: dict[str, Any], asked: list[int]) -> None:
    with RpcServer("besu") as server:
        server.on("eth_call", said, *[{"result": "0x" + "00" * 31 + "2a"}] * 12)
        answers = Connection.open(server.url).words([(ECHO, question(0))] * 12)
    assert [int.from_bytes(each, "big") for each in answers] == [42] * 12
    assert asked == [12]


def test_what_does_not_fit_into_one_call_is_refused() -> None:
    one = (bytes(20), question(0))
    for questions in (
        [],
        [one, (bytes(20), b"short")],
        [(bytes(19), question(0))],
        [one] * (MOST_QUESTIONS + 1),
        [(bytes(20), bytes(MOST_CODE))],
    ):
        with pytest.raises(ValueError, match="questions"):
            creation_code(questions)
    assert len(creation_code([one] * MOST_QUESTIONS)) < MOST_CODE


@pytest.mark.parametrize("size", [0, 4, 36, 68, 100, 4_096, 40_000])
def test_as_many_are_asked_together_as_fit(size: int) -> None:
    count = fitting(size)
    one = (bytes(20), bytes(size))
    assert len(creation_code([one] * count)) <= MOST_CODE
    with pytest.raises(ValueError, match="questions"):
        creation_code([one] * (count + 1))


def test_an_answer_of_another_size_is_none() -> None:
    assert read_answers(b"", 1) is None
    assert read_answers(bytes(34), 1) is None
    assert read_answers(b"\1" + bytes(32) + b"\0" + bytes(32), 2) == [bytes(32), None]
