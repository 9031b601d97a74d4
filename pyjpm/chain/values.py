"""What goes into requests and what comes out of answers: addresses, hashes, blocks, logs, receipts.

Decisions that govern this module:

* Everything that names an account, a block or a transaction is checked before it is sent: Besu answers ``0x`` for a
  malformed ``to`` where Anvil refuses it.
* ``finalized`` and ``safe`` are refused here, before nodes answer them differently (Besu: -39001, Anvil: a block).
* Answers are read from hex strings (nodes) and from integers (eth-tester through web3) alike.
* Addresses are EIP-55 checksummed strings, hashes 0x-lower-case strings, ABI data ``bytes``.
* JSON-RPC by its form may be nonsense by its content: what cannot be read as what was asked for is NodeBadAnswer,
  never a KeyError or TypeError of ours.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from eth_typing import ChecksumAddress
from eth_utils.address import is_checksum_address, is_hex_address, to_checksum_address

from pyjpm.errors.chain import FinalityTagRefused, InvalidAddress, InvalidBlock, InvalidHash, NodeBadAnswer

BlockAt = int | str | bytes
"""A height, a 32-byte hash (bytes or 0x-hex), or ``latest``, ``pending``, ``earliest``."""

HashLike = str | bytes


class Head(NamedTuple):
    """The newest block a node both announces and serves. ``timestamp`` in seconds since 1970 (UTC)."""

    number: int
    hash: str
    timestamp: int


class Log(NamedTuple):
    """One event as a contract emitted it."""

    address: ChecksumAddress
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: str
    transaction_hash: str
    transaction_index: int
    log_index: int


@dataclass(frozen=True, slots=True)
class Block:
    """A block's header and the hashes of its transactions. ``base_fee`` in wei, ``timestamp`` in seconds since 1970."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int
    gas_limit: int
    gas_used: int
    base_fee: int
    transactions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction as the chain shows it.

    ``to`` is None for a contract creation, ``block_number`` None while pending; ``value`` in wei.
    """

    hash: str
    sender: ChecksumAddress
    nonce: int
    to: ChecksumAddress | None
    value: int
    data: bytes
    gas: int
    block_number: int | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mined transaction.

    ``revert_reason`` is raw revert data where the node keeps it (Besu with ``--revert-reason-enabled``), else None.
    """

    transaction_hash: str
    succeeded: bool
    block_number: int
    block_hash: str
    transaction_index: int
    sender: ChecksumAddress
    to: ChecksumAddress | None
    contract_address: ChecksumAddress | None
    gas_used: int
    logs: tuple[Log, ...]
    revert_reason: bytes | None


# --- into requests -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def check_address(address: str | bytes) -> ChecksumAddress:
    """``address`` (20 bytes; or 0x-hex, lower case or rightly checksummed) as a checksummed string.

    Raises InvalidAddress, for the zero address too: no call and no party of ours is ever there.
    """
    if isinstance(address, bytes):
        usable = len(address) == 20
    else:
        usable = is_hex_address(address) and address.startswith("0x")
        usable = usable and (address == address.lower() or is_checksum_address(address))
    if not usable:
        shown = address if isinstance(address, str) else "0x" + address.hex()
        raise InvalidAddress(f"{shown!r} is not an account address.", address=shown)
    checksummed = to_checksum_address(address)
    if int(checksummed, 16) == 0:
        raise InvalidAddress("The zero address is nobody's.", address=checksummed)
    return checksummed


def check_hash(value: HashLike) -> str:
    """A 32-byte hash as 0x-lower-case hex. Raises InvalidHash."""
    text = "0x" + value.hex() if isinstance(value, bytes) else value.lower()
    if not _is_hash(text):
        raise InvalidHash(f"{text!r} is not a 32-byte hash.", hash=text)
    return text


def check_block(at: BlockAt) -> int | str:
    """A height, a 0x-hash, or a tag. Raises FinalityTagRefused, InvalidBlock."""
    if isinstance(at, bool):
        raise InvalidBlock(f"{at!r} names no block.", block=at)
    if isinstance(at, int):
        if at < 0:
            raise InvalidBlock(f"There is no block {at}.", block=at)
        return at
    if isinstance(at, bytes):
        at = "0x" + at.hex()
    if at in ("finalized", "safe"):
        raise FinalityTagRefused(f"A block is not asked for as {at!r}.", block=at)
    if at in ("latest", "pending", "earliest"):
        return at
    if not _is_hash(at.lower()):
        raise InvalidBlock(f"{at!r} names no block.", block=at)
    return at.lower()


def block_param(at: int | str) -> str | dict[str, str]:
    """A checked block as JSON-RPC takes it for state reads (hashes as EIP-1898 objects)."""
    if isinstance(at, int):
        return hex(at)
    return {"blockHash": at} if at.startswith("0x") else at


def _is_hash(text: str) -> bool:
    if len(text) != 66 or not text.startswith("0x"):
        return False
    try:
        int(text, 16)
    except ValueError:
        return False
    return True


# --- out of answers ------------------------------------------------------------------------------------------------

_UNREADABLE: Final = (LookupError, TypeError, ValueError, AttributeError)


def to_int(value: Any) -> int:
    """A JSON-RPC quantity. Raises NodeBadAnswer, as all of these do."""
    if isinstance(value, str):
        try:
            return int(value, 16)
        except ValueError:
            raise _unreadable("a quantity", value) from None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _unreadable("a quantity", value)


