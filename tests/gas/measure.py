"""The gas table: what each operation costs as a whole transaction, on the deployed, proxied contracts, all checks on.

Method: receipt ``gasUsed`` on Anvil. Everybody has moved money on an earlier day, so their balance, reference, consent
and hold words exist; before each measured transaction the chain's day changes, so nothing was written today. Keys,
times and nonces are fixed, so the figures are the same every time. Peers are measured in the same run.

``make gas`` writes build/gas.json and compares with tests/gas/snapshot.json; a figure that differs fails until
``--update`` records it. Budgets are what the project aims at; they are shown beside and fail nothing here.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import solcx
from eth_utils import keccak
from rich.console import Console
from rich.table import Table

from pyjpm import Kind, Leg, LegKind, LocalAnvil, LocalSigner, Milestone, Mode, Platform, identity_hash
from pyjpm.assets import UNITS
from pyjpm.contracts.artifacts import load
from pyjpm.contracts.codec import encode_parameters
from pyjpm.contracts.sources import SETTINGS, project_root
from pyjpm.sending import Operation, batch_reference
from pyjpm.terms import DAY, OrderTerms, TradeTerms, hold_reference
from pyjpm.testing import backed_platform

ROOT = project_root()
SNAPSHOT = ROOT / "tests" / "gas" / "snapshot.json"
START = 1_800_000_000 // DAY * DAY
USD, BATCH, SHIPPED = "USD", 200, 1
BUDGETS = {
    "transfer_existing": 63_000,
    "transfer_new": 63_000,
    "pay_new_word": 88_000,
    "pay_same_word": 71_000,
    "pay_batch_200_each": 17_000,
    "escrow_open_fund": 125_000,
    "escrow_attest_release_2of3": 115_000,
    "escrow_life_pay_first": 240_000,
    "dvp_two_legs": 165_000,
}


def signer(name: str) -> LocalSigner:
    return LocalSigner.from_key(keccak(text=f"gas {name}"))


class Bench:
    """One platform, and measured transactions on it."""

    def __init__(self, anvil: LocalAnvil, bank: Platform) -> None:
        self.bank, self.clock, self.sent = bank, anvil.clock(), 0
        self.next_day = START + 2 * DAY

    def send(
        self, who: Platform, contract: str, function: str, *arguments: Any, at: str | None = None, new_day: bool = False
    ) -> int:
        """Sends one call and returns its gas; ``new_day`` makes it the first of its day."""
        if new_day:
            self.clock.mine_at(self.next_day)
            self.next_day += DAY
        self.sent += 1
        submission = who.session.submit(
            kind="gas", key=f"{self.sent}", content={}, contract=contract, function=function, arguments=arguments, at=at
        )
        return int(who.session.sender.wait(submission.id, 60).gas_used or 0)

    def measure(self, who: Platform, contract: str, function: str, *arguments: Any, at: str | None = None) -> int:
        return self.send(who, contract, function, *arguments, at=at, new_day=True)

    def create(self, bytecode: bytes) -> str:
        self.sent += 1
        operation = Operation(key=f"{self.sent}", kind="gas", content={}, to=None, data=bytecode, gas=10_000_000)
        session = self.bank.session
        created = session.sender.wait(session.sender.submit(session.signer, operation).id, 60).contract_address
        assert created is not None
        return created

    def company(self, name: str) -> Platform:
        company = self.bank.acting(signer(name))
        link = company.session.sign(
            "ParticipantRegistry",
            "LinkWallet",
            message := {
                "identityHash": identity_hash({"name": name}, bytes(16)),
                "wallet": company.session.wallet,
                "deadline": START + 900 * DAY,
            },
        )
        profile = {
            "kind": int(Kind.CORPORATE),
            "jurisdiction": 840,
            "kycExpiry": START + 900 * DAY,
            "identityHash": message["identityHash"],
            "questionnaireHash": keccak(text=name),
            "policyHash": bytes(32),
            "encryptionKey": bytes(32),
        }
        self.onboarded = self.send(
            self.bank, "ParticipantRegistry", "register", profile, company.session.wallet, message["deadline"], link
        )
        self.send(self.bank, USD, "setDailyLimit", company.session.participant, 10**12)
        self.send(self.bank, "EUR", "setDailyLimit", company.session.participant, 10**12)
        return company

    def mint(self, to: Platform, minor: int, currency: str = USD, *, new_day: bool = False) -> int:
        reference = keccak(text=f"deposit {self.sent}")
        return self.send(self.bank, currency, "mint", reference, to.session.wallet, minor, new_day=new_day)

    def consent(self, payer: Platform, notary: str, amount: int, ref: bytes, nonce: int, currency: str = USD) -> bytes:
        message = {
            "payer": payer.session.wallet,
            "notary": notary,
            "amount": amount,
            "ref": ref,
            "nonce": nonce,
            "deadline": START + 900 * DAY,
        }
        return payer.session.sign(currency, "Consent", message)


def measured(bench: Bench) -> dict[str, int]:
    rows: dict[str, int] = {}
    buyer, seller, third = bench.company("buyer"), bench.company("seller"), bench.company("third")
    empty = bench.company("empty")
    for company in (buyer, seller, third, empty):
        for currency in (USD, "EUR"):
            bench.mint(company, 10_000_000, currency)
            bench.send(
                company, currency, "transfer", (seller if company is not seller else buyer).session.wallet, 1_000
            )
    rest = bench.bank.deposits.balance(empty.session.wallet, currency=USD).balance.minor
    bench.send(empty, USD, "transfer", buyer.session.wallet, rest)

    to, away = seller.session.wallet, empty.session.wallet
    rows["transfer_existing"] = bench.measure(buyer, USD, "transfer", to, 100)
    rows["transfer_new"] = bench.measure(buyer, USD, "transfer", away, 100)
    bench.send(buyer, USD, "approve", third.session.wallet, 2**256 - 1)
    rows["transfer_from"] = bench.measure(third, USD, "transferFrom", buyer.session.wallet, to, 100)
    remittance = keccak(text="remittance")
    reference = keccak(text="reference")[:31]
    rows["pay_new_word"] = bench.measure(buyer, USD, "pay", to, 100, reference + b"\1", remittance)
    rows["pay_same_word"] = bench.measure(buyer, USD, "pay", to, 100, reference + b"\2", remittance)
    rows["pay_batch_200_each"] = batch(bench, buyer)
    rows["mint"] = bench.mint(buyer, 1_000_000, new_day=True)
    rows |= holds(bench, buyer, seller)
    rows |= orders(bench, buyer, seller)
    rows |= trades(bench, buyer, seller, third)
    bench.clock.mine_at(bench.next_day)
    bench.next_day += DAY
    bench.company("newcomer")
    rows["onboard"] = bench.onboarded
    return rows


def batch(bench: Bench, payer: Platform) -> int:
    """Per payment of 200 to 200 participants, one batch's references, the batch's word used once before."""
    payees = [bench.company(f"payee {number}") for number in range(BATCH)]
    participant = payer.session.participant

    def payments(batch_id: str, first: int) -> list[dict[str, Any]]:
        return [
            {
                "to": payee.session.wallet,
                "amount": 5,
                "ref": batch_reference(participant, batch_id, first + place),
                "remittance": keccak(text=f"line {place}"),
            }
            for place, payee in enumerate(payees)
        ]

    bench.send(payer, USD, "payBatch", payments("an earlier day", 0))
    return bench.measure(payer, USD, "payBatch", payments("today", 0)) // BATCH


def holds(bench: Bench, payer: Platform, payee: Platform) -> dict[str, int]:
    """Through a notary that only passes on: its call and calldata are in the figures."""
    token = bench.bank.record.address(USD)
    notary = bench.create(creation("ForwardingNotary", token))
    bench.send(bench.bank, USD, "registerNotary", notary)
    ref, wallet, rows = keccak(text="hold"), payer.session.wallet, {}

    def call(function: str, *arguments: Any) -> int:
        bench.clock.mine_at(bench.next_day)
        bench.next_day += DAY
        bench.sent += 1
        session = bench.bank.session
        data = session.codec(USD).encode(function, *arguments)
        operation = Operation(key=f"{bench.sent}", kind="gas", content={}, to=notary, data=data, gas=1_000_000)
        return int(session.sender.wait(session.sender.submit(session.signer, operation).id, 60).gas_used or 0)

    for nonce in (1, 2):
        signature = bench.consent(payer, notary, 700, ref, nonce)
        rows["hold"] = call("hold", wallet, 700, ref, nonce, START + 900 * DAY, signature)
        rows["execute_hold"] = call("execute", wallet, payee.session.wallet, 300, ref)
        rows["release_hold"] = call("release", wallet, 400, ref, 0)
    return rows


def orders(bench: Bench, buyer: Platform, seller: Platform) -> dict[str, int]:
    """Lives of orders of one milestone; attested 2 of 3, released from the attesting transaction on."""
    administrator = bench.company("administrator")
    attesters = sorted((signer(f"attester {number}") for number in range(3)), key=lambda each: each.address.lower())
    bench.send(administrator, "AttesterSets", "createSet", 2, [each.address for each in attesters])
    escrow, session = bench.bank.record.address("OrderEscrow"), bench.bank.session
    fund_parameter = session.codec("OrderEscrow").parameter("fund", "terms")
    parameters = [fund_parameter, {"type": "uint256"}, {"type": "bytes"}, {"type": "bytes"}]

    def terms(name: str, mode: Mode) -> OrderTerms:
        late = START + 800 * DAY
        milestone = Milestone(
            amount=50_000,
            mode=mode,
            required_status=SHIPPED,
            fund_by=late if mode is Mode.PREFUND else 0,
            attest_by=late,
        )
        return OrderTerms(
            buyer=buyer.session.participant,
            seller=seller.session.participant,
            token=bench.bank.record.address(USD),
            order_reference=keccak(text=name),
            attester_set=1,
            threshold=2,
            open_by=late,
            milestones=(milestone,),
        )

    def hold(order: OrderTerms, signature: bytes) -> int:
        data = encode_parameters(parameters, (order.to_message(), 0, b"", signature))
        return bench.measure(buyer, USD, "holdAndCall", escrow, 50_000, hold_reference(order.id, 0), data)

    def attest(order: OrderTerms) -> int:
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
            "deadline": START + 900 * DAY,
        }
        signatures = [
            bytes.fromhex(each.address[2:])
            + bench.bank.acting(each).session.sign("OrderEscrow", "Attestation", message)
            for each in attesters[:2]
        ]
        return bench.measure(bench.bank, "OrderEscrow", "attestAndRelease", order.to_message(), message, signatures)

    rows: dict[str, int] = {}
    for name in ("earlier", "measured"):
        first = terms(f"{name} pay first", Mode.PREFUND)
        rows["escrow_open_fund"] = hold(first, seller.session.sign("OrderEscrow", "Terms", first.to_message()))
        rows["escrow_attest_release_2of3"] = attest(first)
        goods = terms(f"{name} goods first", Mode.ON_ATTEST)
        signature = seller.session.sign("OrderEscrow", "Terms", goods.to_message())
        opened = bench.measure(buyer, "OrderEscrow", "open", goods.to_message(), b"", signature)
        rows["escrow_life_goods_first"] = opened + attest(goods) + hold(goods, b"")
    rows["escrow_life_pay_first"] = rows["escrow_open_fund"] + rows["escrow_attest_release_2of3"]
    return rows


def trades(bench: Bench, buyer: Platform, seller: Platform, dealer: Platform) -> dict[str, int]:
    """Two legs, two parties, what they sign riding along, brought by somebody else in one transaction."""
    units = bench.bank.assets.deploy(UNITS, "Copper", "CU", idempotency_key="units")
    settlement = bench.bank.record.address("Settlement")
    broker = bench.company("broker")
    for currency in (USD, "EUR"):
        bench.mint(broker, 1_000_000, currency)
    for owner in (buyer, seller, dealer, broker):
        bench.send(bench.bank, UNITS, "issue", owner.session.wallet, 1_000, at=units)
        bench.send(owner, UNITS, "approve", settlement, 2**256 - 1, at=units)

    def cash(payer: Platform, payee: Platform, minor: int, currency: str = USD) -> Leg:
        token = bench.bank.record.address(currency)
        return Leg(
            kind=LegKind.CASH,
            token=token,
            sender=payer.session.wallet,
            receiver=payee.session.wallet,
            amount=minor,
        )

    def riding(name: str, legs: tuple[Leg, ...], nonce: int) -> dict[str, Any]:
        trade = TradeTerms(legs=legs, trade_reference=keccak(text=name), expiry=START + 900 * DAY)
        affirmations, consents = [], []
        for company in (buyer, seller, dealer, broker):
            wallet = company.session.wallet
            if wallet not in trade.wallets:
                continue
            owed = trade.cash_of(wallet)
            for token, amount in owed.items():
                currency = bench.bank.record.currency_of(token)
                consents.append(
                    {
                        "payer": wallet,
                        "token": token,
                        "nonce": nonce,
                        "deadline": START + 900 * DAY,
                        "signature": bench.consent(company, settlement, amount, trade.id, nonce, currency),
                    }
                )
            if not owed:
                signature = company.session.sign("Settlement", "Trade", trade.to_message())
                affirmations.append({"wallet": wallet, "signature": signature})
        return {"trade": trade.to_message(), "affirmations": affirmations, "consents": consents}

    def settle(name: str, legs: tuple[Leg, ...], nonce: int) -> int:
        return bench.measure(bench.bank, "Settlement", "settle", *riding(name, legs, nonce).values())

    def ring(name: str, nonce: int) -> list[dict[str, Any]]:
        """Each of four delivers units to the next one for cash; the prices differ, so that everybody has a net."""
        four = (buyer, seller, dealer, broker)
        found = []
        for place, giver in enumerate(four):
            taker = four[(place + 1) % 4]
            delivery = replace(unit(giver, taker), amount=10 + place)
            legs = (delivery, cash(taker, giver, 1_000 + 10 * place**2))
            found.append(riding(f"{name} {place}", legs, nonce + place))
        return found

    def unit(giver: Platform, taker: Platform) -> Leg:
        return Leg(
            kind=LegKind.ERC20,
            token=units,
            sender=giver.session.wallet,
            receiver=taker.session.wallet,
            amount=10,
        )

    rows: dict[str, int] = {}
    for nonce, name in enumerate(("earlier", "measured"), 10):
        rows["dvp_two_legs"] = settle(f"{name} dvp", (unit(seller, buyer), cash(buyer, seller, 4_000)), nonce)
        pvp = (cash(buyer, dealer, 5_000), cash(dealer, buyer, 4_600, "EUR"))
        rows["pvp_two_legs"] = settle(f"{name} pvp", pvp, nonce + 10)
        singly = (each.values() for each in ring(f"{name} singly", nonce + 100))
        rows["settle_4_trades_singly"] = sum(
            bench.measure(bench.bank, "Settlement", "settle", *each) for each in singly
        )
        together = ring(f"{name} net", nonce + 120)
        rows["settle_net_4_parties"] = bench.measure(bench.bank, "Settlement", "settleNet", together, False)
    return rows


def peers(bench: Bench) -> dict[str, dict[str, int]]:
    """OpenZeppelin's ERC-20, bare and behind the same proxy, in the same run."""
    found: dict[str, dict[str, int]] = {}
    plain = bench.create(creation("PlainToken"))
    proxy = load("PlatformProxy").link()
    implementation = bench.create(creation("PlainProxiedToken"))
    initialize = keccak(text="initialize()")[:4]
    arguments = encode_parameters([{"type": "address"}, {"type": "bytes"}], (implementation, initialize))
    proxied = bench.create(bytes.fromhex(proxy[2:]) + arguments)
    for name, token in (("openzeppelin_erc20", plain), ("openzeppelin_erc20_proxied", proxied)):
        holder, other, fresh = signer(f"{name} a"), signer(f"{name} b"), signer(f"{name} c")
        bank = bench.bank
        for account in (holder, other):
            bench.send(bank, UNITS, "transfer", account.address, 10_000, at=token)
        acting = bank.acting(holder)
        rows = {
            "transfer_existing": bench.measure(acting, UNITS, "transfer", other.address, 100, at=token),
            "transfer_new": bench.measure(acting, UNITS, "transfer", fresh.address, 100, at=token),
        }
        bench.send(acting, UNITS, "approve", other.address, 2**256 - 1, at=token)
        spender = bank.acting(other)
        rows["transfer_from"] = bench.measure(
            spender, UNITS, "transferFrom", holder.address, other.address, 100, at=token
        )
        found[name] = rows
    return found


