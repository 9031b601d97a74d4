"""A deposit token: what paying, voiding and asking do, as the contract does it.

Decisions that govern this module:

* Calldata, events, errors and their order are the contract's: a payment is refused by the rules before its reference
  is looked at, and a batch is all or none. A test carries both out side by side.
* Only what sending needs: pay, payBatch, voidReference, transfer and the views. The rest reverts without a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from eth_utils.crypto import keccak

from chains.model import registry
from chains.model.abi import (
    BadCalldata,
    Revert,
    address,
    custom_error,
    dynamic,
    number,
    small,
    text,
    word,
    word_hex,
    words,
)
from chains.model.state import Draft, State
from pyjpm.contracts.codec import codec

DAY = 86_400
LONGEST_BATCH = 500
# IDepositToken.ReferenceState
UNSPENT, PAID, VOIDED = range(3)
# Reason, in libraries/Reason.sol
OK, PAUSED, INSUFFICIENT_AVAILABLE, DAILY_LIMIT = 0, 1, 25, 28
_PAYER_REASONS, _PAYEE_REASONS = 7, 15  # on top of a Standing

_ABI = codec("DepositToken")
_PAID_TOPIC = "0x" + _ABI.topic("Paid").hex()
_TRANSFER_TOPIC = "0x" + _ABI.topic("Transfer").hex()
_VOIDED_TOPIC = "0x" + _ABI.topic("ReferenceVoided").hex()
_NO_REFERENCE = bytes(32)


@dataclass(frozen=True, slots=True)
class Log:
    """An event before it has a place: hex as JSON-RPC has it."""

    address: str
    topics: tuple[str, ...]
    data: str


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment as the judge reads it. Amount in minor units; the hash is the remittance's."""

    token: str
    payer: int
    payer_wallet: str
    payee: int
    payee_wallet: str
    reference: bytes
    amount: int
    remittance_hash: bytes


@dataclass(slots=True)
class Message:
    """One call: who, what, when, and what it brought about. ``now`` in unix seconds."""

    sender: str
    data: bytes
    now: int
    gas_used: int = 0
    logs: list[Log] = field(default_factory=list)
    paid: list[Paid] = field(default_factory=list)


Reads = State | Draft


