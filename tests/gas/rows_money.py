"""Rows of participants and bank money: transfers, payments, batches, deposits, redemptions, holds, onboarding."""

from __future__ import annotations

from typing import Any

from bench import LATE, USD, Bench
from compiled import creation
from eth_utils import keccak

from pyjpm import Platform
from pyjpm.sending import batch_reference

BATCH = 200


def money(bench: Bench, buyer: Platform, seller: Platform, third: Platform, empty: Platform) -> dict[str, int]:
    """``empty`` has had money before, and has none."""
    rows: dict[str, int] = {}
    to, away = seller.session.wallet, empty.session.wallet
    rows["transfer_existing"] = bench.measure(buyer, USD, "transfer", to, 100)
    rows["transfer_new"] = bench.measure(buyer, USD, "transfer", away, 100)
    bench.send(buyer, USD, "approve", third.session.wallet, 2**256 - 1)
    rows["transfer_from"] = bench.measure(third, USD, "transferFrom", buyer.session.wallet, to, 100)
    remittance = keccak(text="remittance")
    reference, other = keccak(text="reference")[:31], keccak(text="long remittance")
    rows["pay_new_word"] = bench.measure(buyer, USD, "pay", to, 100, reference + b"\1", remittance)
    rows["pay_same_word"] = bench.measure(buyer, USD, "pay", to, 100, reference + b"\2", remittance)
    rows["pay_remittance_256"] = bench.measure(buyer, USD, "pay", to, 100, other, remittance * 8)
    rows |= batches(bench, buyer)
    rows["mint"] = bench.mint(buyer, 1_000_000, new_day=True)
    rows |= redemptions(bench, buyer)
    rows |= holds(bench, buyer, seller)
    return rows


def onboarding(bench: Bench) -> dict[str, int]:
    bench.start_day()
    bench.company("newcomer")
    return {"onboard": bench.onboarded}


def batches(bench: Bench, payer: Platform) -> dict[str, int]:
    """Per payment of 200 to 200 participants: with one batch's references, whose word was used once before, and with
    references that have nothing in common."""
    payees = [bench.company(f"payee {number}").session.wallet for number in range(BATCH)]
    participant = payer.session.participant

    def payments(references: list[bytes]) -> list[dict[str, Any]]:
        return [
            {"to": payee, "amount": 5, "ref": ref, "remittance": keccak(text=f"line {place}")}
            for place, (payee, ref) in enumerate(zip(payees, references, strict=True))
        ]

    def together(batch_id: str) -> list[bytes]:
        return [batch_reference(participant, batch_id, place) for place in range(BATCH)]

    bench.send(payer, USD, "payBatch", payments(together("an earlier day")))
    unrelated = [keccak(text=f"unrelated {place}") for place in range(BATCH)]
    return {
        "pay_batch_200_each": bench.measure(payer, USD, "payBatch", payments(together("today"))) // BATCH,
        "pay_batch_unrelated_refs_each": bench.measure(payer, USD, "payBatch", payments(unrelated)) // BATCH,
    }


def redemptions(bench: Bench, owner: Platform) -> dict[str, int]:
    """The second redemption of a participant: its hold word exists."""
    rows: dict[str, int] = {}
    participant, payout = owner.session.participant, keccak(text="account of the owner")
    for name in ("earlier", "measured"):
        ref = keccak(text=f"{name} redemption")
        rows["request_redemption"] = bench.measure(owner, USD, "requestRedemption", 1_000, ref, payout)
        rows["instruct_redemption"] = bench.measure(bench.bank, USD, "instructRedemption", participant, ref)
        fiat = keccak(text=f"{name} fiat")
        rows["settle_redemption"] = bench.measure(bench.bank, USD, "settleRedemption", participant, ref, fiat)
    return rows


def holds(bench: Bench, payer: Platform, payee: Platform) -> dict[str, int]:
    """Through a notary that only passes on: its call and calldata are in the figures."""
    notary = bench.create(creation("ForwardingNotary", bench.bank.record.address(USD)))
    bench.send(bench.bank, USD, "registerNotary", notary)
    ref, wallet, rows = keccak(text="hold"), payer.session.wallet, {}

    def call(function: str, *arguments: Any) -> int:
        bench.start_day()
        data = bench.bank.session.codec(USD).encode(function, *arguments)
        return int(bench.send_raw(bench.bank, notary, data, 1_000_000).gas_used or 0)

    for nonce in (1, 2):
        signature = bench.consent(payer, notary, 700, ref, nonce)
        rows["hold"] = call("hold", wallet, 700, ref, nonce, LATE, signature)
        rows["execute_hold"] = call("execute", wallet, payee.session.wallet, 300, ref)
        rows["release_hold"] = call("release", wallet, 400, ref, 0)
    return rows
