"""Sponsors: partner banks, and the customers that they bring.

A sponsor is a participant of kind BANK to which the bank granted how many customers it may onboard, where, and for how
long a KYC. It acts with its own linked wallets, on its own customers only, and only while it is good itself. Its
suspension or freeze stops all its customers in the same block, and lifting it lets them all go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from pyjpm.acts import Act
from pyjpm.documents import Document
from pyjpm.money import Money
from pyjpm.registration import REGISTRY, Kind, Onboarding, Profile, act, link_parts, register
from pyjpm.session import Session, reference_hash


@dataclass(frozen=True, slots=True)
class Sponsorship:
    """What a sponsor may do. ``longest_kyc`` in seconds; ``customers`` are those not closed."""

    sponsor: int
    quota: int
    longest_kyc: int
    jurisdictions: tuple[int, ...]
    customers: int


class Sponsors:
    """``platform.sponsors``. Safe among threads."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- the bank ---

    def grant(
        self, participant: int, *, quota: int, longest_kyc: int, jurisdictions: Sequence[int], idempotency_key: str
    ) -> Act:
        """What a bank may do as a sponsor, in place of what it was granted before (governor role, delayed).

        Args:
            quota: customers that are not closed.
            longest_kyc: seconds that a customer's KYC may reach into the future.
            jurisdictions: ISO 3166-1 numeric, at most 256.
        """
        arguments = (participant, quota, longest_kyc, list(jurisdictions))
        return self._act("setSponsorship", idempotency_key, *arguments)

    def set_ceiling(self, sponsor: int, ceiling: Money, *, idempotency_key: str) -> Act:
        """The highest daily limit that the sponsor may set for a customer in this currency (governor role, delayed);
        zero denies."""
        arguments = (sponsor, ceiling.minor)
        return self._act("setSponsorCeiling", idempotency_key, *arguments, contract=ceiling.currency)

    # --- the sponsor ---

    def onboard(
        self,
        link: Document,
        *,
        kind: Kind,
        jurisdiction: int,
        kyc_expiry: int,
        idempotency_key: str,
        questionnaire_hash: bytes = bytes(32),
        policy_hash: bytes = bytes(32),
        encryption_key: bytes = bytes(32),
    ) -> Onboarding:
        """Admits a customer of the acting sponsor, as ``participants.onboard`` does for the bank.

        Args:
            link: from the customer's ``participants.wallet_link``.
            kind: CORPORATE or RETAIL.
            jurisdiction: ISO 3166-1 numeric, one that was granted.
            kyc_expiry: last second in date, unix seconds, within the longest term.

        Raises:
            NotSponsor, SponsorNotGood: the acting wallet is of no sponsor, or it is stopped.
            SponsorQuotaReached, JurisdictionNotAllowed, KycTermTooLong, InvalidProfile: beyond what was granted.
        """
        profile = Profile(kind, jurisdiction, kyc_expiry, questionnaire_hash, policy_hash, encryption_key)
        return register(self._session, "sponsors.onboard", "onboardCustomer", link, profile, idempotency_key)

    def link_wallet(self, participant: int, link: Document, *, idempotency_key: str) -> Act:
        """Links a further wallet of a customer, by its own ``wallet_link``."""
        wallet, _, deadline, signature = link_parts(self._session, link)
        return self._act("linkCustomerWallet", idempotency_key, participant, wallet, deadline, signature)

    def unlink_wallet(self, wallet: str, *, idempotency_key: str) -> Act:
        """Retires a customer's wallet that is not its current one."""
        return self._act("unlinkCustomerWallet", idempotency_key, to_checksum_address(wallet))

    def renew_kyc(
        self, participant: int, *, kyc_expiry: int, idempotency_key: str, questionnaire_hash: bytes = bytes(32)
    ) -> Act:
        """A new KYC term of a customer, unix seconds, within the longest term."""
        return self._act("renewCustomerKyc", idempotency_key, participant, kyc_expiry, questionnaire_hash)

    def suspend(self, participant: int, *, reason: str | bytes, idempotency_key: str) -> Act:
        """Stops a customer at once."""
        return self._act("suspendCustomer", idempotency_key, participant, reference_hash(reason))

    def reinstate(self, participant: int, *, reason: str | bytes, idempotency_key: str) -> Act:
        """Lifts what :meth:`suspend` stopped, and nothing that the bank stopped."""
        return self._act("reinstateCustomer", idempotency_key, participant, reference_hash(reason))

    def close(self, participant: int, *, idempotency_key: str) -> Act:
        """Ends a customer for good, and makes room in the quota."""
        return self._act("closeCustomer", idempotency_key, participant)

    def set_daily_limit(self, participant: int, limit: Money, *, idempotency_key: str) -> Act:
        """What a customer may move a UTC day in this currency, up to the sponsor's ceiling; zero denies."""
        return self._act("setCustomerLimit", idempotency_key, participant, limit.minor, contract=limit.currency)

    # --- reading ---

    def get(self, sponsor: int) -> Sponsorship:
        """What a participant was granted last; quota 0 and no jurisdictions where it was granted nothing."""
        quota, longest_kyc, customers = self._session.call(REGISTRY, "sponsorshipOf", sponsor)
        granted: tuple[int, ...] = ()
        for event in self._session.events(REGISTRY, "SponsorshipSet", _word(sponsor)):
            granted = tuple(event.arguments["jurisdictions"])
        return Sponsorship(sponsor, quota, longest_kyc, granted, customers)

    def ceiling(self, sponsor: int, *, currency: str) -> Money:
        """The highest daily limit that the sponsor may set in this currency."""
        return Money.from_minor(self._session.call(currency, "sponsorCeiling", sponsor), currency)

    def customers(self, sponsor: int) -> Iterator[int]:
        """The participants that the sponsor onboarded, closed ones too, in order of admission."""
        for event in self._session.events(REGISTRY, "CustomerOnboarded", _word(sponsor)):
            yield event.arguments["participant"]

    def _act(self, function: str, key: str, *arguments: Any, contract: str = REGISTRY) -> Act:
        return act(self._session, f"sponsors.{function}", function, key, *arguments, contract=contract)


def _word(participant: int) -> bytes:
    return participant.to_bytes(32, "big")
