"""Many operations taken in together: each is answered as if it had come alone, and sent once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sending_support import GATE, DeviceLost, FlakySigner, Refused, operation, self_calls, sent_by

from pyjpm.chain.connection import Connection
from pyjpm.custody import LocalSigner
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import NodeUnreachable
from pyjpm.errors.custody import SigningRefused
from pyjpm.errors.outbox import InFlightExceedsFunds
from pyjpm.errors.sending import IdempotencyConflict, JournalFailed
from pyjpm.sending import Operation, Sender, SignedBytes, Submission, SubmissionState
from pyjpm.sending.each import Answer, NotPlain, each_answered

WAIT = 20
MANY = 12


# --- who goes with whom ----------------------------------------------------------------------------------------------


class Counting:
    """Stands for a sender: what was asked for in company, and what alone."""

    def __init__(self, *, apart: set[str] = frozenset(), refused: Mapping[str, PyjpmError] | None = None) -> None:
        self.apart = set(apart)
        self.refused = dict(refused or {})
        self.together: list[list[str]] = []
        self.alone: list[str] = []
        self.fault: Exception | None = None

    def ask(self, *keys: str) -> list[Any]:
        operations = [operation(key, None) for key in keys]
        return each_answered(operations, together=self._together, alone=self._alone)

    def _together(self, operations: Sequence[Operation]) -> Sequence[Answer]:
        keys = [each.key for each in operations]
        self.together.append(keys)
        if self.fault is not None:
            raise self.fault
        others = [key for key in keys if key in self.apart or key in self.refused]
        if others:
            raise NotPlain(others, {key: self.refused[key] for key in others if key in self.refused})
        return keys  # type: ignore[return-value]

    def _alone(self, asked: Operation) -> Submission:
        self.alone.append(asked.key)
        if asked.key.startswith("bad"):
            raise Refused(asked.key)
        return f"{asked.key} alone"  # type: ignore[return-value]


def test_what_is_plain_goes_together() -> None:
    counting = Counting()
    assert counting.ask("a", "b", "c") == ["a", "b", "c"]
    assert (counting.together, counting.alone) == ([["a", "b", "c"]], [])


def test_one_or_none_needs_no_company() -> None:
    counting = Counting()
    assert counting.ask() == []
    assert counting.ask("a") == ["a alone"]
    assert counting.together == []


def test_who_keeps_the_others_goes_alone_after_them() -> None:
    counting = Counting(apart={"b", "bad d"})
    told = counting.ask("a", "b", "c", "bad d", "e")
    assert told[:3] + told[4:] == ["a", "b alone", "c", "e"]
    assert isinstance(told[3], Refused)
    assert (counting.together, counting.alone) == ([["a", "b", "c", "bad d", "e"], ["a", "c", "e"]], ["b", "bad d"])


def test_a_refusal_that_is_known_is_not_asked_for_again() -> None:
    refusal = Refused("no")
    counting = Counting(refused={"b": refusal})
    assert counting.ask("a", "b", "c") == ["a", refusal, "c"]
    assert counting.alone == []


def test_where_all_fail_each_meets_its_own_reason() -> None:
    counting = Counting()
    counting.fault = IdempotencyConflict("of one of them")
    told = counting.ask("a", "bad b", "c")
    assert (told[0], told[2]) == ("a alone", "c alone")
    assert isinstance(told[1], Refused)


@pytest.mark.parametrize("fault", [NodeUnreachable("Gone."), JournalFailed("Gone.")])
def test_what_is_nobodys_own_is_raised_and_nobody_is_asked_alone(fault: Exception) -> None:
    counting = Counting()
    counting.fault = fault
    with pytest.raises(type(fault)):
        counting.ask("a", "b", "c")
    assert counting.alone == []


# --- of a sender -----------------------------------------------------------------------------------------------------


def final(sender: Sender, answers: Sequence[Answer]) -> list[Submission]:
    """Each answer that is no error, once it is on the chain."""
    return [sender.wait(each.id, WAIT) for each in answers if isinstance(each, Submission)]


def test_each_is_sent_once_and_found_again(sender: Sender, anvil: Connection) -> None:
    signer = LocalSigner.generate()
    operations = self_calls(signer, MANY)
    first = sender.submit_each(signer, operations)
    again = sender.submit_each(signer, [*operations, operation("one more", signer.address, b"more")])
    assert [each.id for each in again[:-1]] == [each.id for each in first]  # type: ignore[union-attr]
    assert {each.state for each in final(sender, again)} == {SubmissionState.FINAL}
    assert sent_by(anvil, signer.address) == [*enumerate(each.data for each in operations), (MANY, b"more")]
    assert sender.find_many(signer.address, ["key-0", "nobody's"]).keys() == {"key-0"}


def test_a_refusal_of_one_says_nothing_of_another(sender: Sender, anvil: Connection) -> None:
    signer = LocalSigner.generate()
    gate = sender.wait(sender.submit(signer, operation("deploy", None, GATE)).id, WAIT).contract_address
    operations = self_calls(signer, MANY)
    operations[3] = operation("k3", gate, b"\xaa\xbb")
    operations[7] = operation("k7", gate, b"\xcc\xdd")
    answers = sender.submit_each(signer, operations)
    refused = [each for each in answers if isinstance(each, PyjpmError)]
    assert [answers.index(each) for each in refused] == [3, 7]
    assert [each.details["data"] for each in refused] == ["aabb", "ccdd"]
    assert sender.find(signer.address, "k3") is sender.find(signer.address, "k7") is None
    assert len(final(sender, answers)) == MANY - 2
    sent = [data for _, data in sent_by(anvil, signer.address)[1:]]
    assert sent == [each.data for each in operations if each.to == signer.address]


def test_a_key_that_says_something_else_is_refused_alone(sender: Sender, anvil: Connection) -> None:
    signer = LocalSigner.generate()
    sender.wait(sender.submit(signer, operation("key-2", signer.address, b"earlier")).id, WAIT)
    twice = operation("key-5", signer.address, b"the same key, other content")
    answers = sender.submit_each(signer, [*self_calls(signer, MANY), twice])
    assert isinstance(answers[2], IdempotencyConflict)
    assert isinstance(answers[-1], IdempotencyConflict)
    assert len(final(sender, answers)) == MANY - 1
    sent = sorted(data for _, data in sent_by(anvil, signer.address))
    assert sent == sorted([b"earlier", *(b"key-%d" % i for i in range(MANY) if i != 2)])


def test_what_a_signer_fails_at_is_told_and_signed_later_and_sent_once(sender: Sender, anvil: Connection) -> None:
    signer = FlakySigner(LocalSigner.generate(), signatures=4)
    operations = self_calls(signer, MANY)  # type: ignore[arg-type]
    answers = sender.submit_each(signer, operations)
    assert {type(each) for each in answers} == {DeviceLost}
    assert len(sender.find_many(signer.address, [each.key for each in operations])) == MANY
    signer.left = 1_000
    assert len(final(sender, sender.submit_each(signer, operations))) == MANY
    assert sent_by(anvil, signer.address) == list(enumerate(each.data for each in operations))


class RefusingSigner(FlakySigner):
    """A signer with a rule of its own: there is one thing that it does not sign."""

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedBytes:
        if transaction["data"] == b"key-7":
            raise SigningRefused("Not this one.")
        return super().sign_transaction(transaction)


def test_what_a_signer_refuses_for_good_is_told_of_that_one(sender: Sender, anvil: Connection) -> None:
    signer = RefusingSigner(LocalSigner.generate(), signatures=1_000)
    operations = self_calls(signer, MANY)  # type: ignore[arg-type]
    answers = sender.submit_each(signer, operations)
    assert [place for place, each in enumerate(answers) if isinstance(each, SigningRefused)] == [7]
    assert len(final(sender, answers)) == MANY - 1
    # A cancel used its nonce.
    wanted = [b"" if each.key == "key-7" else each.data for each in operations]
    assert sent_by(anvil, signer.address) == list(enumerate(wanted))


def test_too_little_for_all_of_them_is_said_of_none_unasked(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = LocalSigner.generate()
    admit = sender._taking._admission._within_funds

    def poor(wallet: str, requests: list[Any], view: Any) -> list[Any]:
        if len(requests) == 1:
            return admit(wallet, requests, view)
        return [each._replace(refused=InFlightExceedsFunds("Too little for all.")) for each in requests]

    monkeypatch.setattr(sender._taking._admission, "_within_funds", poor)
    assert len(final(sender, sender.submit_each(signer, self_calls(signer, 3)))) == 3
