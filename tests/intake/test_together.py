"""Attesters in two companies: each signs what it was told, and the attestation goes once both have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from intake_support import HUNDRED, MAPPING, Clock, World
from sdk.orders import DAY

from pyjpm import Document, LocalSigner
from pyjpm.chain import DevClock
from pyjpm.errors import AttestationNotAwaited, DocumentsDiffer, NotAnAttester, SignatureNotOf
from pyjpm.orders.intake import EventState, Intake


def two(world: World, tmp_path: Path, clock: Clock) -> tuple[Intake, Intake]:
    """Two intakes with one attester's key each, in databases of their own."""
    first, second, _ = world.attesters.signers
    one = world.intake(attesters=[first], clock=clock)
    other = Intake(world.bank, tmp_path / "other.db", MAPPING, attesters=[second], clock=clock)
    world.opened.append(other)
    return one, other


def test_two_intakes_meet_in_one_attestation(world: World, tmp_path: Path) -> None:
    clock = Clock(1_000_000)
    one, other = two(world, tmp_path, clock)
    document = world.funded()
    order = world.bound(one, document)
    other.book.bind(world.source, order, document)
    event = world.event(order, document=b"note")
    (told,) = one.accept([event])
    assert (told.state, told.code) == (EventState.WAITING, "SIGNATURES_MISSING")
    other.accept([event])

    (signed,) = other.attestations(told.key)
    one.contribute(Document.from_json(signed.to_json()))
    one.settle()
    assert one.find(told.key).state is EventState.DONE
    assert world.paid() == HUNDRED

    # The other one sends too, as it got the first one's: the chain has it already.
    (signed,) = [each for each in one.attestations(told.key) if each.signatures.keys() != signed.signatures.keys()]
    other.contribute(signed)
    other.settle()
    assert other.find(told.key).state in (EventState.DONE, EventState.OUTDATED)
    assert world.attested(document) == [1]


def test_attesters_who_were_told_different_things_do_not_meet(world: World, tmp_path: Path) -> None:
    clock = Clock(1_000_000)
    one, other = two(world, tmp_path, clock)
    document = world.funded()
    order = world.bound(one, document)
    other.book.bind(world.source, order, document)
    event = world.event(order)
    (told,) = one.accept([event])
    other.accept([world.event(order, at=event.at + 1)])
    (signed,) = other.attestations(told.key)
    with pytest.raises(AttestationNotAwaited):
        one.contribute(signed)
    with pytest.raises(SignatureNotOf):
        one.contribute(replace(signed, body={**signed.body, "seq": 9}))
    with pytest.raises(DocumentsDiffer):
        world.bank.attestations.collect([*one.attestations(told.key), signed])
    assert world.attested(document) == []


def test_a_stranger_does_not_count_among_the_attesters(world: World, tmp_path: Path) -> None:
    one, _ = two(world, tmp_path, Clock(1_000_000))
    document = world.funded()
    order = world.bound(one, document)
    event = world.event(order)
    (told,) = one.accept([event])
    (ours,) = one.attestations(told.key)
    stranger = world.bank.acting(LocalSigner.generate())
    facts = {"status": 1, "seq": 1, "at": event.at, "deadline": ours.body["deadline"]}
    with pytest.raises(NotAnAttester):
        one.contribute(stranger.attestations.sign(document, 0, **facts))
    assert one.attestations(told.key) == [ours]

    # Our own signature, told again under another spelling of our address, is one signature still.
    again = {signer.lower(): signature for signer, signature in ours.signatures.items()}
    one.contribute(replace(ours, signatures=again))
    assert len(one.attestations(told.key)) == 1

    alone = world.intake(attesters=[LocalSigner.generate()])
    alone.accept([world.event(order, seq=2)])
    assert alone.attestations((world.source, order, "", 2)) == []


def test_what_waited_beyond_its_signatures_is_signed_anew(world: World, tmp_path: Path) -> None:
    clock = Clock(1_000_000)
    one, other = two(world, tmp_path, clock)
    document = world.funded(attest_by=world.bank.session.now() + 200 * DAY, fund_by=world.bank.session.now() + DAY)
    order = world.bound(one, document)
    other.book.bind(world.source, order, document)
    event = world.event(order)
    (told,) = one.accept([event])
    (first,) = one.attestations(told.key)
    DevClock(world.bank.connection).advance(40 * DAY)
    world.bank.connection.development_request("evm_mine")
    clock.at += 40 * DAY
    one.work()
    (again,) = one.attestations(told.key)
    assert again.body["deadline"] == first.body["deadline"] + 30 * DAY
    other.accept([event])
    one.contribute(other.attestations(told.key)[0])
    one.settle()
    assert world.paid() == HUNDRED
