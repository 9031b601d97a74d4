"""The deployment record: which contracts make up one platform, on which chain, with which code.

A record is a JSON file that the bank hands to its participants. Whoever connects checks it against the chain before the
first call: chain id and genesis hash, the code behind every address (behind a proxy, that of the implementation too),
and the contracts' versions. A record that does not match is refused; nothing is sent to a chain it does not know.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.chain.connection import Connection
from pyjpm.contracts.codec import codec
from pyjpm.errors.deployment import (
    CodeDiffers,
    CurrencyNotDeployed,
    MalformedRecord,
    RecordExists,
    RecordNotFound,
    RecordOfOtherChain,
    VersionUnsupported,
)

FORMAT: Final = 1

# Contract versions that this release speaks: from (inclusive) to (exclusive).
SUPPORTED_VERSIONS: Final = ((1, 0, 0), (2, 0, 0))

# ERC-1967: keccak256("eip1967.proxy.implementation") - 1
_IMPLEMENTATION_SLOT: Final = 0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A920A3CA505D382BBC


@dataclass(frozen=True, slots=True)
class Deployed:
    """One contract: its address, the artifact whose ABI it has, and what its code hashes to.

    ``implementation`` is the address behind a proxy, empty where there is none. Hashes are keccak256 of the runtime
    code, ``0x…``.
    """

    artifact: str
    address: str
    code_hash: str
    implementation: str = ""
    implementation_code_hash: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentRecord:
    """One platform.

    Attributes:
        chain_id, genesis_hash: of its chain.
        block: height by which all of it was deployed; nothing of the platform happened before ``first_block``.
        contracts: by name: ``Governance``, ``ParticipantRegistry``, ``AttesterSets``, ``OrderEscrow``, ``Settlement``,
            ``PaymentRules``, ``Reserve``.
        tokens: deposit tokens by ISO 4217 currency.
        libraries: external libraries by name.
        pyjpm: version of the release that deployed it.
    """

    chain_id: int
    genesis_hash: str
    first_block: int
    block: int
    pyjpm: str
    contracts: Mapping[str, Deployed]
    tokens: Mapping[str, Deployed]
    libraries: Mapping[str, Deployed] = field(default_factory=dict)

    def address(self, name: str) -> str:
        """Address of a contract by name, or of a deposit token by currency.

        Raises:
            CurrencyNotDeployed: there is none.
        """
        found = self.contracts.get(name) or self.tokens.get(name)
        if found is None:
            raise CurrencyNotDeployed(f"The platform has no {name}.", name=name, currencies=sorted(self.tokens))
        return found.address

    def currency_of(self, token: str) -> str:
        """The ISO 4217 currency of a deposit token's address.

        Raises:
            CurrencyNotDeployed: no token of the platform stands there.
        """
        for currency, deployed in self.tokens.items():
            if deployed.address.lower() == token.lower():
                return currency
        raise CurrencyNotDeployed(f"{token} is no deposit token of the platform.", token=token)

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON-able data."""
        return {"format": FORMAT, **asdict(self)}

    def save(self, path: Path) -> None:
        """Writes the record to a new file, durably.

        Raises:
            RecordExists: there is a file already.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(json.dumps(self.to_dict(), indent=1, sort_keys=True) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError as error:
            raise RecordExists(f"There is a deployment record at {path} already.", path=str(path)) from error

    @classmethod
    def load(cls, path: Path) -> DeploymentRecord:
        """Reads a record.

        Raises:
            RecordNotFound, MalformedRecord
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise RecordNotFound(f"There is no deployment record at {path}.", path=str(path)) from error
        except ValueError as error:
            raise MalformedRecord(f"{path} is not JSON.", path=str(path)) from error
        try:
            if data.pop("format") != FORMAT:
                raise MalformedRecord(f"{path} has a format that this release does not read.", path=str(path))
            groups = {
                group: {name: Deployed(**part) for name, part in data.pop(group).items()}
                for group in ("contracts", "tokens", "libraries")
            }
            fields: dict[str, Any] = {**data, **groups}
            return cls(**fields)
        except (AttributeError, KeyError, TypeError) as error:
            raise MalformedRecord(f"{path} is no deployment record: {error!r}.", path=str(path)) from error

    def verify(self, connection: Connection) -> None:
        """Compares the record with the chain.

        Raises:
            RecordOfOtherChain: chain id or genesis hash differ.
            CodeDiffers: another code, or none, at an address.
            VersionUnsupported: a contract's version is outside :data:`SUPPORTED_VERSIONS`.
        """
        if (connection.chain_id, connection.genesis_hash) != (self.chain_id, self.genesis_hash):
            raise RecordOfOtherChain(
                f"The record is of chain {self.chain_id}, the node serves chain {connection.chain_id}"
                f"{'' if connection.chain_id != self.chain_id else ' with another genesis block'}.",
                expected_chain_id=self.chain_id,
                chain_id=connection.chain_id,
                expected_genesis=self.genesis_hash,
                genesis=connection.genesis_hash,
            )
        for name, deployed in {**self.contracts, **self.tokens, **self.libraries}.items():
            found = examine(connection, deployed.artifact, deployed.address, bool(deployed.implementation))
            if found != deployed:
                raise CodeDiffers(
                    f"The code of {name} at {deployed.address} is not the one that was deployed.",
                    name=name,
                    recorded=asdict(deployed),
                    found=asdict(found),
                )
            _require_supported(name, deployed.version)


def examine(connection: Connection, artifact: str, address: str, proxied: bool) -> Deployed:
    """What stands at an address now: code hashes, implementation and version."""
    code_hash = _code_hash(connection, address)
    implementation = implementation_hash = ""
    if proxied:
        slot = connection.storage(address, _IMPLEMENTATION_SLOT)
        implementation = to_checksum_address(slot[-20:])
        implementation_hash = _code_hash(connection, implementation)
    version = ""
    if code_hash and any(entry.get("name") == "version" for entry in codec(artifact).abi):
        version = codec(artifact).decode_output("version", connection.call(address, codec(artifact).encode("version")))
    return Deployed(artifact, address, code_hash, implementation, implementation_hash, version)


def _code_hash(connection: Connection, address: str) -> str:
    code = connection.code(address)
    return "0x" + keccak(code).hex() if code else ""


def _require_supported(name: str, version: str) -> None:
    if not version:
        return
    lowest, beyond = SUPPORTED_VERSIONS
    numbers = tuple(int(part) if part.isdigit() else -1 for part in version.split("."))
    if not lowest <= numbers < beyond:
        raise VersionUnsupported(
            f"{name} has version {version}, this release speaks {'.'.join(map(str, lowest))} up to below "
            f"{'.'.join(map(str, beyond))}.",
            name=name,
            version=version,
        )
