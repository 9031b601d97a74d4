"""The screening desk: the clearing desk of :mod:`pyjpm.clearing` that clears only what screening lets through.

Decisions that govern this module:

* What is screened is read from the request's calldata: wallets, amounts, references and remittance. The payer adds the
  travel data, sealed to the bank; the remittance in the calldata commits to it, so it cannot be of something else.
* Only payments are screened here. Holds name a notary and not the payee, redemptions leave for a bank account, signed
  words carry no remittance: a person clears those.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pyjpm.clearance import ClearanceRequest, Outflow
from pyjpm.clearing import ClearingDesk, Policy
from pyjpm.documents import Document
from pyjpm.errors.clearances import ClearanceRefused
from pyjpm.errors.screening import MalformedTravelData, PartyUnknown, TravelDataMismatch
from pyjpm.platform import Platform
from pyjpm.remittance import RemittanceKey, open_remittance
from pyjpm.screening.rules import Moved
from pyjpm.screening.screening import Screening, Transfer
from pyjpm.screening.travel import TravelData
from pyjpm.session import Session

_TRAVEL: Final = "travel"
_SCREENED: Final = ("pay", "payBatch")


def attach_travel(request: Document, data: Sequence[TravelData | None], readers: Sequence[bytes]) -> Document:
    """The payer's request with travel data for each of its payments, in their order, sealed to the bank's keys.

    Raises:
        NoEncryptionKey, InvalidEncryptionKey
    """
    return request.attached(_TRAVEL, ["" if each is None else "0x" + each.seal(readers).hex() for each in data])


class ScreeningGate:
    """What a desk asks before it signs.

    Args:
        keys: the bank's, to open travel data and the remittance that commits to it.
    """

    def __init__(self, session: Session, screening: Screening, keys: Sequence[RemittanceKey]) -> None:
        self._session = session
        self._screening = screening
        self._keys = tuple(keys)

    def __call__(self, request: ClearanceRequest, document: Document) -> None:
        """Returns where the request may be cleared.

        Raises:
            ClearanceRefused: it is of a kind that is not screened.
            MalformedTravelData, RemittanceNotForThisKey and the like; what ``Screening.require`` raises.
        """
        if request.what not in _SCREENED:
            raise ClearanceRefused("This kind of call is not screened: a person clears it.", what=request.what)
        payer, now = self._participant(request.payer), self._session.now()
        attached = document.attachments.get(_TRAVEL, [])
        if not isinstance(attached, list) or (attached and len(attached) != len(request.outflows)):
            raise MalformedTravelData("The request has not one piece of travel data for each payment.", field="")
        self._screening.require(
            [
                self._transfer(Moved(name, payer, self._participant(flow.to), flow.amount, now), flow, sealed)
                for name, flow, sealed in zip(
                    request.movements, request.outflows, attached or [""] * len(request.outflows), strict=True
                )
            ]
        )

    def _participant(self, wallet: str) -> int:
        participant = self._session.participant_of(wallet)
        if not participant:
            raise PartyUnknown(f"{wallet} belongs to no participant.", who=wallet)
        return participant

    def _transfer(self, moved: Moved, flow: Outflow, attached: object) -> Transfer:
        if attached == "":
            return Transfer(moved)
        if not isinstance(attached, str) or not attached.startswith("0x"):
            raise MalformedTravelData("Travel data is not hexadecimal.", field="")
        try:
            sealed = bytes.fromhex(attached[2:])
        except ValueError as error:
            raise MalformedTravelData("Travel data is not hexadecimal.", field="") from error
        if not flow.remittance:
            raise TravelDataMismatch(
                "The payment has no remittance that commits to it.", movement=moved.movement, field="travel"
            )
        data = TravelData.open(sealed, self._keys)
        committed = open_remittance(flow.remittance, self._keys).travel
        return Transfer(moved, data, sealed, committed)


def screening_desk(
    platform: Platform, screening: Screening, policy: Policy, ledger: Path, keys: Sequence[RemittanceKey]
) -> ClearingDesk:
    """A clearing desk behind screening.

    Args:
        platform: acting for the bank's screener.
        policy: caps, and kinds of call; its payees may be left to screening.
        ledger: file of what was signed.
        keys: the bank's encryption keys, the present and earlier ones.
    """
    gate = ScreeningGate(platform.session, screening, keys)
    return ClearingDesk(platform.clearances, policy, ledger, gate)