class Token:
    """The contract at one address, in one currency."""

    def __init__(self, at: str, currency: str, registry_address: str) -> None:
        self.address = at
        self.currency = currency
        self._registry = registry_address
        acts: dict[str, Callable[[Draft, Message], bytes]] = {
            "pay": self._pay,
            "payBatch": self._pay_batch,
            "voidReference": self._void,
            "transfer": self._transfer,
        }
        views: dict[str, Callable[[Reads, bytes, int], bytes]] = {
            "referenceState(uint32,bytes32)": self._reference_state,
            "referenceState(address,bytes32)": self._reference_state_of_wallet,
            "paid": lambda s, d, now: words(self.reference(s, small(d, 4, 32), word(d, 36)) == PAID),
            "balanceOf": lambda s, d, now: words(self.balance(s, address(d, 4))),
            "available": lambda s, d, now: words(self.available(s, address(d, 4))),
            "frozen": lambda s, d, now: words(s.get(("frozen", self.address, address(d, 4)), 0)),
            "held": self._held,
            "dailyLimit": self._daily_limit,
            "retailTier": lambda s, d, now: words(0, 0),
            "check": self._check,
            "canTransfer": lambda s, d, now: words(
                self._refusal(s, address(d, 4), address(d, 36), number(d, 68), now)[0] == OK
            ),
            "paused": lambda s, d, now: words(self._paused(s)),
            "registry": lambda s, d, now: words(self._registry),
            "currency": lambda s, d, now: text(self.currency),
            "name": lambda s, d, now: text(f"{self.currency} deposit"),
            "symbol": lambda s, d, now: text(f"j{self.currency}"),
            "decimals": lambda s, d, now: words(2),
            "version": lambda s, d, now: text("1.0.0"),
        }
        self._acts = {_ABI.selector(name): act for name, act in acts.items()}
        self._views = {_ABI.selector(name): view for name, view in views.items()}

    def run(self, draft: Draft, message: Message) -> bytes:
        """What a call does and answers. Raises Revert."""
        selector = message.data[:4]
        try:
            act = self._acts.get(selector)
            if act is not None:
                return act(draft, message)
            view = self._views.get(selector)
            message.gas_used += 5_000
            if view is not None:
                return view(draft, message.data, message.now)
        except BadCalldata:
            pass
        raise Revert(b"")

    # --- what there is ---

    def balance(self, state: Reads, wallet: str) -> int:
        """Minor units."""
        found: int = state.get(("balance", self.address, wallet), 0)
        return found

    def available(self, state: Reads, wallet: str) -> int:
        """What is not frozen of the balance, minor units."""
        frozen: int = state.get(("frozen", self.address, wallet), 0)
        return max(0, self.balance(state, wallet) - frozen)

    def limit(self, state: Reads, participant: int, now: int) -> tuple[int, int]:
        """The participant's daily limit and what it has spent of it today, minor units."""
        limit, day, spent = state.get(("limit", self.address, participant), (0, 0, 0))
        return limit, spent if day == now // DAY else 0

    def reference(self, state: Reads, participant: int, reference: bytes) -> int:
        """UNSPENT, PAID or VOIDED."""
        found: int = state.get(("reference", self.address, participant, reference), UNSPENT)
        return found

    def _paused(self, state: Reads) -> bool:
        found: bool = state.get(("paused", self.address), False)
        return found

    # --- paying ---

    def _pay(self, draft: Draft, message: Message) -> bytes:
        data = message.data
        to, amount, reference = address(data, 4), number(data, 36), word(data, 68)
        remittance = dynamic(data, 100, 4)
        message.gas_used += 66_000
        self._pay_one(draft, message, to, amount, reference, remittance)
        return b""

    def _pay_batch(self, draft: Draft, message: Message) -> bytes:
        data = message.data
        start = 4 + number(data, 4)
        count = number(data, start)
        if count == 0:
            raise custom_error("BatchEmpty")
        if count > LONGEST_BATCH:
            raise custom_error("BatchTooLong", count, LONGEST_BATCH)
        base = start + 32
        message.gas_used += 30_000
        for position in range(count):
            item = base + number(data, base + 32 * position)
            to, amount, reference = address(data, item), number(data, item + 32), word(data, item + 64)
            message.gas_used += 16_000
            self._pay_one(draft, message, to, amount, reference, dynamic(data, item + 96, item))
        return b""

    def _pay_one(
        self, draft: Draft, message: Message, to: str, amount: int, reference: bytes, remittance: bytes
    ) -> None:
        if amount == 0:
            raise custom_error("ZeroAmount")
        sender = message.sender
        payer, payee = self._move(draft, message, to, amount)
        self._spend(draft, payer, reference, PAID)
        digest = keccak(remittance)
        topics = (_PAID_TOPIC, "0x" + word_hex(sender), "0x" + word_hex(to), "0x" + reference.hex())
        message.logs.append(Log(self.address, topics, "0x" + word_hex(amount) + digest.hex()))
        self._say_transfer(message, to, amount)
        message.paid.append(Paid(self.address, payer, sender, payee, to, reference, amount, digest))

    def _transfer(self, draft: Draft, message: Message) -> bytes:
        to, amount = address(message.data, 4), number(message.data, 36)
        message.gas_used += 39_000
        self._move(draft, message, to, amount)
        self._say_transfer(message, to, amount)
        return words(True)

    def _say_transfer(self, message: Message, to: str, amount: int) -> None:
        topics = (_TRANSFER_TOPIC, "0x" + word_hex(message.sender), "0x" + word_hex(to))
        message.logs.append(Log(self.address, topics, "0x" + word_hex(amount)))

    def _move(self, draft: Draft, message: Message, to: str, amount: int) -> tuple[int, int]:
        """Money from the sender; the participants of both sides."""
        payer_wallet, now = message.sender, message.now
        reason, about, has, payer, payee = self._refusal(draft, payer_wallet, to, amount, now)
        if reason != OK:
            raise custom_error("Refused", 0, reason, about, has, amount if reason >= INSUFFICIENT_AVAILABLE else 0)
        if payer != payee and amount:
            limit, spent = self.limit(draft, payer, now)
            draft.set(("limit", self.address, payer), (limit, now // DAY, spent + amount))
        if payer_wallet != to:
            draft.set(("balance", self.address, payer_wallet), self.balance(draft, payer_wallet) - amount)
            draft.set(("balance", self.address, to), self.balance(draft, to) + amount)
        return payer, payee

    def _refusal(
        self, state: Reads, payer_wallet: str, payee_wallet: str, amount: int, now: int
    ) -> tuple[int, str, int, int, int]:
        """Reason, whom it is about, the number behind it, and both participants."""
        if self._paused(state):
            return PAUSED, self.address, 0, 0, 0
        standing, payer = registry.standing_of(state, payer_wallet, now)
        if standing != registry.GOOD:
            return standing + _PAYER_REASONS, payer_wallet, 0, payer, 0
        standing, payee = registry.standing_of(state, payee_wallet, now)
        if standing != registry.GOOD:
            return standing + _PAYEE_REASONS, payee_wallet, 0, payer, payee
        available = self.available(state, payer_wallet)
        if amount > available:
            return INSUFFICIENT_AVAILABLE, payer_wallet, available, payer, payee
        if payer != payee and amount:
            limit, spent = self.limit(state, payer, now)
            remaining = max(0, limit - spent)
            if amount > remaining:
                return DAILY_LIMIT, payer_wallet, remaining, payer, payee
        return OK, registry.ZERO, 0, payer, payee

    def _spend(self, draft: Draft, participant: int, reference: bytes, how: int) -> None:
        if reference == _NO_REFERENCE:
            raise custom_error("ReferenceMissing")
        if self.reference(draft, participant, reference) != UNSPENT:
            raise custom_error("AlreadyPaid", reference)
        draft.set(("reference", self.address, participant, reference), how)

    def _void(self, draft: Draft, message: Message) -> bytes:
        participant, reference = small(message.data, 4, 32), word(message.data, 36)
        message.gas_used += 45_000
        wallet = registry.wallet_of(draft, message.sender)
        own = wallet is not None and wallet.participant == participant and wallet.status == registry.LINKED
        if not own and not draft.get(("issuer", message.sender), False):
            raise custom_error("NotOwnReference", participant, message.sender)
        if draft.get(("participant", participant)) is None:
            raise custom_error("UnknownParticipant", participant)
        self._spend(draft, participant, reference, VOIDED)
        topics = (_VOIDED_TOPIC, "0x" + word_hex(participant), "0x" + reference.hex())
        message.logs.append(Log(self.address, topics, "0x" + word_hex(message.sender)))
        return b""

    # --- asking ---

    def _reference_state(self, state: Reads, data: bytes, now: int) -> bytes:
        return words(self.reference(state, small(data, 4, 32), word(data, 36)))

    def _reference_state_of_wallet(self, state: Reads, data: bytes, now: int) -> bytes:
        wallet = address(data, 4)
        found = registry.wallet_of(state, wallet)
        if found is None:
            raise custom_error("UnknownParticipantOfWallet", wallet)
        return words(self.reference(state, found.participant, word(data, 36)))

    def _held(self, state: Reads, data: bytes, now: int) -> bytes:
        address(data, 4)
        return words(0)  # nothing of what is modelled holds

    def _daily_limit(self, state: Reads, data: bytes, now: int) -> bytes:
        return words(*self.limit(state, small(data, 4, 32), now))

    def _check(self, state: Reads, data: bytes, now: int) -> bytes:
        path, caller, payer = number(data, 4), address(data, 36), address(data, 68)
        if path != 0 or caller != payer:
            raise Revert(b"")  # only plain payments are modelled
        return words(self._refusal(state, payer, address(data, 100), number(data, 132), now)[0])