def to_bytes(value: Any) -> bytes:
    """JSON-RPC data."""
    if isinstance(value, str):
        if value.startswith("0x"):
            try:
                return bytes.fromhex(value[2:])
            except ValueError:
                pass
    elif isinstance(value, (bytes, bytearray)):
        return bytes(value)
    raise _unreadable("data", value)


def to_hex(value: Any) -> str:
    """A JSON-RPC hash."""
    if isinstance(value, str):
        if value.startswith("0x"):
            return value
    elif isinstance(value, (bytes, bytearray)):
        return "0x" + value.hex()
    raise _unreadable("a hash", value)


@lru_cache(maxsize=65_536)
def _checksummed(address: str) -> ChecksumAddress:
    # A ledger reads the same few thousand addresses over and over; each checksum costs a Keccak.
    return to_checksum_address(address)


def to_address(value: Any) -> ChecksumAddress:
    """An address in an answer."""
    try:
        return _checksummed(to_hex(value))
    except ValueError:
        raise _unreadable("an address", value) from None


def to_optional_address(value: Any) -> ChecksumAddress | None:
    """An address in an answer, None where there is none."""
    return to_address(value) if value else None


def to_block(answer: Mapping[str, Any]) -> Block:
    """eth_getBlockBy…, without transaction bodies."""
    try:
        return Block(
            number=to_int(answer["number"]),
            hash=to_hex(answer["hash"]),
            parent_hash=to_hex(answer["parentHash"]),
            timestamp=to_int(answer["timestamp"]),
            gas_limit=to_int(answer["gasLimit"]),
            gas_used=to_int(answer["gasUsed"]),
            base_fee=to_int(answer.get("baseFeePerGas") or 0),
            transactions=tuple(to_hex(transaction) for transaction in answer["transactions"]),
        )
    except _UNREADABLE:
        raise _unreadable("a block", answer) from None


def to_head(answer: Mapping[str, Any]) -> Head:
    """What of eth_getBlockBy… says which block it is."""
    try:
        return Head(to_int(answer["number"]), to_hex(answer["hash"]), to_int(answer["timestamp"]))
    except _UNREADABLE:
        raise _unreadable("a block", answer) from None


def to_bodies(answer: Mapping[str, Any]) -> tuple[Transaction, ...]:
    """The transactions of eth_getBlockBy… with bodies."""
    try:
        return tuple(to_transaction(body) for body in answer["transactions"])
    except _UNREADABLE:
        raise _unreadable("a block with its transactions", answer) from None


def to_transaction(answer: Mapping[str, Any]) -> Transaction:
    """eth_getTransactionByHash, or a body inside a block."""
    try:
        number = answer.get("blockNumber")
        return Transaction(
            hash=to_hex(answer["hash"]),
            sender=to_address(answer["from"]),
            nonce=to_int(answer["nonce"]),
            to=to_optional_address(answer.get("to")),
            value=to_int(answer["value"]),
            data=to_bytes(answer["input"] if "input" in answer else answer["data"]),
            gas=to_int(answer["gas"]),
            block_number=None if number is None else to_int(number),
        )
    except _UNREADABLE:
        raise _unreadable("a transaction", answer) from None


def to_logs(answer: Any, only: Container[str] | None = None) -> list[Log]:
    """eth_getLogs; ``only`` the events of transactions with these hashes."""
    if not isinstance(answer, (list, tuple)):
        raise _unreadable("a list of logs", answer)
    if only is None:
        return [to_log(log) for log in answer]
    try:
        return [to_log(log) for log in answer if to_hex(log["transactionHash"]) in only]
    except _UNREADABLE:
        raise _unreadable("a list of logs", answer) from None


def to_log(answer: Mapping[str, Any]) -> Log:
    """One element of eth_getLogs or of a receipt."""
    try:
        return Log(
            to_address(answer["address"]),
            tuple([to_bytes(topic) for topic in answer["topics"]]),
            to_bytes(answer["data"]),
            to_int(answer["blockNumber"]),
            to_hex(answer["blockHash"]),
            to_hex(answer["transactionHash"]),
            to_int(answer["transactionIndex"]),
            to_int(answer["logIndex"]),
        )
    except _UNREADABLE:
        raise _unreadable("a log", answer) from None


def to_receipt(answer: Mapping[str, Any]) -> Receipt:
    """eth_getTransactionReceipt."""
    try:
        reason = answer.get("revertReason")
        return Receipt(
            transaction_hash=to_hex(answer["transactionHash"]),
            succeeded=to_int(answer["status"]) == 1,
            block_number=to_int(answer["blockNumber"]),
            block_hash=to_hex(answer["blockHash"]),
            transaction_index=to_int(answer["transactionIndex"]),
            sender=to_address(answer["from"]),
            to=to_optional_address(answer.get("to")),
            contract_address=to_optional_address(answer.get("contractAddress")),
            gas_used=to_int(answer["gasUsed"]),
            logs=tuple([to_log(log) for log in answer["logs"]]),
            revert_reason=None if reason is None else to_bytes(reason),
        )
    except _UNREADABLE:
        raise _unreadable("a receipt", answer) from None


def _unreadable(what: str, answer: Any) -> NodeBadAnswer:
    # What came is not shown: it may be of any size, and whoever answers chose it.
    return NodeBadAnswer(f"The node answered something that is not {what} ({type(answer).__name__}).", what=what)
