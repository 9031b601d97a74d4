"""What an operator runs when an order changes status: attest, and release what the terms release.

    python scripts/escrow_on_status.py --order order.json --status 1 --seq 42 --at 1767225600 --attester a1
    python scripts/escrow_on_status.py --order order.json --attestation a1.json --attestation a2.json

The attesters sign with keys of this keystore, or their signed documents are given. ``seq`` is the source's own revision
or timestamp: the same change reported again is the same attestation. Without arguments, on a development chain, it
makes an order, funds it and reports it shipped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pyjpm.cli.script import finish
from pyjpm.documents import Document
from pyjpm.money import Money
from pyjpm.order import Order
from pyjpm.platform import Platform
from pyjpm.terms import DAY, Milestone, Mode
from pyjpm.workplace import BANK, Workplace, arguments

SHIPPED, PRICE = 1, "USD 1250.00"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="escrow_on_status", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--order", type=Path, metavar="FILE", help="the order's document")
    parser.add_argument("--milestone", type=int, default=0)
    parser.add_argument("--status", type=int, default=SHIPPED, help="1..255, as the terms number them")
    parser.add_argument("--seq", type=int, help="the source's revision or timestamp")
    parser.add_argument("--at", type=int, help="when the status was reached, unix seconds")
    parser.add_argument("--attester", action="append", default=[], metavar="KEY", help="a key that attests")
    parser.add_argument("--attestation", action="append", default=[], type=Path, metavar="FILE", help="a signed one")
    parser.add_argument("--key", default=BANK, help="name of the key that sends")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments())
    if chosen.order and not chosen.attestation and (chosen.seq is None or chosen.at is None or not chosen.attester):
        parser.error("--order needs --attestation, or --attester, --seq and --at")

    def work() -> dict[str, object]:
        place = Workplace()
        with place.platform(chosen.key) as platform:
            if chosen.order is None:
                return described(whole(place, platform))
            order = Document.load(chosen.order)
            documents = [Document.load(path) for path in chosen.attestation]
            if not documents:
                signers = [platform.acting(place.signer(name)) for name in chosen.attester]
                deadline = platform.session.now() + 7 * DAY
                documents = [
                    signer.attestations.sign(
                        order,
                        chosen.milestone,
                        status=chosen.status,
                        seq=chosen.seq,
                        at=chosen.at,
                        deadline=deadline,
                    )
                    for signer in signers
                ]
            return described(reported(platform, order, documents))

    finish(work, as_json=chosen.json)


def reported(platform: Platform, order: Document, documents: list[Document]) -> Order:
    """Brings the attestations of one status; again and again, it is once."""
    attestation = platform.attestations.collect(documents)
    told = attestation.body
    key = f"status {told['orderId']} {told['milestone']} {told['seq']}"
    return platform.escrow.attest(order, attestation, idempotency_key=key).wait()


def whole(place: Workplace, bank: Platform) -> Order:
    buyer, seller = place.company(bank, "buyer", Money.parse(PRICE)), place.company(bank, "seller")
    administrator = place.company(bank, "forwarder")
    attesters = [bank.acting(place.signer(name)) for name in ("attester-1", "attester-2")]
    addresses = [attester.session.wallet for attester in attesters]
    created = administrator.attestations.create_set(addresses, minimum=2, idempotency_key="set").wait()
    saved = place.home / "order.json"
    if saved.exists():
        order = Document.load(saved)
    else:
        attest_by = bank.session.now() + 30 * DAY
        milestone = Milestone(
            amount=Money.parse(PRICE).minor,
            mode=Mode.PREFUND,
            required_status=SHIPPED,
            fund_by=attest_by,
            attest_by=attest_by,
        )
        proposed = buyer.escrow.propose(
            buyer=buyer.session.participant,
            seller=seller.session.participant,
            currency="USD",
            order_reference="order 1",
            milestones=[milestone],
            attester_set=administrator.attestations.set_of(created),
            threshold=2,
        )
        order = seller.escrow.countersign(proposed)
        order.save(saved)
    buyer.escrow.fund(order, idempotency_key="fund order 1").wait()
    if bank.escrow.get(order).milestones[0].last_seq:
        return bank.escrow.get(order)
    now = bank.session.now()
    documents = [
        attester.attestations.sign(order, 0, status=SHIPPED, seq=1, at=now, deadline=now + DAY)
        for attester in attesters
    ]
    return reported(bank, order, documents)


def described(order: Order) -> dict[str, object]:
    released = sum((part.released for part in order.milestones[1:]), order.milestones[0].released)
    transaction = order.act.tx_hash if order.act else ""
    return {"order": order.id, "status": order.status.value, "released": str(released), "transaction": transaction}


if __name__ == "__main__":
    main()
