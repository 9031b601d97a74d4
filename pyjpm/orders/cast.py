"""The cast of a replay: every company of the log onboarded with a wallet and a limit, and a set of attesters.

The bank onboards buyers and sellers as it would any institution: each wallet signs its own link, the bank registers it
and sets its daily limit to what its orders come to. The attesters' set is administered by a participant of its own,
which is party to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, TypeVar

from eth_utils.crypto import keccak

from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.custody import LocalSigner
from pyjpm.errors.orders import ReplayFailed
from pyjpm.money import Money
from pyjpm.orders.events import Party
from pyjpm.orders.keys import Keys
from pyjpm.orders.queue import OrderQueue
from pyjpm.orders.stage import Call, Stage
from pyjpm.participants import Kind
from pyjpm.sending import Submission, SubmissionState
from pyjpm.session import Session

ADMINISTRATOR: Final = "attesters"
FIRST_EPOCH: Final = 1
_AT_ONCE: Final = 100
_SIGNED_FOR: Final = 30 * 86_400  # seconds that a wallet's link may wait for its registration

T = TypeVar("T")
# ISO 3166-1 numeric for codes that appear in order logs; 999 where a log has none (user-assigned, "unknown").
_UNKNOWN_COUNTRY: Final = 999


class Cast:
    """Who takes part, with keys and participant ids; :meth:`onboard` brings them onto the chain or finds them."""

    def __init__(self, session: Session, keys: Keys, run: str) -> None:
        self._session = session
        self._keys = keys
        self._run = run
        self._ids: dict[str, int] = {}
        self.attesters: tuple[LocalSigner, ...] = ()
        self.attester_set = 0

    def signer(self, party: str) -> LocalSigner:
        """The wallet of a company."""
        return self._keys.signer(f"party {party}")

    def participant(self, party: str) -> int:
        """The participant id of a company that was onboarded."""
        return self._ids[party]

    def onboard(self, queue: OrderQueue, stage: Stage, *, attesters: int, threshold: int, kyc_expiry: int) -> None:
        """Onboards everybody in the queue, sets limits, and creates the attester set.

        Raises:
            ReplayFailed: the contracts refused one of it.
        """
        parties = [Party(ADMINISTRATOR, "Attesters", None), *queue.parties()]
        deadline = self._session.now() + _SIGNED_FOR
        for some in _in_parts(parties):
            stage.run([self._registration(party, kyc_expiry, deadline) for party in some])
        asked = [("ParticipantRegistry", "participantByIdentity", (self._identity(party),)) for party in parties]
        self._ids = {party.id: found for party, found in zip(parties, self._session.calls(asked), strict=True)}
        for totals in _in_parts(queue.buyer_totals()):
            stage.run([self._limit(buyer, total) for buyer, total in totals])
        keys = (self._keys.signer(f"attester {number}") for number in range(attesters))
        self.attesters = tuple(sorted(keys, key=lambda signer: signer.address.lower()))
        stage.run([self._set_of_attesters(threshold)])
        self.attester_set = self._created_set()

    def _identity(self, party: Party) -> bytes:
        # The salt is the replay's own: two replays on one platform are two casts.
        return keccak(text=f"{self._run}/{party.id}")

    def _registration(self, party: Party, kyc_expiry: int, deadline: int) -> Call:
        session, signer, identity = self._session, self.signer(party.id), self._identity(party)
        message = {"identityHash": identity, "wallet": signer.address, "deadline": deadline}
        typed = TypedMessage(session.domain("ParticipantRegistry"), "LinkWallet", message)
        profile = {
            "kind": int(Kind.CORPORATE),
            "jurisdiction": _UNKNOWN_COUNTRY,
            "kycExpiry": kyc_expiry,
            "identityHash": identity,
            "questionnaireHash": bytes(32),
            "policyHash": bytes(32),
            "encryptionKey": bytes(32),
        }
        operation = session.operation(
            kind="participants.onboard",
            key=f"{self._run}/onboard/{party.id}",
            content={"party": party.id, "wallet": signer.address, "kyc_expiry": kyc_expiry},
            contract="ParticipantRegistry",
            function="register",
            arguments=(profile, signer.address, deadline, signer.sign_typed_data(typed)),
            reference="0x" + identity.hex(),
        )
        return Call(session.signer, operation, _required)

    def _limit(self, buyer: str, total: Money) -> Call:
        participant = self.participant(buyer)
        operation = self._session.operation(
            kind="participants.setDailyLimit",
            key=f"{self._run}/limit/{total.currency}/{buyer}",
            content={"participant": participant, "limit": total.minor, "currency": total.currency},
            contract=total.currency,
            function="setDailyLimit",
            arguments=(participant, total.minor),
        )
        return Call(self._session.signer, operation, _required)

    def _set_of_attesters(self, threshold: int) -> Call:
        addresses = [attester.address for attester in self.attesters]
        operation = self._session.operation(
            kind="attestations.createSet",
            key=f"{self._run}/attesters",
            content={"attesters": addresses, "minimum": threshold},
            contract="AttesterSets",
            function="createSet",
            arguments=(threshold, addresses),
        )
        return Call(self.signer(ADMINISTRATOR), operation, _required)

    def _created_set(self) -> int:
        administrator = self.participant(ADMINISTRATOR).to_bytes(32, "big")
        for event in self._session.events("AttesterSets", "AttesterSetCreated", None, administrator):
            return int(event.arguments["setId"])
        raise ReplayFailed("The attester set was not created.")


def _required(submission: Submission) -> None:
    """Onboarding has no rows to report: whatever the contracts refuse here ends the run."""
    if submission.state is SubmissionState.REVERTED:
        error: Mapping[str, object] = submission.error or {}
        raise ReplayFailed(f"{submission.kind} was refused: {error.get('message', 'unknown')}", error=dict(error))


def _in_parts(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while part := list(islice(iterator, _AT_ONCE)):
        yield part
