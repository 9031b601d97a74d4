"""What can go wrong between us and a chain.

Decisions that govern this module:

* ``TransportFault`` marks the errors after which nobody knows whether the request was carried out. Reads are repeated
  on them, within bounds; nothing else is ever repeated.
* A node's address appears only in its public form (scheme, host, port): user info, path and query may hold a token.
* ``Reverted`` carries raw revert data. The contracts layer turns it into a class per Solidity error.
"""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class ChainError(PyjpmError):
    """Root of everything the chain layer raises."""

    code: ClassVar[str] = "CHAIN_ERROR"


# --- the way to the node -------------------------------------------------------------------------------------------


class TransportFault(ChainError):
    """No usable answer came back; whether the node did what was asked is unknown."""

    code: ClassVar[str] = "TRANSPORT_FAULT"


class NodeUnreachable(TransportFault):
    """Nothing answers at the node's address, or the connection broke. Details: ``url`` (public form)."""

    code: ClassVar[str] = "NODE_UNREACHABLE"
    hint: ClassVar[str] = "Check that the node runs and that its RPC address and port are right, then try again."


class NodeTimeout(TransportFault):
    """The node did not answer in time. Details: ``url``, ``timeout`` (seconds)."""

    code: ClassVar[str] = "NODE_TIMEOUT"
    hint: ClassVar[str] = "The node is overloaded or far away: try again, or give a longer timeout."


class NodeOverloaded(TransportFault):
    """The node or a proxy before it turned the request away (HTTP 429, 502, 503, 504). Details: ``url``, ``status``."""

    code: ClassVar[str] = "NODE_OVERLOADED"
    hint: ClassVar[str] = "Try again later, or lower the rate of requests."


class AnswerGarbled(TransportFault):
    """What came back was cut off on its way, or answers another request than ours. Details: ``url``."""

    code: ClassVar[str] = "ANSWER_GARBLED"
    hint: ClassVar[str] = "Try again; if it stays so, look at what stands between here and the node."


class InvalidNodeUrl(ChainError):
    """The address given for a node is not an http(s) URL with a host."""

    code: ClassVar[str] = "INVALID_NODE_URL"
    hint: ClassVar[str] = "Give an address such as http://127.0.0.1:8545, or a web3 provider."


class HostNotAllowed(ChainError):
    """The node refused the host name we called it by (HTTP 403). Details: ``url``."""

    code: ClassVar[str] = "HOST_NOT_ALLOWED"
    hint: ClassVar[str] = "Add this host name to the node's allowlist (Besu: --host-allowlist), or use a listed one."


class NodeUnauthorized(ChainError):
    """The node wants credentials, or ours lack a permission (HTTP 401, -40100). Details: ``url``."""

    code: ClassVar[str] = "NODE_UNAUTHORIZED"
    hint: ClassVar[str] = "Give an Authorization header with a valid token that permits this method."


class NodeBadAnswer(ChainError):
    """What came back is not a JSON-RPC answer, or not what was asked for.

    Details: ``url``, ``status`` (HTTP, where known), ``what`` was expected (where the form was right).
    """

    code: ClassVar[str] = "NODE_BAD_ANSWER"
    hint: ClassVar[str] = "Check that the address is that of an Ethereum JSON-RPC endpoint."


class NodeError(ChainError):
    """The node answered with a JSON-RPC error. Details: ``method``, ``rpc_code``, ``rpc_message``, ``data``."""

    code: ClassVar[str] = "NODE_ERROR"
    hint: ClassVar[str] = "The node refused this request: see its code and message."

    @property
    def rpc_code(self) -> int | None:
        """The JSON-RPC error code; its meaning depends on the client."""
        value = self.details.get("rpc_code")
        return value if isinstance(value, int) else None

    @property
    def rpc_message(self) -> str:
        """The client's text: for telemetry only."""
        return str(self.details.get("rpc_message") or "")

    @property
    def data(self) -> str | None:
        """Revert data as 0x-hex, where the client gave some."""
        value = self.details.get("data")
        return value if isinstance(value, str) else None


class MethodNotServed(NodeError):
    """The node does not have a method, or it is switched off there (-32601, -32604). Details: as NodeError."""

    code: ClassVar[str] = "METHOD_NOT_SERVED"
    hint: ClassVar[str] = "Switch the method's API on at the node (Besu: --rpc-http-api=ETH,NET,WEB3,TXPOOL)."


# --- which chain, which block --------------------------------------------------------------------------------------


class WrongChain(ChainError):
    """The chain is not the expected one. Details: ``what`` (chain_id or genesis_hash), ``expected``, ``actual``."""

    code: ClassVar[str] = "WRONG_CHAIN"
    hint: ClassVar[str] = "Connect to the chain this deployment or transaction was made for."


class HeadNotServed(ChainError):
    """The node announces a block and does not serve it in time. Details: ``block``, ``waited`` (seconds)."""

    code: ClassVar[str] = "HEAD_NOT_SERVED"
    hint: ClassVar[str] = "The node lags behind its own announcements: try again, or ask another node."


class BlockNotAvailable(ChainError):
    """No such block at this node: in the future, unknown, or its state pruned. Details: ``block``, ``head``."""

    code: ClassVar[str] = "BLOCK_NOT_AVAILABLE"
    hint: ClassVar[str] = "Ask for a block up to the head; for old state ask a node that keeps it (Besu: FOREST)."


