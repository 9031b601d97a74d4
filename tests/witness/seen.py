"""Calls as the engine has them, and what a witness says of them at the head."""

from __future__ import annotations

import itertools
from typing import Any

from pyjpm import Platform
from pyjpm.chain.values import Log
from pyjpm.sending.witness import Call, Verdict
from pyjpm.witnessing import ContractWitness


def call_of(
    who: Platform, contract: str, function: str, *arguments: Any, kind: str = "", at: str | None = None
) -> Call:
    """The call that this party would send. ``at``: the address of a contract outside the record."""
    session = who.session
    operation = session.operation(
        kind=kind, key="a test", content={}, contract=contract, function=function, arguments=arguments, at=at
    )
    return Call(session.wallet, operation.to, operation.data, kind)


_numbers = itertools.count(1)


def key(name: str = "act") -> str:
    """An idempotency key that nothing else uses: the bank's keys live as long as its journal."""
    return f"{name} {next(_numbers)} of the witness"


def send(who: Platform, contract: str, function: str, *arguments: Any, at: str | None = None) -> str:
    """Sends a call and waits for it; its transaction."""
    session = who.session
    submission = session.submit(
        kind="test", key=key(), content={}, contract=contract, function=function, arguments=arguments, at=at
    )
    return str(session.sender.wait(submission.id, 30).tx_hash)


def said(witness: ContractWitness, who: Platform, *calls: Call) -> list[Verdict]:
    """What the witness says now."""
    connection = who.session.connection
    return witness.read(calls, connection=connection, at=connection.head().number)


def say(witness: ContractWitness, who: Platform, call: Call) -> Verdict:
    """As ``said`` of one call."""
    (verdict,) = said(witness, who, call)
    return verdict


def logs_of(who: Platform, tx_hash: str | None) -> tuple[Log, ...]:
    """The events of a mined transaction."""
    assert tx_hash is not None
    receipt = who.session.connection.receipt(tx_hash)
    assert receipt is not None
    assert receipt.succeeded
    return receipt.logs
