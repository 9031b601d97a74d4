"""Rows of orders: one milestone, attested 2 of 3, released from the attesting transaction on."""

from __future__ import annotations

from bench import LATE, START, USD, Bench, signer
from eth_utils import keccak

from pyjpm import Milestone, Mode, Platform
from pyjpm.contracts.codec import encode_parameters
from pyjpm.terms import DAY, OrderTerms, hold_reference

SHIPPED = 1


class Orders:
    """Three attesters, and orders between buyer and seller that wait for them."""

    def __init__(self, bench: Bench, buyer: Platform, seller: Platform) -> None:
        self.bench, self.buyer, self.seller = bench, buyer, seller
        self.attesters = sorted(
            (signer(f"attester {number}") for number in range(3)), key=lambda each: each.address.lower()
        )
        administrator = bench.company("administrator")
        bench.send(administrator, "AttesterSets", "createSet", 2, [each.address for each in self.attesters])

    def terms(self, name: str, mode: Mode) -> OrderTerms:
        late = START + 800 * DAY
        milestone = Milestone(
            amount=50_000,
            mode=mode,
            required_status=SHIPPED,
            fund_by=late if mode is Mode.PREFUND else 0,
            attest_by=late,
        )
        return OrderTerms(
            buyer=self.buyer.session.participant,
            seller=self.seller.session.participant,
            token=self.bench.bank.record.address(USD),
            order_reference=keccak(text=name),
            attester_set=1,
            threshold=2,
            open_by=late,
            milestones=(milestone,),
        )

    def signature(self, order: OrderTerms) -> bytes:
        return self.seller.session.sign("OrderEscrow", "Terms", order.to_message())

    def hold(self, order: OrderTerms, signature: bytes) -> int:
        """The buyer holds the money, which opens the order where the seller's signature comes along."""
        session = self.bench.bank.session
        fund_terms = session.codec("OrderEscrow").parameter("fund", "terms")
        parameters = [fund_terms, {"type": "uint256"}, {"type": "bytes"}, {"type": "bytes"}]
        data = encode_parameters(parameters, (order.to_message(), 0, b"", signature))
        escrow, ref = session.record.address("OrderEscrow"), hold_reference(order.id, 0)
        return self.bench.measure(self.buyer, USD, "holdAndCall", escrow, 50_000, ref, data)

    def attest(self, order: OrderTerms) -> int:
        message = {
            "orderId": order.id,
            "milestone": 0,
            "seq": 1,
            "status": SHIPPED,
            "accepted": 0,
            "complete": False,
            "attestedAt": START,
            "documentHash": keccak(text="bill of lading"),
            "setEpoch": 1,
            "deadline": LATE,
        }
        bank = self.bench.bank
        signatures = [
            bytes.fromhex(each.address[2:]) + bank.acting(each).session.sign("OrderEscrow", "Attestation", message)
            for each in self.attesters[:2]
        ]
        return self.bench.measure(bank, "OrderEscrow", "attestAndRelease", order.to_message(), message, signatures)


def orders(bench: Bench, buyer: Platform, seller: Platform) -> dict[str, int]:
    """The first order of all, whose hold makes the payer's word with the escrow, and a later one of each kind."""
    rows: dict[str, int] = {}
    made = Orders(bench, buyer, seller)
    for name in ("earlier", "measured"):
        first = made.terms(f"{name} pay first", Mode.PREFUND)
        rows["escrow_open_fund"] = made.hold(first, made.signature(first))
        rows.setdefault("escrow_open_fund_first", rows["escrow_open_fund"])
        rows["escrow_attest_release_2of3"] = made.attest(first)
        goods = made.terms(f"{name} goods first", Mode.ON_ATTEST)
        opened = bench.measure(buyer, "OrderEscrow", "open", goods.to_message(), b"", made.signature(goods))
        rows["escrow_life_goods_first"] = opened + made.attest(goods) + made.hold(goods, b"")
    rows["escrow_life_pay_first"] = rows["escrow_open_fund"] + rows["escrow_attest_release_2of3"]
    return rows