class FinalityTagRefused(ChainError):
    """``finalized`` and ``safe`` are not served under QBFT, whose blocks are final at once. Details: ``block``."""

    code: ClassVar[str] = "FINALITY_TAG_REFUSED"
    hint: ClassVar[str] = "Use 'latest': under QBFT every block is final."


class InvalidBlock(ChainError):
    """What was given to name a block is neither a height, a 32-byte hash nor a tag. Details: ``block``."""

    code: ClassVar[str] = "INVALID_BLOCK"
    hint: ClassVar[str] = "Give a height >= 0, a block hash, or one of latest, pending, earliest."


class InvalidBlockRange(ChainError):
    """A range of blocks that ends before it starts. Details: ``from_block``, ``to_block``."""

    code: ClassVar[str] = "INVALID_BLOCK_RANGE"
    hint: ClassVar[str] = "Give from_block <= to_block, both >= 0."


class InvalidAddress(ChainError):
    """Not an account address. Details: ``address``."""

    code: ClassVar[str] = "INVALID_ADDRESS"
    hint: ClassVar[str] = "Give 0x and 40 hex digits, lower case or with a right EIP-55 checksum, not all zero."


class InvalidHash(ChainError):
    """Not a 32-byte hash. Details: ``hash``."""

    code: ClassVar[str] = "INVALID_HASH"
    hint: ClassVar[str] = "Give 32 bytes, or 0x and 64 hex digits."


# --- transactions --------------------------------------------------------------------------------------------------


class MalformedTransaction(ChainError):
    """The bytes are no signed transaction of a type we send (legacy EIP-155, EIP-2930, EIP-1559)."""

    code: ClassVar[str] = "MALFORMED_TRANSACTION"
    hint: ClassVar[str] = "Send the exact bytes that the signer returned."


class UnprotectedTransaction(ChainError):
    """Signed without a chain id (before EIP-155): anybody could replay it on another chain. Details: ``tx_hash``."""

    code: ClassVar[str] = "UNPROTECTED_TRANSACTION"
    hint: ClassVar[str] = "Sign with the chain id of this chain."


class NonZeroFee(ChainError):
    """The transaction offers a fee. On a zero-fee chain it would never be mined and would block its sender for good.

    Details: ``tx_hash``, ``fees`` (wei per gas).
    """

    code: ClassVar[str] = "NON_ZERO_FEE"
    hint: ClassVar[str] = "Sign with a gas price, or maximum and priority fee, of 0."


class GasLimitTooHigh(ChainError):
    """The gas limit is above what a block holds. Details: ``tx_hash``, ``gas``, ``block_gas_limit``."""

    code: ClassVar[str] = "GAS_LIMIT_TOO_HIGH"
    hint: ClassVar[str] = "Lower the gas limit, or split the batch."


class Reverted(ChainError):
    """A contract reverted; ``data`` is what it returned. Meant for the contracts layer, which gives it a name."""

    code: ClassVar[str] = "REVERTED"
    hint: ClassVar[str] = "The contract refused this call: decode its data by the ABI."

    @classmethod
    def from_data(cls, data: bytes) -> Reverted:
        """The revert that returned ``data`` (may be empty)."""
        return cls("The contract reverted.", data="0x" + data.hex())

    @property
    def data(self) -> bytes:
        """Raw revert data: selector and ABI-encoded arguments, or empty."""
        return bytes.fromhex(str(self.details["data"])[2:])


class ExecutionFailed(ChainError):
    """A call ended without revert data: out of gas, invalid opcode. Details: ``rpc_code``, ``rpc_message``."""

    code: ClassVar[str] = "EXECUTION_FAILED"
    hint: ClassVar[str] = "Check the gas limit and that the right contract is at this address."


# --- development chains --------------------------------------------------------------------------------------------


class NotADevelopmentChain(ChainError):
    """Time and mining can be moved on Anvil and eth-tester only. Details: ``client``."""

    code: ClassVar[str] = "NOT_A_DEVELOPMENT_CHAIN"
    hint: ClassVar[str] = "Use Anvil or eth-tester; on a real chain wait for the time to come."


class ClockBackwards(ChainError):
    """A chain's clock cannot be set before its last block. Details: ``timestamp``, ``head`` (seconds since 1970)."""

    code: ClassVar[str] = "CLOCK_BACKWARDS"
    hint: ClassVar[str] = "Give a time at or after that of the last block."


class AnvilNotFound(ChainError):
    """No Anvil binary on this machine. Details: ``looked_in``."""

    code: ClassVar[str] = "ANVIL_NOT_FOUND"
    hint: ClassVar[str] = (
        "Run `make setup` or `npm install @foundry-rs/anvil`, or set PYJPM_ANVIL to the binary's path."
    )


class AnvilFailed(ChainError):
    """Anvil did not start, or is not running. Details: ``output`` (its last words), ``exit_status``."""

    code: ClassVar[str] = "ANVIL_FAILED"
    hint: ClassVar[str] = "See Anvil's output for the cause; start it again."


class LocalTesterNotInstalled(ChainError):
    """eth-tester and py-evm are not installed, or of another version."""

    code: ClassVar[str] = "LOCAL_TESTER_NOT_INSTALLED"
    hint: ClassVar[str] = "Install them with `pip install pyjpm[tester]`."


class LocalTesterForked(ChainError):
    """An in-process chain was used from a forked child, where it would silently be another chain."""

    code: ClassVar[str] = "LOCAL_TESTER_FORKED"
    hint: ClassVar[str] = "Make a LocalTester of its own in each process, or share a LocalAnvil by its URL."