def creation(name: str, *addresses: str) -> bytes:
    """Creation bytecode of a contract of Bench.sol, compiled with the project's settings."""
    output = solcx.compile_standard(
        {
            "language": "Solidity",
            "sources": {"Bench.sol": {"content": (ROOT / "tests" / "gas" / "Bench.sol").read_text()}},
            "settings": {
                **SETTINGS,
                "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
                "outputSelection": {"*": {"*": ["evm.bytecode.object"]}},
            },
        },
        solc_binary=ROOT / "build" / "solc",
        base_path=ROOT,
        allow_paths=[ROOT],
    )
    bytecode = bytes.fromhex(output["contracts"]["Bench.sol"][name]["evm"]["bytecode"]["object"])
    return bytecode + encode_parameters([{"type": "address"}] * len(addresses), addresses)


def run() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="pyjpm-gas-") as folder, LocalAnvil(timestamp=START) as anvil:
        journal = Path(folder) / "journal.sqlite"
        with backed_platform(
            anvil.url, signer("bank"), auditor=signer("auditor"), journal=journal, currencies=(USD, "EUR")
        ) as bank:
            bench = Bench(anvil, bank)
            anvil.clock().mine_at(START + DAY)
            ours = measured(bench)
            return {"ours": dict(sorted(ours.items())), "peers": peers(bench)}


