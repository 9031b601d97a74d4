"""A payment file whose payees are not all on chain: by the rails, once, and told to the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from iso.samples import OTHER_IBAN, Pay, file_of
from judges import assert_valid
from rails.rails_support import BY_SWIFT, Hub, Table, rails

from pyjpm import Money, Platform
from pyjpm.errors.books import BookAltered
from pyjpm.errors.directory import InvalidIdentifier
from pyjpm.iso20022 import PaymentFiles, read_transfers
from pyjpm.rails import FolderGateway, Pacs008, RailStatus, route

DEBTOR_IBAN = "DE89370400440532013000"


class Names:
    """Who is on chain: the file's debtor."""

    def __init__(self, payer: int) -> None:
        self._payer = payer

    def resolve(self, scheme: str, identifier: str) -> int | None:
        return self._payer if (scheme, identifier) == ("IBAN", DEBTOR_IBAN) else None


def test_what_a_file_names_and_nobody_is_goes_by_swift_once(payer: Platform, tmp_path: Path, bank: Platform) -> None:
    whose, gateway = payer.session.participant, FolderGateway(tmp_path / "swift")
    made = rails(payer, BY_SWIFT, hub=gateway, maker=Pacs008(), directory=Table())
    data = file_of(Pay("out", "10.00", iban=OTHER_IBAN), Pay("nowhere", "20.00", iban=OTHER_IBAN, bic=None))
    with PaymentFiles(tmp_path / "iso.db", [payer], resolve=Names(whose).resolve) as files:
        taken = files.take(data)
        assert [each.state for each in taken.instructions] == ["UNROUTED", "UNROUTED"]
        assert route(files, {whose + 1: made}) == []
        routed = _until_told(files, {whose: made})
        assert routed["out"].payment.status is RailStatus.SENT
        assert routed["nowhere"].payment is None
        assert "NO_RAIL" in routed["nowhere"].problem
        ended = files.find(taken.id).instructions
        assert [each.state for each in ended] == ["CONCLUDED", "REJECTED"]
        assert ended[0].reasons == (("NARR", f"SWIFT {routed['out'].payment.reference}"),)
        assert route(files, {whose: made}) == []
    (message,) = (tmp_path / "swift" / "out").iterdir()
    assert_valid(message.read_bytes())
    (line,) = read_transfers(message.read_bytes()).lines
    assert line.transfer is not None
    assert (str(line.transfer.amount), line.transfer.end_to_end_id) == ("USD 10.00", "out")
    # The very reference under which the file would have paid on chain is voided.
    key = routed["out"].payment.key
    reference = "0x" + made._chooser.names(key, 0).reference.hex()
    assert key == f"pain001/{taken.file.message_id}/{taken.file.lines[0].instruction.key}"  # type: ignore[union-attr]
    assert payer.payments.reference_state(reference, currency="USD") == "VOIDED"


@pytest.mark.parametrize("fault", ["the gateway", "the directory"])
def test_what_cannot_be_told_now_is_not_refused(
    payer: Platform, tmp_path: Path, bank: Platform, hub: Hub, fault: str
) -> None:
    """Nothing of it is stored, as after a database was restored: who is told no pays it again, in another way."""
    whose = payer.session.participant
    made = rails(payer, BY_SWIFT, hub=hub)
    with PaymentFiles(tmp_path / "iso.db", [payer], resolve=Names(whose).resolve) as files:
        taken = files.take(file_of(Pay("sent", "10.00", iban=OTHER_IBAN)))
        ordered = taken.file.lines[0].instruction
        assert ordered is not None
        names = made._chooser.names(f"pain001/{taken.file.message_id}/{ordered.key}", 0)
        reference = "0x" + names.reference.hex()
        payer.payments.void(reference, currency="USD", idempotency_key=reference).wait()
        hub.messages[names.effect] = {}
        hub.down = fault == "the gateway"
        faulty = rails(payer, BY_SWIFT, hub=hub, directory=Unreadable()) if fault == "the directory" else made
        (unclear,) = route(files, {whose: faulty})
        assert unclear.payment is None
        assert unclear.problem is not None
        assert unclear.problem.startswith("RAIL_UNCLEAR" if hub.down else "BOOK_ALTERED")
        assert [each.state for each in files.find(taken.id).instructions] == ["UNROUTED"]
        hub.down = False
        (told,) = route(files, {whose: made})
        assert told.payment is not None
        assert told.payment.status is RailStatus.SENT
        assert [each.state for each in files.find(taken.id).instructions] == ["CONCLUDED"]
    assert hub.sent == []


@pytest.mark.parametrize("mapped", [False, True])
def test_what_is_in_conflict_does_not_keep_the_others(
    payer: Platform, payee: Platform, tmp_path: Path, bank: Platform, hub: Hub, opened: Any, mapped: bool
) -> None:
    """The chain has another payment under the first one's key, made by a database that is lost."""
    whose, signer = payer.session.participant, payer.session.signer
    data = file_of(*(Pay(name, "10.00", iban=OTHER_IBAN) for name in ("spent", "next")))
    with PaymentFiles(tmp_path / "iso.db", [payer], resolve=Names(whose).resolve) as files:
        taken = files.take(data)
    ordered = taken.file.lines[0].instruction
    assert ordered is not None
    spent = f"pain001/{taken.file.message_id}/{ordered.key}"
    payer.payments.create(payee.session.participant, Money("1.00", "USD"), idempotency_key=spent).wait()
    fresh = opened(signer, tmp_path / "fresh.db")
    table = Table({f"IBAN:{OTHER_IBAN}": payee.session.participant} if mapped else {})
    made = rails(fresh, BY_SWIFT, hub=hub, directory=table)
    with PaymentFiles(tmp_path / "iso.db", [fresh], resolve=Names(whose).resolve) as files:
        for _ in range(20):
            routed = {each.end_to_end_id: each for each in route(files, {whose: made})}
            assert "CONFLICT" in routed["spent"].problem
            assert routed["spent"].payment.status is RailStatus.ACCEPTED
            if routed["next"].payment.status is RailStatus.SENT:
                break
        assert [each.state for each in files.find(taken.id).instructions] == ["UNROUTED", "CONCLUDED"]
    assert len(hub.sent) == 1


def test_an_identifier_that_is_none_is_refused(payer: Platform, tmp_path: Path, bank: Platform, hub: Hub) -> None:
    whose = payer.session.participant
    made = rails(payer, BY_SWIFT, hub=hub, directory=Strict())
    with PaymentFiles(tmp_path / "iso.db", [payer], resolve=Names(whose).resolve) as files:
        taken = files.take(file_of(Pay("none", "10.00", iban=OTHER_IBAN)))
        (told,) = route(files, {whose: made})
        assert told.payment is None
        assert [each.state for each in files.find(taken.id).instructions] == ["REJECTED"]
    assert hub.sent == []


class Strict:
    """A directory to which no identifier is one."""

    def resolve(self, scheme: str, identifier: str, at: int) -> int | None:
        raise InvalidIdentifier("It is none.", scheme=scheme, why="check digits")


class Unreadable:
    """A directory that is not what was approved."""

    def resolve(self, scheme: str, identifier: str, at: int) -> int | None:
        raise BookAltered("It is not what its checker approved.", subject=identifier)


def _until_told(files: PaymentFiles, made: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(20):
        found |= {each.end_to_end_id: each for each in route(files, made)}
        if not files.unrouted():
            return found
    pytest.fail("still unrouted")
