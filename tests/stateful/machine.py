"""A model of the token beside the real contracts on Anvil: the same acts on both, in any order.

After every act the two must have refused alike, for the same reason, and agree on every balance, hold, frozen amount,
limit, reference and on the supply; at the end of each run the token's events alone must rebuild what it says it is.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from stateful.chain import World
from stateful.model import DAY, Model, Participant, Wallet

from pyjpm.contracts.eip712 import TypedMessage

TOKEN, REGISTRY = "DepositToken", "ParticipantRegistry"
LIMIT = 60_000
ORDER = b"order".ljust(32, b"\0")
PAYOUT = b"payout".ljust(32, b"\0")
STATES = {"PAID": 1, "VOIDED": 2}

wallets = st.sampled_from(["A1", "A2", "B1", "C1"])
participants = st.sampled_from(["A", "B", "C"])
amounts = st.one_of(st.integers(0, 2), st.integers(3, 40_000), st.integers(40_000, 110_000))
references = st.integers(0, 6)


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


class TokenMachine(RuleBasedStateMachine):
    """One run: from a snapshot of the chain, and back to it."""

    world: World  # set before any run
    # of all runs
    runs = 0
    calls = 0  # transactions sent
    answers: ClassVar[Counter[str]] = Counter()  # by act, and by what it was refused with

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        self.snapshot = self.world.rpc.call("evm_snapshot")
        self.first_block = int(self.world.rpc.call("eth_blockNumber"), 16) + 1
        for identity in self.world.participants.values():
            assert self.world.send(self.world.bank, TOKEN, "setDailyLimit", identity, LIMIT) is None
        names = list(self.world.wallets)
        balances = self.world.read([(TOKEN, "balanceOf", (self.world.wallets[name],)) for name in names])
        (supply,) = self.world.read([(TOKEN, "totalSupply", ())])
        self.model = Model(
            {name: Wallet(name[0], balance) for name, balance in zip(names, balances, strict=True)},
            {name: Participant(LIMIT) for name in "ABC"},
            supply,
        )
        self.opening = {self.world.wallets[name]: balance for name, balance in zip(names, balances, strict=True)}
        self.opening_supply = supply
        self.nonce = 1000

    def teardown(self) -> None:
        try:
            self.events_rebuild_the_books()
        finally:  # also after a failure: the next example starts where this one did
            assert self.world.rpc.call("evm_revert", self.snapshot)

    # --- both sides of an act ---

    def send(self, sender: str, function: str, *arguments: Any, artifact: str = TOKEN) -> str | None:
        """The name of the error it was refused with."""
        type(self).calls += 1
        error = self.world.send(sender, artifact, function, *arguments)
        return None if error is None else type(error).__name__

    def agree(self, done: str | None, foretold: str | None, what: str) -> None:
        assert done == foretold, f"{what}: the contracts say {done}, the model {foretold}"
        self.answers[f"{what}: {done or 'done'}"] += 1

    def today(self) -> int:
        return self.world.now() // DAY

    def address(self, wallet: str) -> str:
        return self.world.wallets[wallet]

    # --- paying ---

    @rule(payer=wallets, payee=wallets, amount=amounts, ref=references)
    def pay(self, payer: str, payee: str, amount: int, ref: int) -> None:
        done = self.send(self.address(payer), "pay", self.address(payee), amount, word(ref), b"")
        self.agree(done, self.model.pay(payer, payee, amount, ref, self.today()), "pay")

    @rule(caller=wallets, payer=wallets, payee=wallets, amount=amounts)
    def transfer(self, caller: str, payer: str, payee: str, amount: int) -> None:
        if caller == payer:
            done = self.send(self.address(payer), "transfer", self.address(payee), amount)
        else:
            done = self.send(self.address(caller), "transferFrom", self.address(payer), self.address(payee), amount)
        self.agree(done, self.model.transfer(caller, payer, payee, amount, self.today()), "transfer")

    @rule(participant=participants, ref=references)
    def void(self, participant: str, ref: int) -> None:
        done = self.send(self.world.bank, "voidReference", self.world.participants[participant], word(ref))
        self.agree(done, self.model.void(participant, ref), "void")

    # --- holding ---

    @rule(payer=wallets, amount=amounts, again=st.booleans())
    def hold(self, payer: str, amount: int, again: bool) -> None:
        self.nonce += not again
        consent = {
            "payer": self.address(payer),
            "notary": self.world.notary,
            "amount": amount,
            "ref": word(7),
            "nonce": self.nonce,
            "deadline": self.world.now() + DAY,
        }
        signature = self.world.signers[payer].sign_typed_data(TypedMessage(self.world.domain, "Consent", consent))
        arguments = (self.address(payer), amount, word(7), self.nonce, consent["deadline"], signature)
        done = self.send(self.world.notary, "hold", *arguments)
        self.agree(done, self.model.hold_by_consent(payer, amount, self.nonce, self.today()), "hold")

    @rule(payer=wallets, payee=wallets, amount=amounts)
    def execute(self, payer: str, payee: str, amount: int) -> None:
        done = self.send(self.world.notary, "execute", self.address(payer), self.address(payee), amount, word(7))
        self.agree(done, self.model.execute(payer, payee, amount), "execute")

    @rule(payer=wallets, amount=amounts, earlier=st.booleans())
    def release(self, payer: str, amount: int, earlier: bool) -> None:
        held_on = self.today() - earlier
        done = self.send(self.world.notary, "release", self.address(payer), amount, word(7), held_on)
        self.agree(done, self.model.release(payer, amount, held_on, self.today()), "release")

    # --- deposits ---

    @rule(ref=references, payee=wallets, amount=amounts)
    def mint(self, ref: int, payee: str, amount: int) -> None:
        done = self.send(self.world.bank, "mint", word(ref), self.address(payee), amount)
        self.agree(done, self.model.mint(ref, payee, amount), "mint")

    @rule(payer=wallets, amount=amounts, ref=references)
    def request(self, payer: str, amount: int, ref: int) -> None:
        done = self.send(self.address(payer), "requestRedemption", amount, word(ref), PAYOUT)
        self.agree(done, self.model.request(payer, amount, ref, self.today()), "request")

    @rule(participant=participants, ref=references, any_one=st.booleans())
    def instruct(self, participant: str, ref: int, any_one: bool) -> None:
        participant, ref = self.redemption(participant, ref, any_one)
        done = self.send(self.world.bank, "instructRedemption", self.world.participants[participant], word(ref))
        self.agree(done, self.model.instruct(participant, ref), "instruct")

    @rule(participant=participants, ref=references, any_one=st.booleans())
    def settle(self, participant: str, ref: int, any_one: bool) -> None:
        participant, ref = self.redemption(participant, ref, any_one)
        arguments = (self.world.participants[participant], word(ref), PAYOUT)
        done = self.send(self.world.bank, "settleRedemption", *arguments)
        self.agree(done, self.model.settle(participant, ref), "settle")

    @rule(participant=participants, ref=references, any_one=st.booleans(), evidence=st.booleans())
    def give_back(self, participant: str, ref: int, any_one: bool, evidence: bool) -> None:
        participant, ref = self.redemption(participant, ref, any_one)
        arguments = (self.world.participants[participant], word(ref), PAYOUT if evidence else word(0))
        done = self.send(self.world.bank, "returnRedemption", *arguments)
        self.agree(done, self.model.give_back(participant, ref, evidence, self.today()), "return")

    def redemption(self, participant: str, ref: int, any_one: bool) -> tuple[str, int]:
        """One that was requested, unless any will do."""
        requested = sorted(self.model.redemptions)
        return (participant, ref) if any_one or not requested else requested[ref % len(requested)]

    # --- compliance ---

    @rule(wallet=wallets, amount=amounts)
    def freeze_amount(self, wallet: str, amount: int) -> None:
        done = self.send(self.world.bank, "freezeAmount", self.address(wallet), amount, ORDER)
        self.agree(done, self.model.freeze_amount(wallet, amount), "freeze amount")

    @rule(wallet=wallets, amount=amounts)
    def unfreeze_amount(self, wallet: str, amount: int) -> None:
        done = self.send(self.world.bank, "unfreezeAmount", self.address(wallet), amount, ORDER)
        self.agree(done, self.model.unfreeze_amount(wallet, amount), "unfreeze amount")

    @rule(payer=wallets, payee=wallets, amount=amounts, unfrozen=amounts)
    def seize(self, payer: str, payee: str, amount: int, unfrozen: int) -> None:
        done = self.send(self.world.bank, "seize", self.address(payer), self.address(payee), amount, unfrozen, ORDER)
        self.agree(done, self.model.seize(payer, payee, amount, unfrozen), "seize")

    @rule(participant=participants)
    def freeze_or_unfreeze(self, participant: str) -> None:
        found = self.model.participants[participant]
        self.office("unfreeze" if found.frozen else "freeze", self.world.participants[participant], ORDER)
        found.frozen = not found.frozen

    @rule(participant=participants)
    def suspend_or_reinstate(self, participant: str) -> None:
        found = self.model.participants[participant]
        self.office("reinstate" if found.suspended else "suspend", self.world.participants[participant], ORDER)
        found.suspended = not found.suspended

    @rule(wallet=wallets)
    def suspend_or_reinstate_wallet(self, wallet: str) -> None:
        found = self.model.wallets[wallet]
        if found.successor is None:
            self.office("reinstateWallet" if found.suspended else "suspendWallet", self.address(wallet), ORDER)
            found.suspended = not found.suspended

    @precondition(lambda self: self.model.wallets["A1"].successor is None and not self.model.wallets["A2"].suspended)
    @rule()
    def lose_a_wallet(self) -> None:
        self.office("recoverWallet", self.address("A1"), self.address("A2"), ORDER)
        self.model.recover("A1", "A2")

    def office(self, function: str, *arguments: Any) -> None:
        self.agree(self.send(self.world.bank, function, *arguments, artifact=REGISTRY), None, function)

    @rule(on=st.sampled_from([False, False, True]))
    def pause(self, on: bool) -> None:
        done = self.send(self.world.bank, "pause" if on else "unpause")
        self.agree(done, self.model.pause() if on else self.model.unpause(), "pause")

    @rule(seconds=st.sampled_from([1, 3_600, DAY // 2, DAY]))
    def warp(self, seconds: int) -> None:
        self.world.rpc.call("evm_increaseTime", hex(seconds))
        self.world.rpc.call("evm_mine")

    # --- what must be ---

    @invariant()
    def books_are_the_same(self) -> None:
        names = list(self.world.wallets)
        notary, token = self.world.notary, self.world.token
        asked = [(TOKEN, "totalSupply", ()), (TOKEN, "paused", ())]
        for name in names:
            wallet = self.address(name)
            asked += [(TOKEN, view, (wallet,)) for view in ("balanceOf", "held", "frozen", "available")]
            asked += [(TOKEN, "heldFor", (notary, wallet)), (TOKEN, "heldFor", (token, wallet))]
        said = iter(self.world.read(asked))
        assert next(said) == self.model.supply == sum(w.balance for w in self.model.wallets.values()), "supply"
        assert next(said) == self.model.paused, "paused"
        for name in names:
            found, now = self.model.wallets[name], self.model.resolve(name)
            ours = (found.balance, self.model.held_of(name), found.frozen, self.model.available(name))
            assert tuple(next(said) for _ in range(4)) == ours, f"{name}: balance, held, frozen, available"
            holds = (self.model.held["notary", now], self.model.held["token", now])
            assert tuple(next(said) for _ in range(2)) == holds, f"{name}: held for each notary"

    @invariant()
    def limits_and_references_are_the_same(self) -> None:
        day = self.today()
        for name, participant in self.model.participants.items():
            wallet = self.address(self.model.resolve(f"{name}1"))
            asked = [(TOKEN, "dailyLimit", (self.world.participants[name],))]
            asked += [(TOKEN, "referenceState", (wallet, word(ref))) for ref in range(1, 7)]
            (limit, *states) = self.world.read(asked)
            assert tuple(limit) == (LIMIT, participant.spent[day]), f"{name}: daily limit"
            ours = [STATES.get(participant.references.get(ref, ""), 0) for ref in range(1, 7)]
            assert states == ours, f"{name}: references"

    def events_rebuild_the_books(self) -> None:
        """By the rules that IDepositToken states, from what the token has logged in this run and nothing else."""
        balances, held = Counter(self.opening), Counter[tuple[str, str]]()
        supply = self.opening_supply
        nobody = "0x" + "0" * 40
        for event in self.world.logs(self.first_block):
            said = event.arguments
            if event.name == "Transfer":
                balances[said["from"]] -= said["value"]
                balances[said["to"]] += said["value"]
                supply += said["value"] * ((said["from"] == nobody) - (said["to"] == nobody))
            elif event.name == "Held":
                held[said["notary"], said["payer"]] += said["amount"]
            elif event.name in ("HoldExecuted", "HoldReleased"):
                held[said["notary"], said["payer"]] -= said["amount"]
            elif event.name == "RedemptionSettled":
                held[self.world.token, said["wallet"]] -= said["amount"]
            elif event.name == "HoldMoved":
                held[said["notary"], said["lost"]] -= said["amount"]
                held[said["notary"], said["successor"]] += said["amount"]
        assert supply == self.model.supply, "supply by events"
        for name, found in self.model.wallets.items():
            wallet = self.address(name)
            assert balances[wallet] == found.balance, f"{name}: balance by events"
            for notary, address in (("notary", self.world.notary), ("token", self.world.token)):
                assert held[address, wallet] == self.model.held[notary, name], f"{name}: held by events"
