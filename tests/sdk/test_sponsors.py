"""Partner banks and their customers, pair rules, the retail tier: what sets participants apart."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from orders import DAY, SHIPPED, agreed, key, milestone, new_attesters, usd

from pyjpm import Flags, Kind, LocalSigner, Mode, Money, OrderState, Platform, identity_hash
from pyjpm.errors.money import CurrencyMismatch
from pyjpm.errors.openzeppelin import MissingRole
from pyjpm.errors.refusals import (
    DailyLimitExceeded,
    PairRefused,
    PayeeBalanceCeilingExceeded,
    PayeeSponsorSuspended,
    PayerSponsorSuspended,
    PayerSuspended,
)
from pyjpm.errors.registry import InvalidFlags, InvalidProfile
from pyjpm.errors.sponsors import (
    InvalidSponsor,
    JurisdictionNotAllowed,
    KycTermTooLong,
    NotCustomerOf,
    NotSponsor,
    SponsorHasCustomers,
    SponsorNotGood,
    SponsorQuotaReached,
)
from pyjpm.errors.token import LimitAboveCeiling

SALT = b"salt of the tests"
TERM = 1000 * DAY
_numbers = itertools.count(1)


def joined(bank: Platform, **more: Any) -> Platform:
    """A participant that the bank onboarded, without limits."""
    company = bank.acting(LocalSigner.generate())
    link = company.participants.wallet_link(identity_hash({"n": company.session.wallet}, SALT))
    facts = {"kind": Kind.CORPORATE, "jurisdiction": 840, "kyc_expiry": bank.session.now() + 3 * TERM, **more}
    bank.participants.onboard(link, idempotency_key=key("onboard"), **facts).wait()
    return company


@pytest.fixture
def sponsor(bank: Platform) -> Platform:
    """A partner bank that may onboard two customers, in the US."""
    partner = joined(bank, kind=Kind.BANK)
    bank.sponsors.grant(
        partner.session.participant, quota=2, longest_kyc=TERM, jurisdictions=[840, 276], idempotency_key=key("grant")
    ).wait()
    limit = Money("1000.00", "USD")
    bank.sponsors.set_ceiling(partner.session.participant, limit, idempotency_key=key("ceiling")).wait()
    return partner


def customer(sponsor: Platform, *, deposit: Platform | None = None, **more: Any) -> Platform:
    """A customer of the sponsor with the limit that its ceiling allows; ``deposit``: the bank that gives it 100.00."""
    company = sponsor.acting(LocalSigner.generate())
    link = company.participants.wallet_link(identity_hash({"n": company.session.wallet}, SALT))
    facts = {"kind": Kind.CORPORATE, "jurisdiction": 840, "kyc_expiry": sponsor.session.now() + TERM - DAY, **more}
    participant = sponsor.sponsors.onboard(link, idempotency_key=key("customer"), **facts).wait().participant
    limit = Money("1000.00", "USD")
    sponsor.sponsors.set_daily_limit(participant, limit, idempotency_key=key("limit")).wait()
    if deposit is not None:
        give(deposit, participant, "100.00")
    return company


def give(bank: Platform, participant: int, amount: str) -> None:
    reference = key("deposit")
    bank.deposits.mint(participant, Money(amount, "USD"), deposit_reference=reference, idempotency_key=reference).wait()


def pay(payer: Platform, payee: Platform, amount: str = "1.00") -> None:
    payer.payments.create(payee.session.wallet, Money(amount, "USD"), idempotency_key=key("payment")).wait()


# --- sponsors ---


def test_a_sponsor_brings_a_customer_that_pays(bank: Platform, sponsor: Platform, seller: Platform) -> None:
    company = customer(sponsor, deposit=bank)
    found = bank.participants.get(company.session.participant)
    assert (found.sponsor, found.flags, found.kind) == (
        sponsor.session.participant,
        Flags.SPONSORED,
        Kind.CORPORATE,
    )
    assert found.to_dict()["flags"] == ["SPONSORED"]
    pay(company, seller)
    assert usd(bank, seller) == 100
    granted = bank.sponsors.get(sponsor.session.participant)
    assert (granted.quota, granted.longest_kyc, granted.customers) == (2, TERM, 1)
    assert granted.jurisdictions == (840, 276)
    assert list(bank.sponsors.customers(sponsor.session.participant)) == [company.session.participant]


def test_onboarding_again_finds_the_customer(sponsor: Platform) -> None:
    company = sponsor.acting(LocalSigner.generate())
    link = company.participants.wallet_link(identity_hash({"n": company.session.wallet}, SALT))
    facts = {"kind": Kind.RETAIL, "jurisdiction": 276, "kyc_expiry": sponsor.session.now() + DAY}
    first = sponsor.sponsors.onboard(link, idempotency_key=key("a"), **facts).wait()
    again = sponsor.sponsors.onboard(link, idempotency_key=key("b"), **facts)
    assert again.participant == first.participant
    assert sponsor.sponsors.get(sponsor.session.participant).customers == 1


def test_beyond_what_was_granted_nothing_is_onboarded(bank: Platform, sponsor: Platform) -> None:
    with pytest.raises(JurisdictionNotAllowed):
        customer(sponsor, jurisdiction=756)
    with pytest.raises(KycTermTooLong):
        customer(sponsor, kyc_expiry=sponsor.session.now() + 2 * TERM)
    with pytest.raises(InvalidProfile):
        customer(sponsor, kind=Kind.BANK)
    first = customer(sponsor)
    customer(sponsor)
    with pytest.raises(SponsorQuotaReached):
        customer(sponsor)
    sponsor.sponsors.close(first.session.participant, idempotency_key=key("close")).wait()
    customer(sponsor)
    with pytest.raises(SponsorHasCustomers):
        bank.participants.close(sponsor.session.participant, idempotency_key=key("close"))


def test_only_a_bank_sponsors_and_only_its_own(bank: Platform, sponsor: Platform, seller: Platform) -> None:
    with pytest.raises(InvalidSponsor):
        bank.sponsors.grant(
            seller.session.participant, quota=1, longest_kyc=1, jurisdictions=[840], idempotency_key=key("grant")
        )
    with pytest.raises(NotSponsor):
        customer(seller)
    with pytest.raises(NotCustomerOf):
        sponsor.sponsors.suspend(seller.session.participant, reason="mine", idempotency_key=key("suspend"))
    with pytest.raises(MissingRole):
        sponsor.participants.suspend(seller.session.participant, reason="mine", idempotency_key=key("suspend"))
    assert bank.participants.get(seller.session.participant).status == "ACTIVE"


def test_a_sponsors_suspension_stops_its_customers_at_once_and_back(
    bank: Platform, sponsor: Platform, buyer: Platform
) -> None:
    company = customer(sponsor, deposit=bank)
    partner = sponsor.session.participant
    bank.participants.suspend(partner, reason="run", idempotency_key=key("suspend")).wait()
    with pytest.raises(PayerSponsorSuspended):
        pay(company, buyer)
    with pytest.raises(PayeeSponsorSuspended):
        pay(buyer, company)
    with pytest.raises(SponsorNotGood):
        sponsor.sponsors.suspend(company.session.participant, reason="late", idempotency_key=key("suspend"))
    bank.participants.reinstate(partner, reason="over", idempotency_key=key("reinstate")).wait()
    pay(company, buyer)
    pay(buyer, company)
    assert usd(bank, company) == 10_000


def test_a_sponsor_lifts_only_what_it_stopped(bank: Platform, sponsor: Platform, seller: Platform) -> None:
    company = customer(sponsor, deposit=bank)
    who = company.session.participant
    sponsor.sponsors.suspend(who, reason="late", idempotency_key=key("s")).wait()
    assert bank.participants.get(who).flags == Flags.SPONSORED | Flags.SUSPENDED_BY_SPONSOR
    bank.participants.suspend(who, reason="risk", idempotency_key=key("s")).wait()
    sponsor.sponsors.reinstate(who, reason="paid", idempotency_key=key("r")).wait()
    with pytest.raises(PayerSuspended):
        pay(company, seller)
    bank.participants.reinstate(who, reason="fine", idempotency_key=key("r")).wait()
    pay(company, seller)


def test_a_sponsor_keeps_its_customers(bank: Platform, sponsor: Platform) -> None:
    company = customer(sponsor)
    who = company.session.participant
    identity = bytes.fromhex(bank.participants.get(who).identity_hash[2:])
    second = bank.acting(LocalSigner.generate())
    link = second.participants.wallet_link(identity)
    sponsor.sponsors.link_wallet(who, link, idempotency_key=key("link")).wait()
    assert second.session.participant == who
    sponsor.sponsors.unlink_wallet(second.session.wallet, idempotency_key=key("unlink")).wait()
    expiry = sponsor.session.now() + TERM - DAY
    sponsor.sponsors.renew_kyc(who, kyc_expiry=expiry, idempotency_key=key("kyc")).wait()
    assert bank.participants.get(who).kyc_expiry == expiry


def test_limits_up_to_the_ceiling_to_the_cent(bank: Platform, sponsor: Platform) -> None:
    who = customer(sponsor).session.participant
    assert bank.sponsors.ceiling(sponsor.session.participant, currency="USD") == Money("1000.00", "USD")
    with pytest.raises(LimitAboveCeiling):
        sponsor.sponsors.set_daily_limit(who, Money("1000.01", "USD"), idempotency_key=key("limit"))
    with pytest.raises(LimitAboveCeiling):
        sponsor.sponsors.set_daily_limit(who, Money("0.01", "EUR"), idempotency_key=key("limit"))
    assert bank.participants.daily_limit(who, currency="USD")[0] == Money("1000.00", "USD")


def test_a_customers_deadline_does_not_run_while_its_sponsor_is_stopped(
    bank: Platform, sponsor: Platform, seller: Platform, clock: Any
) -> None:
    buyer = customer(sponsor, deposit=bank, kyc_expiry=sponsor.session.now() + TERM - DAY)
    attesters = new_attesters(bank)
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND, "10.00", inspection=5 * DAY))
    buyer.escrow.open(order, idempotency_key=key("open")).wait()
    buyer.escrow.fund(order, 0, idempotency_key=key("fund")).wait()
    attested = attesters.attest(order, SHIPPED)
    seller.escrow.attest(order, attested, idempotency_key=key("attest")).wait()
    bank.participants.suspend(sponsor.session.participant, reason="run", idempotency_key=key("s")).wait()
    clock.advance(20 * DAY)
    bank.participants.reinstate(sponsor.session.participant, reason="over", idempotency_key=key("r")).wait()
    clock.advance(4 * DAY)
    buyer.escrow.dispute(order, 0, idempotency_key=key("dispute")).wait()
    assert buyer.escrow.get(order).status is OrderState.DISPUTED


# --- pairs and tier ---


def test_money_goes_only_between_permitted_jurisdictions(bank: Platform, buyer: Platform) -> None:
    here, there = 840, 900 + next(_numbers)
    abroad = joined(bank, jurisdiction=there)
    bank.restrictions.add_flags(abroad.session.participant, Flags.PAIR_RULES, idempotency_key=key("flags")).wait()
    assert bank.restrictions.flags(abroad.session.participant) == Flags.PAIR_RULES
    with pytest.raises(PairRefused):
        pay(buyer, abroad)
    bank.restrictions.permit_pair(here, there, idempotency_key=key("permit")).wait()
    assert bank.restrictions.pair_permitted(here, there)
    assert not bank.restrictions.pair_permitted(there, here)
    pay(buyer, abroad)
    bank.restrictions.forbid_pair(here, there, idempotency_key=key("forbid")).wait()
    with pytest.raises(PairRefused):
        pay(buyer, abroad)
    bank.restrictions.remove_flags(abroad.session.participant, Flags.PAIR_RULES, idempotency_key=key("unflag")).wait()
    pay(buyer, abroad)
    assert usd(bank, abroad) == 200


def test_what_a_participant_is_cannot_be_set(bank: Platform, buyer: Platform) -> None:
    with pytest.raises(InvalidFlags):
        bank.restrictions.add_flags(buyer.session.participant, Flags.RETAIL, idempotency_key=key("flags"))


def test_the_retail_tier_binds_to_the_cent(bank: Platform, buyer: Platform, seller: Platform) -> None:
    limit, ceiling = Money("5.00", "USD"), Money("20.00", "USD")
    bank.restrictions.set_retail_tier(limit, ceiling, idempotency_key=key("tier")).wait()
    assert bank.restrictions.retail_tier(currency="USD") == (limit, ceiling)
    customer_ = joined(bank, kind=Kind.RETAIL)
    who = customer_.session.participant
    with pytest.raises(LimitAboveCeiling):
        bank.participants.set_daily_limit(who, Money("5.01", "USD"), idempotency_key=key("limit"))
    bank.participants.set_daily_limit(who, limit, idempotency_key=key("limit")).wait()
    with pytest.raises(PayeeBalanceCeilingExceeded):
        pay(buyer, customer_, "20.01")
    pay(buyer, customer_, "20.00")
    with pytest.raises(DailyLimitExceeded):
        pay(customer_, seller, "5.01")
    pay(customer_, seller, "5.00")
    assert (usd(bank, customer_), usd(bank, seller)) == (1500, 500)
    with pytest.raises(CurrencyMismatch):
        bank.restrictions.set_retail_tier(limit, Money("1.00", "EUR"), idempotency_key=key("tier"))
