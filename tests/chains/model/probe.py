"""A contract that goes wrong in every way, for asking the model what real nodes were asked."""

from __future__ import annotations

from collections.abc import Callable

from eth_utils.crypto import keccak

from chains.model.abi import Halt, Revert, word, words
from chains.model.state import Draft
from chains.model.token import Log, Message

_PANIC = bytes.fromhex("4e487b71")
_ERROR_STRING = bytes.fromhex("08c379a0")
_PING = "0x" + keccak(text="Ping(address,uint256,bytes)").hex()


def _selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


class Probe:
    """The contract at one address."""

    def __init__(self, at: str) -> None:
        self.address = at
        acts: dict[str, Callable[[Draft, Message], bytes]] = {
            "bump()": self._bump,
            "count()": lambda draft, message: words(self._count(draft)),
            "text()": self._text,
            "custom()": self._custom,
            "bare()": self._bare,
            "panic(uint256)": self._panic,
            "assertion()": self._assertion,
            "invalid()": self._invalid,
            "burn()": self._burn,
            "modern(uint256)": lambda draft, message: word(message.data, 4),
        }
        self._acts = {_selector(signature): act for signature, act in acts.items()}

    def run(self, draft: Draft, message: Message) -> bytes:
        """What a call does and answers. Raises Revert, Halt."""
        message.gas_used += 300
        act = self._acts.get(message.data[:4], self._bare)
        return act(draft, message)

    def _count(self, draft: Draft) -> int:
        found: int = draft.get(("count", self.address), 0)
        return found

    def _bump(self, draft: Draft, message: Message) -> bytes:
        count = self._count(draft) + 1
        draft.set(("count", self.address), count)
        message.gas_used += 23_000
        topics = (_PING, "0x" + words(message.sender).hex(), "0x" + words(count).hex())
        message.logs.append(Log(self.address, topics, "0x" + (words(32, 2) + b"hi".ljust(32, b"\0")).hex()))
        return b""

    def _text(self, draft: Draft, message: Message) -> bytes:
        raise Revert(_ERROR_STRING + words(32, 16) + b"not allowed here".ljust(32, b"\0"))

    def _custom(self, draft: Draft, message: Message) -> bytes:
        raise Revert(_selector("NotAllowed(address,uint256)") + words(message.sender, 7))

    def _bare(self, draft: Draft, message: Message) -> bytes:
        raise Revert(b"")

    def _panic(self, draft: Draft, message: Message) -> bytes:
        divisor = int.from_bytes(word(message.data, 4), "big")
        if divisor == 0:
            raise Revert(_PANIC + words(0x12))
        return words(1 // divisor)

    def _assertion(self, draft: Draft, message: Message) -> bytes:
        raise Revert(_PANIC + words(1))

    def _invalid(self, draft: Draft, message: Message) -> bytes:
        raise Halt("invalid opcode")

    def _burn(self, draft: Draft, message: Message) -> bytes:
        raise Halt("out of gas")
