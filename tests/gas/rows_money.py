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
    rows |= authorizations(bench, buyer, seller)
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


def authorizations(bench: Bench, payer: Platform, payee: Platform) -> dict[str, int]:
    """Submitted by the payee. Nonces and references of this payer were used on an earlier day in the same words."""
    nonces, references = keccak(text="nonces")[:31], keccak(text="authorized")[:31]
    remittance = keccak(text="remittance")
    rows: dict[str, int] = {}
    for number in (b"\1", b"\2"):
        message = {
            "from": payer.session.wallet,
            "to": payee.session.wallet,
            "value": 100,
            "validAfter": 0,
            "validBefore": LATE,
            "nonce": nonces + number,
            "ref": references + number,
            "remittanceHash": keccak(remittance),
        }
        signature = payer.session.sign(USD, "TransferWithAuthorization", message)
        members = [message[name] for name in ("from", "to", "value", "validAfter", "validBefore", "nonce", "ref")]
        rows["transfer_with_authorization"] = bench.measure(
            payee, USD, "transferWithAuthorization", *members, remittance, signature
        )
    return rows


def clearances(bench: Bench, payee: Platform) -> dict[str, int]:
    """A payment of a participant whose money moves with clearances only; it has paid so on an earlier day."""
    payer = bench.company("cleared")
    bench.mint(payer, 1_000_000)
    participant = payer.session.participant
    bench.send(bench.bank, "ParticipantRegistry", "addFlags", participant, 4)
    references, rows = keccak(text="cleared")[:31], {}
    for number in (b"\1", b"\2"):
        arguments = (payee.session.wallet, 100, references + number, keccak(text="remittance"))
        call = payer.session.codec(USD).encode("pay", *arguments)
        message = {"payer": payer.session.wallet, "digest": keccak(call), "deadline": LATE}
        clearance = bytes.fromhex(bench.bank.session.wallet[2:]) + bench.bank.session.sign(USD, "Clearance", message)
        rows["pay_cleared"] = bench.measure(payer, USD, "cleared", call, LATE, clearance)
    return rows


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
