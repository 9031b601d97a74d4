"""One wallet's session with one platform: how the nouns read from and write to the contracts.

Decisions:

* Every state-changing call goes through :meth:`Session.submit`, which goes through the sender's journal: the
  idempotency key is stored with the signed bytes before anything is sent.
* A call is simulated first, so that what the rules refuse is a typed error at once and leaves nothing behind.
* Threads may share a session. After a fork the child opens a platform of its own.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import EllipsisType
from typing import Any, Final

from eth_utils.address import is_address, to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.chain.connection import Connection
from pyjpm.chain.values import BlockAt
from pyjpm.contracts import gas
from pyjpm.contracts.codec import Codec, Event, codec
from pyjpm.contracts.decoding import decode_revert
from pyjpm.contracts.eip712 import Domain, TypedMessage, recover
from pyjpm.custody import Signer
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import Reverted
from pyjpm.errors.deployment import CurrencyNotDeployed, InvalidRequest, NotOnboarded, ReadOnlyClient
from pyjpm.errors.documents import MalformedSignature, SignatureNotOf
from pyjpm.money import Money
from pyjpm.record import DeploymentRecord
from pyjpm.sending import Journal, Operation, Sender, Submission
from pyjpm.sending.approvals import ApprovalPolicy
from pyjpm.status import Status, status_of
from pyjpm.witnessing import ContractWitness

DOMAIN_NAMES: Final = {
    "ParticipantRegistry": "pyjpm ParticipantRegistry",
    "OrderEscrow": "pyjpm OrderEscrow",
    "Settlement": "pyjpm Settlement",
    "PaymentRules": "pyjpm PaymentRules",
    "Reserve": "pyjpm Reserve",
}
Moment = int | datetime
"""A point in time: unix seconds, or a datetime with its time zone."""
ZERO_ADDRESS: Final = "0x" + 40 * "0"


class Session:
    """What the nouns share. Made by :class:`pyjpm.Platform`; use it to reach ``record``, ``connection``, ``sender``.

    Args:
        signer: who acts; None for a client that only reads.
        timeout: seconds that ``wait`` waits by default.
        approvals: what waits for whose word; None: nothing does.
    """

    def __init__(
        self,
        record: DeploymentRecord,
        connection: Connection,
        journal: Journal,
        signer: Signer | None,
        timeout: float,
        approvals: ApprovalPolicy | None = None,
    ) -> None:
        self.record = record
        self.connection = connection
        self.journal = journal
        witness = ContractWitness(record)
        self.sender = Sender(
            connection,
            journal,
            decode=decode_revert,
            witness=witness,
            # The witness's own: what one has read of a call the other knows.
            funds=witness.funds,
            needs_approval=approvals,
        )
        self.approvals = approvals
        self.timeout = timeout
        self._signer = signer
        self._participant = 0
        self._nonces = iter(range(0))
        self._nonce_lock = threading.Lock()

    @property
    def signer(self) -> Signer:
        """Who acts.

        Raises:
            ReadOnlyClient: this client only reads.
        """
        if self._signer is None:
            raise ReadOnlyClient("This client has no signer.")
        return self._signer

    @property
    def signer_or_none(self) -> Signer | None:
        """Who acts, if anybody does."""
        return self._signer

    @property
    def wallet(self) -> str:
        """The acting wallet's address; raises ``ReadOnlyClient``."""
        address: str = self.signer.address
        return address

    @property
    def participant(self) -> int:
        """The acting wallet's participant id.

        Raises:
            ReadOnlyClient, NotOnboarded
        """
        if not self._participant:
            found = self.participant_of(self.wallet)
            if not found:
                raise NotOnboarded(f"The wallet {self.wallet} names no participant.", wallet=self.wallet)
            self._participant = found
        return self._participant

    @property
    def owner(self) -> str | None:
        """Whose idempotency keys the acting wallet's are: its participant's, over all its wallets. None for a wallet
        that names no participant."""
        if not self._participant:
            self._participant = self.participant_of(self.wallet)
        return f"participant {self._participant}" if self._participant else None

    def participant_of(self, wallet: str) -> int:
        """The participant id that a wallet names, 0 for none."""
        return int(self.call("ParticipantRegistry", "walletOf", to_checksum_address(wallet))[0])

    def wallet_of(self, who: int | str) -> str:
        """An address as it is; for a participant id its current wallet.

        Raises:
            NotOnboarded: there is no such participant.
            InvalidRequest: neither an id nor an address.
        """
        if isinstance(who, str):
            address = _checksummed(who)
            if address is None:
                raise InvalidRequest(f"{who!r} is neither a participant id nor an address.", who=who)
            return address
        wallet: str = self.call("ParticipantRegistry", "currentWallet", who)
        if wallet == ZERO_ADDRESS:
            raise NotOnboarded(f"There is no participant {who}.", participant=who)
        return wallet

    # --- contracts ---

    def address(self, contract: str) -> str:
        """Address of a contract by name, or of a deposit token by currency."""
        return self.record.address(contract)

    def codec(self, contract: str) -> Codec:
        """The codec of a contract by name, or of a deposit token by currency."""
        deployed = self.record.contracts.get(contract) or self.record.tokens.get(contract)
        if deployed is None:
            raise CurrencyNotDeployed(f"The platform has no {contract}.", name=contract)
        return codec(deployed.artifact)

    def call(
        self, contract: str, function: str, *arguments: Any, block: BlockAt = "latest", sender: str | None = None
    ) -> Any:
        """What a view answers; a revert raises the typed error behind it."""
        return self._ask(self.codec(contract), self.address(contract), function, arguments, block, sender)

    def call_at(self, address: str, artifact: str, function: str, *arguments: Any, block: BlockAt = "latest") -> Any:
        """What a view of a contract outside the record answers, such as an asset's."""
        return self._ask(codec(artifact), address, function, arguments, block, None)

    def calls(self, asked: Sequence[tuple[str, str, tuple[Any, ...]]], *, block: BlockAt = "latest") -> list[Any]:
        """As :meth:`call` for many ``(contract, function, arguments)``, in order, in few requests."""
        answers = self.trials(asked, block=block)
        for answer in answers:
            if isinstance(answer, PyjpmError):
                raise answer
        return answers

    def trials(self, asked: Sequence[tuple[str, str, tuple[Any, ...]]], *, block: BlockAt = "latest") -> list[Any]:
        """As :meth:`calls`, with the contract's typed error in the place of what it refuses."""
        coders = [self.codec(contract) for contract, _, _ in asked]
        requests = [
            (self.address(contract), coder.encode(function, *arguments))
            for coder, (contract, function, arguments) in zip(coders, asked, strict=True)
        ]
        answers = self.connection.trials(requests, block=block)
        return [
            decode_revert(answer.data) if isinstance(answer, Reverted) else coder.decode_output(function, answer)
            for coder, (_, function, _), answer in zip(coders, asked, answers, strict=True)
        ]

    def _ask(
        self,
        encoder: Codec,
        address: str,
        function: str,
        arguments: tuple[Any, ...],
        block: BlockAt,
        sender: str | None,
    ) -> Any:
        data = encoder.encode(function, *arguments)
        try:
            answer = self.connection.call(address, data, block=block, sender=sender)
        except Reverted as error:
            raise decode_revert(error.data) from error
        return encoder.decode_output(function, answer)

    def contract(self, name: str) -> Any:
        """The way down: web3.py's contract object of a contract by name, or of a deposit token by currency."""
        return self.connection.web3.eth.contract(
            address=to_checksum_address(self.address(name)), abi=self.codec(name).abi
        )

    def domain(self, contract: str) -> Domain:
        """The EIP-712 domain of a contract; a deposit token's is named like the token."""
        name = DOMAIN_NAMES.get(contract) or self.call(contract, "name")
        return Domain(name, self.record.chain_id, self.address(contract))

    def sign(self, contract: str, primary_type: str, message: Mapping[str, Any]) -> bytes:
        """This wallet's signature over a structure of a contract, 65 bytes."""
        signature: bytes = self.signer.sign_typed_data(TypedMessage(self.domain(contract), primary_type, message))
        return signature

    def next_nonce(self) -> int:
        """A nonce for a consent that nobody has used. Those of one client share a random word of the token's bitmap,
        256 to a word: cheap, and unique."""
        with self._nonce_lock:
            nonce = next(self._nonces, None)
            if nonce is None:
                word = secrets.randbits(248) << 8
                self._nonces = iter(range(word, word + 256))
                nonce = next(self._nonces)
            return nonce

    def require_signed_by(self, wallet: str, digest: bytes, signature: bytes) -> None:
        """Checks a signature as the contracts do. A contract wallet (ERC-1271) answers for itself on chain, in the
        simulation before anything is sent.

        Raises:
            SignatureNotOf: it is not the wallet's.
            MalformedSignature: it is none.
        """
        try:
            if "0x" + recover(digest, signature).hex() == wallet.lower():
                return
            refusal: PyjpmError = SignatureNotOf(
                f"The signature was not made by {wallet} over this content.", wallet=wallet
            )
        except MalformedSignature as error:
            refusal = error
        # As the contracts do: the key first, which costs no request. Who did not sign by a key may be a contract.
        if wallet == ZERO_ADDRESS or not self.connection.code(wallet):
            raise refusal

    def events(
        self, contract: str, event: str, *indexed: bytes | list[bytes] | None, from_block: int | None = None
    ) -> Iterator[Event]:
        """All events of one kind, oldest first; ``indexed`` narrows by the indexed parameters in order (32 bytes)."""
        decoder = self.codec(contract)
        start = self.record.first_block if from_block is None else from_block
        topics = [decoder.topic(event), *indexed]
        for log in self.connection.logs([self.address(contract)], topics, from_block=start):
            decoded = decoder.decode_log(log)
            if decoded is not None:
                yield decoded

    def now(self) -> int:
        """The chain's time, unix seconds."""
        return self.connection.head().timestamp

    def money(self, minor: int, token_or_currency: str) -> Money:
        """Minor units of a token (address) or currency as money."""
        known = token_or_currency in self.record.tokens
        return Money.from_minor(minor, token_or_currency if known else self.record.currency_of(token_or_currency))

    # --- acting ---

    def submit(
        self,
        *,
        kind: str,
        key: str,
        content: Mapping[str, Any],
        contract: str,
        function: str,
        arguments: tuple[Any, ...],
        reference: str | None = None,
        at: str | None = None,
        sealed: bool = False,
        not_before: Moment | None = None,
        not_after: Moment | None = None,
    ) -> Submission:
        """Sends one call exactly once under an idempotency key.

        Args:
            contract: name in the record, or a currency; with ``at``, the artifact of the contract at that address.
            not_before, not_after: between which it may be signed.

        Raises:
            IdempotencyConflict: the key was used for other content.
            ContractError: the contracts refuse it; nothing was sent.
        """
        operation = self.operation(
            kind=kind,
            key=key,
            content=content,
            contract=contract,
            function=function,
            arguments=arguments,
            reference=reference,
            at=at,
            sealed=sealed,
            not_before=not_before,
            not_after=not_after,
        )
        return self.sender.submit(self.signer, operation)

    def operation(
        self,
        *,
        kind: str,
        key: str,
        content: Mapping[str, Any],
        contract: str,
        function: str,
        arguments: tuple[Any, ...],
        reference: str | None = None,
        at: str | None = None,
        sealed: bool = False,
        not_before: Moment | None = None,
        not_after: Moment | None = None,
        owner: str | EllipsisType | None = ...,
    ) -> Operation:
        """The operation that :meth:`submit` would send; for callers that send many at once.

        Args:
            owner: as :attr:`owner` said just now, for who makes many; it is asked where it is not given.
        """
        encoder = codec(contract) if at else self.codec(contract)
        data = encoder.encode(function, *arguments)
        return Operation(
            key=key,
            kind=kind,
            content=dict(content),
            to=at or self.address(contract),
            data=data,
            gas=gas.ceiling(function.partition("(")[0], arguments, len(data)),
            reference=reference,
            owner=self.owner if owner is ... else owner,
            sealed=sealed,
            not_before=unix_seconds(not_before),
            not_after=unix_seconds(not_after),
        )

    def serve(self) -> None:
        """Look after what the acting wallet has on its way, whoever submitted it; nothing for a client that reads."""
        if self._signer is not None:
            self.sender.serve(self._signer)

    def submissions(
        self,
        kind: str,
        *,
        status: Status | None = None,
        reference: str | None = None,
        created_after: int | None = None,
    ) -> Iterator[Submission]:
        """This wallet's own submissions of a kind, oldest first, paged as they are consumed."""
        for submission in self.journal.list(
            kind_prefix=kind, reference=reference, created_after=created_after, wallet=self.wallet
        ):
            if status is None or status_of(submission) is status:
                yield submission

    def submission(self, submission_id: str) -> Submission:
        """One submission by id; raises ``SubmissionNotFound``."""
        return self.journal.get(submission_id)


def reference_hash(text: str | bytes) -> bytes:
    """A business reference as the contracts' 32 bytes: bytes as they are, text by its keccak256.

    Raises:
        InvalidRequest: empty text, or bytes of another length.
    """
    if isinstance(text, bytes):
        if len(text) != 32:
            raise InvalidRequest(f"A reference has 32 bytes, this one has {len(text)}.")
        return text
    if not text:
        raise InvalidRequest("The reference is empty.")
    return keccak(text=text)


def unix_seconds(moment: Moment | None) -> int | None:
    """A moment in unix seconds. Raises InvalidRequest for a datetime without a time zone."""
    if moment is None or isinstance(moment, int):
        return moment
    if moment.tzinfo is None:
        raise InvalidRequest(f"{moment.isoformat()} has no time zone: which day it is depends on it.")
    return int(moment.timestamp())


@lru_cache(maxsize=4_096)
def _checksummed(text: str) -> str | None:
    # A checksum costs two hashes, and most payments go to the same few.
    return to_checksum_address(text) if is_address(text) else None