def show(found: Mapping[str, Any]) -> None:
    table = Table(title="gas per transaction", title_justify="left")
    for name in ("row", "ours", "budget", "", *found["peers"]):
        table.add_column(name, justify="left" if name == "row" else "right")
    for row, gas in found["ours"].items():
        budget = BUDGETS.get(row)
        word = "" if budget is None else "within" if gas <= budget else f"over by {gas - budget:,}"
        others = [f"{rows[row]:,}" if row in rows else "" for rows in found["peers"].values()]
        table.add_row(row, f"{gas:,}", f"{budget:,}" if budget else "", word, *others)
    Console(width=150).print(table)


def main() -> int:
    found = run()
    target = ROOT / "build" / "gas.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=1) + "\n")
    show(found)
    if "--update" in sys.argv[1:]:
        SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n")
        return 0
    recorded = json.loads(SNAPSHOT.read_text())
    changes = [
        f"{who} {row}: {before.get(row)} -> {now.get(row)}"
        for who, before, now in [
            ("ours", recorded["ours"], found["ours"]),
            *((name, recorded["peers"].get(name, {}), rows) for name, rows in found["peers"].items()),
        ]
        for row in sorted(before.keys() | now.keys())
        if before.get(row) != now.get(row)
    ]
    for change in changes:
        print(f"changed: {change}", file=sys.stderr)
    if changes:
        print("Explain the change in the commit and record it: make gas UPDATE=--update", file=sys.stderr)
    return int(bool(changes))


if __name__ == "__main__":
    sys.exit(main())
