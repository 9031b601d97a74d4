"""A call, understood: which contract of the platform it goes to, which function, with which arguments.

Decisions that govern this module:

* Only calldata that is exactly what our encoder gives is understood; anything else is nobody's known operation.
* A call inside a call (cleared, carried out by the access manager) is the operation; what is around it is not.
* Assets stand outside a platform's record: what goes elsewhere is understood as one of theirs by its selector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Any, Final

from eth_utils.abi import function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address

from pyjpm.chain.values import to_address
from pyjpm.contracts.codec import codec, signature_of
from pyjpm.record import DeploymentRecord
from pyjpm.sending.witness import Call

REGISTRY: Final = "ParticipantRegistry"
TOKEN: Final = "DepositToken"  # noqa: S105 - a contract
GOVERNANCE: Final = "Governance"
_PAY: Final = function_signature_to_4byte_selector("pay(address,uint256,bytes32,bytes)")
_KEPT: Final = 1 << 14  # operations: those on their way
_SMALL: Final = 2_048  # bytes of calldata
ASSETS: Final = ("UnitToken", "TitleDocument")

Faces = Mapping[tuple[str, str, int], tuple[str, ...]]
"""Names of the parameters by artifact, function and their number."""


@dataclass(frozen=True)
class Subject:
    """One understood call.

    Attributes:
        book: of the platform.
        caller: whom the contract sees as sender.
        address: of the contract, checksummed.
        artifact: its ABI.
        function: its name.
        arguments: by parameter name.
        parts: the calls that it is made of; None where it is a single one.
    """

    book: Book
    caller: str
    address: str
    artifact: str
    function: str
    arguments: Mapping[str, Any]
    parts: tuple[Subject | None, ...] | None = field(default=None, repr=False)

    def __getitem__(self, argument: str) -> Any:
        return self.arguments[argument]

    @property
    def key(self) -> tuple[str, str, int]:
        """Under which the table has it."""
        return self.artifact, self.function, len(self.arguments)


class Book:
    """The contracts of a platform by address, and what calls to them say. Safe among threads."""

    def __init__(self, record: DeploymentRecord, faces: Faces) -> None:
        self.record = record
        # One operation is read by every step of its way; batches are too large to keep.
        self._kept = lru_cache(maxsize=_KEPT)(self._read)
        self._faces = faces
        self._artifacts: dict[str, str] = {
            to_checksum_address(deployed.address): deployed.artifact
            for deployed in (*record.contracts.values(), *record.tokens.values())
        }

    @cached_property
    def tokens(self) -> dict[str, str]:
        """Currency by address of its deposit token."""
        return {to_checksum_address(each.address): currency for currency, each in self.record.tokens.items()}

    @cached_property
    def registry(self) -> str:
        """The participant registry's address."""
        return self.record.address(REGISTRY)

    def read(self, call: Call) -> Subject | None:
        """What a call says; None where it is not understood."""
        if call.to is None:
            return None
        read = self._kept if len(call.data) <= _SMALL else self._read
        return read(to_address(call.wallet), to_address(call.to), call.data)

    def _read(self, caller: str, address: str, data: bytes) -> Subject | None:
        known = self._artifacts.get(address)
        for artifact in ASSETS if known is None else (known,):
            if data[:4] not in _changing(artifact):
                continue
            decoded = _payment(data) if artifact == TOKEN and data[:4] == _PAY else codec(artifact).decode_input(data)
            if decoded is None:
                continue
            function, values = decoded
            names = self._faces.get((artifact, function, len(values)))
            if names is not None:
                arguments = dict(zip(names, values, strict=True))
                return self._opened(Subject(self, caller, address, artifact, function, arguments))
        return None

    def _opened(self, subject: Subject) -> Subject | None:
        """The operation inside, where there is one."""
        match subject.artifact, subject.function:
            case "DepositToken", "cleared":
                return self._read(subject.caller, subject.address, subject["call"])
            case "Governance", "execute":
                return self._read(subject.address, to_address(subject["target"]), subject["data"])
            case "Governance", "multicall":
                parts = tuple(self._read(subject.caller, subject.address, data) for data in subject["data"])
                return Subject(self, subject.caller, subject.address, GOVERNANCE, "multicall", subject.arguments, parts)
        return subject


def _payment(data: bytes) -> tuple[str, tuple[Any, ...]] | None:
    """A ``pay`` as the codec reads it, in a fraction of the time: most calls are payments."""
    size = int.from_bytes(data[132:164], "big")
    padded = -size % 32
    is_ours = (
        len(data) == 164 + size + padded
        and data[4:16] == bytes(12)
        and int.from_bytes(data[100:132], "big") == 128
        and not any(data[164 + size :])
    )
    if not is_ours:
        return None
    to, amount = to_address(data[16:36]), int.from_bytes(data[36:68], "big")
    return "pay", (to, amount, data[68:100], data[164 : 164 + size])


@cache
def _changing(artifact: str) -> frozenset[bytes]:
    """Selectors of what changes state."""
    coder = codec(artifact)
    entries = (entry for entry in coder.abi if entry["type"] == "function")
    return frozenset(
        coder.selector(signature_of(entry)) for entry in entries if entry["stateMutability"] not in ("view", "pure")
    )
