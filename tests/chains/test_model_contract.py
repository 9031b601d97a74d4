"""The model's token and registry beside the real contracts: the same calls, the same answers, reverts and events."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from chains.model import ANVIL, Network, Thief, VirtualClock
from chains.model import registry as states
from chains.model_support import World, key
from pyjpm import Money
from pyjpm.chain import Connection, DevClock, LocalAnvil
from pyjpm.contracts.artifacts import custom_errors
from pyjpm.contracts.codec import codec
from pyjpm.custody import LocalSigner
from pyjpm.errors.chain import Reverted
from pyjpm.platform import Platform
from pyjpm.sending import Operation
from pyjpm.sending.witness import Call
from pyjpm.testing import backed_platform, new_company
from pyjpm.witnessing import ContractWitness

TOKEN = codec("DepositToken")
REGISTRY = codec("ParticipantRegistry")
SEED = 20_261_122
LIMIT = 50_000  # minor units a day, of A in EUR; it has twice that
REFERENCES = [bytes(32)] + [bytes([7]) * 31 + bytes([low]) for low in range(24)]


@dataclass
class Pair:
    """Both chains with the same participants, of the same numbers, with the same wallets and money."""

    bank: Platform
    real: Connection
    network: Network
    double: Connection
    signers: dict[str, LocalSigner]
    ids: dict[str, int]

    def where(self, side: str, name: str) -> str:
        if side == "real":
            return self.bank.record.address("ParticipantRegistry" if name == "registry" else name)
        return self.network.registry if name == "registry" else self.network.token(name)

    def like(self, side: str, hexed: str) -> str:
        """Hex with the addresses of contracts replaced by their names."""
        for name in ("EUR", "USD", "registry"):
            hexed = hexed.lower().replace(self.where(side, name)[2:].lower(), f"<{name}>".center(40))
        return hexed

    def asked(self, name: str, data: bytes, sender: str | None = None) -> list[str]:
        """What both answer, or revert with."""
        said = []
        for side, connection in (("real", self.real), ("double", self.double)):
            try:
                said.append(self.like(side, connection.call(self.where(side, name), data, sender=sender).hex()))
            except Reverted as refused:
                said.append("reverted " + self.like(side, refused.data.hex()))
        return said

    def sent(self, name: str, data: bytes, signer: LocalSigner) -> list[Any]:
        """What became of a transaction on both: success, and its events."""
        became = []
        for side, connection in (("real", self.real), ("double", self.double)):
            transaction = {
                "type": 2,
                "chainId": connection.chain_id,
                "nonce": connection.transaction_count(signer.address),
                "to": self.where(side, name),
                "value": 0,
                "gas": 1_500_000,
                "maxFeePerGas": 0,
                "maxPriorityFeePerGas": 0,
                "data": data,
            }
            answer = connection.send_raw(signer.sign_transaction(transaction).raw)
            if side == "double":
                self.network.clock.sleep(1.1)
            receipt = connection.wait_for_receipt(answer.tx_hash, timeout=10)
            assert receipt is not None, answer
            logs = [
                (self.like(side, log.address), [self.like(side, each.hex()) for each in log.topics], log.data)
                for log in receipt.logs
            ]
            became.append((receipt.succeeded, logs))
        return became


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    journal = Path(tmp_path_factory.mktemp("pair")) / "journal.sqlite"
    with (
        LocalAnvil() as chain,
        backed_platform(chain.connection(), LocalSigner.generate(), journal=journal, currencies=("EUR", "USD")) as bank,
    ):
        signers: dict[str, LocalSigner] = {"stranger": LocalSigner.generate(), "A2": LocalSigner.generate()}
        ids = {}
        for name in "ABC":
            company = new_company(bank, deposit="1000.00")
            signer = company.session.signer
            assert isinstance(signer, LocalSigner)
            signers[f"{name}1"], ids[name] = signer, company.session.participant
        identity = bytes.fromhex(bank.participants.get(ids["A"]).identity_hash[2:])
        link = bank.acting(signers["A2"]).participants.wallet_link(identity)
        bank.participants.link_wallet(ids["A"], link, idempotency_key="second wallet").wait()
        limit = Money.from_minor(LIMIT, "EUR")
        bank.participants.decrease_daily_limit(ids["A"], limit, idempotency_key="lower").wait()
        # Noon, so that no day ends while this runs.
        clock = DevClock(bank.connection)
        noon = (clock.now() // 86_400 + 1) * 86_400 + 43_200
        clock.mine_at(noon)

        network = Network(SEED, nodes=1, manners=ANVIL, clock=VirtualClock(noon))
        while network.chain.head.state.get(("participants",), 0) < min(ids.values()) - 1:
            network.onboard([LocalSigner.generate().address])
        for name in sorted(ids, key=ids.__getitem__):
            own = network.onboard(
                [signers[f"{name}1"].address], balances={"EUR": 100_000, "USD": 100_000}, daily_limit=100_000_000
            )
            assert own == ids[name]
        network.change({("wallet", signers["A2"].address.lower()): states.Wallet(ids["A"])})
        network.limit(ids["A"], "EUR", LIMIT)
        yield Pair(bank, bank.connection, network, network.connection(), signers, ids)


def views(pair: Pair) -> None:
    """All that sending reads, of all there is."""
    wallets = [each.address for each in pair.signers.values()] + ["0x" + "12" * 20]
    ids = [*pair.ids.values(), 0, 999]
    for currency in ("EUR", "USD"):
        for wallet in wallets:
            for function in ("balanceOf", "available", "frozen", "held"):
                data = TOKEN.encode(function, wallet)
                real, double = pair.asked(currency, data)
                assert real == double, (function, wallet)
            other = wallets[0]
            for arguments in (
                ("check", 0, wallet, wallet, other, 10),
                ("check", 0, wallet, wallet, pair.signers["B1"].address, 10),
                ("canTransfer", other, wallet, 10),
                ("referenceState(address,bytes32)", wallet, REFERENCES[3]),
            ):
                real, double = pair.asked(currency, TOKEN.encode(*arguments))
                assert real == double, arguments
        for number in ids:
            real, double = pair.asked(currency, TOKEN.encode("dailyLimit", number))
            assert real == double, number
            for reference in REFERENCES[:10]:
                data = TOKEN.encode("referenceState(uint32,bytes32)", number, reference)
                real, double = pair.asked(currency, data)
                assert real == double
                real, double = pair.asked(currency, TOKEN.encode("paid", number, reference))
                assert real == double
        for function in ("paused", "currency", "decimals", "registry", "version"):
            real, double = pair.asked(currency, TOKEN.encode(function))
            assert real == double, function
    for wallet in wallets:
        for function in ("walletOf", "standingOf", "resolve", "successorOf"):
            real, double = pair.asked("registry", REGISTRY.encode(function, wallet))
            if function == "walletOf" and not real.startswith("reverted"):
                real, double = (said[:64] + said[128:] for said in (real, double))  # epochs count other acts too
            assert real == double, (function, wallet)
    for number in ids:
        for function in ("currentWallet", "stopOf", "isStopped", "flagsOf"):
            real, double = pair.asked("registry", REGISTRY.encode(function, number))
            assert real == double, (function, number)
    unknown = pair.asked("registry", REGISTRY.encode("participantOf", 999))
    assert unknown[0] == unknown[1]
    known = pair.asked("registry", REGISTRY.encode("participantOf", ids[0]))
    assert len(known[0]) == len(known[1])
    shown = [REGISTRY.decode_output("participantOf", bytes.fromhex(each)) for each in known]
    for member in ("kind", "status", "frozen", "sponsor", "flags", "wallet"):
        assert shown[0][member] == shown[1][member], member


def acts(pair: Pair, draw: random.Random, count: int) -> Counter[str]:
    """Random calls on both; what they were refused with, or what they were."""
    seen: Counter[str] = Counter()
    names = list(pair.signers)
    wallets = [each.address for name, each in pair.signers.items() for _ in range(1 if name == "stranger" else 3)]

    def payment() -> tuple[str, int, bytes, bytes]:
        amount = draw.randrange(1, 6_000) if draw.random() < 0.7 else draw.choice([0, 1, 60_000, 60_000, 2**200])
        reference = draw.choice(REFERENCES if draw.random() < 0.93 else REFERENCES[:1])
        return draw.choice(wallets), amount, reference, draw.randbytes(draw.choice([0, 3, 32, 70]))

    for _ in range(count):
        signer = pair.signers[draw.choice(names)]
        currency = draw.choice(["EUR", "EUR", "USD"])
        kind = draw.choice(["pay"] * 5 + ["batch", "batch", "void", "transfer", "broken"])
        if kind == "pay":
            data = TOKEN.encode("pay", *payment())
        elif kind == "batch":
            data = TOKEN.encode("payBatch", [payment() for _ in range(draw.choice([0, 1, 1, 2, 2, 3, 5]))])
        elif kind == "void":
            data = TOKEN.encode("voidReference", draw.choice([*pair.ids.values(), 999]), draw.choice(REFERENCES))
        elif kind == "transfer":
            to, amount, _, _ = payment()
            data = TOKEN.encode("transfer", to, amount)
        else:
            data = TOKEN.encode("pay", *payment())
            data = data[: draw.randrange(4, len(data))]
        real, double = pair.asked(currency, data, signer.address)
        assert real == double, (kind, data.hex())
        mined, modelled = pair.sent(currency, data, signer)
        assert mined == modelled, (kind, data.hex())
        selector = real.removeprefix("reverted ")[:8]
        known = custom_errors().get("0x" + selector)
        seen[kind if mined[0] else known["name"] if known else "no reason"] += 1
        if known and known["name"] == "Refused":
            seen[f"reason {int(selector and real.removeprefix('reverted ')[8 + 64 : 8 + 128], 16)}"] += 1
    return seen


def test_calls_views_and_events_are_the_contracts_own(pair: Pair) -> None:
    print(f"seed {SEED}")
    draw = random.Random(SEED)
    bank, network, ids, signers = pair.bank, pair.network, pair.ids, pair.signers
    people = bank.participants
    views(pair)
    seen = acts(pair, draw, 140)
    views(pair)

    people.suspend(ids["B"], reason="r", idempotency_key="suspend").wait()
    network.suspend(ids["B"])
    people.suspend_wallet(signers["A2"].address, reason="r", idempotency_key="suspend wallet").wait()
    network.set_wallet(signers["A2"].address, states.WALLET_SUSPENDED)
    network.clock.sleep(1.1)
    seen += acts(pair, draw, 40)
    views(pair)

    people.reinstate(ids["B"], reason="r", idempotency_key="reinstate").wait()
    network.suspend(ids["B"], suspended=False)
    people.reinstate_wallet(signers["A2"].address, reason="r", idempotency_key="reinstate wallet").wait()
    network.set_wallet(signers["A2"].address, states.LINKED)
    people.freeze(ids["C"], order="o", idempotency_key="freeze").wait()
    network.freeze(ids["C"])
    people.recover_wallet(signers["A1"].address, signers["A2"].address, order="o", idempotency_key="recover").wait()
    network.lose_wallet(signers["A1"].address, signers["A2"].address)
    network.clock.sleep(1.1)
    seen += acts(pair, draw, 60)
    views(pair)

    bank.governance.pause("EUR", idempotency_key="pause").wait()
    network.pause("EUR")
    network.clock.sleep(1.1)
    seen += acts(pair, draw, 20)
    views(pair)

    print(dict(seen))
    done = {"pay", "batch", "void", "transfer", "no reason"}
    errors = {"ZeroAmount", "AlreadyPaid", "ReferenceMissing", "Refused", "BatchEmpty", "NotOwnReference"}
    # 1 paused, 9 and 17 unknown, 12 and 20 lost wallet, 14 and 22 frozen, 15 and 23 suspended, 25 money, 28 limit
    reasons = {f"reason {number}" for number in (1, 9, 12, 14, 15, 17, 20, 22, 23, 25, 28)}
    assert set(seen) >= done | errors | reasons


def test_a_witness_reads_the_double_as_a_platform() -> None:
    world = World(Network(1))
    network = world.network
    network.record().verify(network.connection())
    with network.clock.driving():
        connection = network.connection()
        witness = ContractWitness(network.record())
        calls = {name: call_of(world, world.pay(name)) for name in ("paid", "voided", "other", "open")}
        batch = [(world.payee_wallet, 5, world.reference(f"b{i}"), b"") for i in range(3)]
        calls["batch"] = Call(
            world.lanes[1].address, network.token("EUR"), TOKEN.encode("payBatch", batch), "payments.batch"
        )
        other = world.pay("other", currency="USD")
        sent = [
            world.raw(world.pay("paid")),
            world.raw(other, nonce=1),
            world.raw(replace(other, data=calls["batch"].data, to=network.token("EUR"), gas=900_000), lane=1),
        ]
        thief = Thief(network, key(2))
        void = TOKEN.encode("voidReference", world.payer, world.reference("voided"))
        thief.call(network.token("EUR").lower(), void)
        answers = connection.send_raw_many(sent)
        network.clock.sleep(2.2)
        verdicts = witness.read(list(calls.values()), connection=connection, at=connection.head().number)
        found = {name: verdict.effect.value for name, verdict in zip(calls, verdicts, strict=True)}
        assert found == {
            "paid": "APPLIED",
            "voided": "VOIDED",
            "other": "CONFLICT",
            "open": "ABSENT",
            "batch": "APPLIED",
        }
        assert verdicts[0].tx_hash == answers[0].tx_hash
        receipt = connection.receipt(answers[0].tx_hash)
        assert receipt is not None
        assert witness.has_effect(calls["paid"], receipt.logs)
        assert not witness.has_effect(calls["open"], receipt.logs)


def call_of(world: World, operation: Operation) -> Call:
    """A payment of the first lane, as a witness has it."""
    return Call(world.lanes[0].address, operation.to, operation.data, operation.kind)
