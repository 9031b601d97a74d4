"""Onboard a company: its wallet signs a link, the bank admits it and sets its daily limits.

    python scripts/onboard.py --link link.json --key acme --identifier lei=5493001KJTIIGC8Y1R12      (the company)
    python scripts/onboard.py --document link.json --limit "USD 1000000.00" --kyc-days 365           (the bank)

Without arguments, on a development chain, it does both for a company called acme.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from eth_utils.address import is_address

from pyjpm.cli.script import finish
from pyjpm.documents import Document
from pyjpm.money import Money
from pyjpm.participants import Kind, identity_hash
from pyjpm.platform import Platform
from pyjpm.restrictions import Flags
from pyjpm.workplace import Workplace, arguments


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="onboard", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--link", type=Path, metavar="FILE", help="company: write the wallet's link here")
    parser.add_argument("--key", default="acme", help="company: name of the wallet's key")
    parser.add_argument("--identifier", action="append", default=[], metavar="NAME=VALUE", help="company: lei, bic, …")
    parser.add_argument("--salt", default="a salt that bank and company share", help="company: at least 16 characters")
    parser.add_argument("--document", type=Path, metavar="FILE", help="bank: the company's link")
    parser.add_argument("--limit", action="append", default=[], metavar="'USD 1000.00'", help="bank: daily limit")
    parser.add_argument("--cleared", action="store_true", help="bank: its money shall move with clearances only")
    parser.add_argument("--kyc-days", type=int, default=365, help="bank: how long the KYC is in date")
    parser.add_argument("--jurisdiction", type=int, default=840, help="bank: ISO 3166-1 numeric")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments())

    def work() -> dict[str, object]:
        place = Workplace()
        if chosen.link:
            with place.platform(chosen.key) as company:
                return link(company, chosen)
        with place.platform() as bank:
            if chosen.document:
                return admit(bank, chosen)
            return described(bank, place.company(bank, chosen.key).session.participant)

    finish(work, as_json=chosen.json)


def link(company: Platform, chosen: argparse.Namespace) -> dict[str, object]:
    identifiers = dict(each.split("=", 1) for each in chosen.identifier)
    document = company.participants.wallet_link(identity_hash(identifiers, chosen.salt.encode()))
    document.save(chosen.link)
    return {"wallet": company.session.wallet, "link": str(chosen.link)}


def admit(bank: Platform, chosen: argparse.Namespace) -> dict[str, object]:
    document = Document.load(chosen.document)
    wallet = document.body.get("wallet")
    participant = bank.session.participant_of(wallet) if is_address(wallet) else 0
    if not participant:
        onboarding = bank.participants.onboard(
            document,
            kind=Kind.CORPORATE,
            jurisdiction=chosen.jurisdiction,
            kyc_expiry=bank.session.now() + chosen.kyc_days * 86_400,
            idempotency_key=f"onboard {document.body.get('identityHash')}",
        )
        participant = onboarding.wait().participant
    if chosen.cleared:
        key = f"cleared {participant}"
        bank.restrictions.add_flags(participant, Flags.CLEARANCE, idempotency_key=key).wait()
    for text in chosen.limit:
        limit = Money.parse(text)
        bank.participants.set_daily_limit(participant, limit, idempotency_key=f"limit {participant} {limit}").wait()
    return described(bank, participant)


def described(bank: Platform, participant: int) -> dict[str, object]:
    limits = {
        f"limit {currency}": str(bank.participants.daily_limit(participant, currency=currency)[0])
        for currency in bank.record.tokens
    }
    found, cleared = bank.participants.get(participant), bank.clearances.needed(participant)
    return {"participant": participant, "wallet": found.wallet, "status": found.status, "cleared": cleared, **limits}


if __name__ == "__main__":
    main()
