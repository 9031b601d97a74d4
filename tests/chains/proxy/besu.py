"""What a node with Besu's manners answers, method by method; what it does not know itself, Anvil executes.

Decisions that govern this module:

* Blocks, state and receipts come from Anvil, at the height that the node serves, and are changed only where Besu's
  differ. Refusals are those that Besu was recorded with.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from chains.model.transactions import Transaction
from chains.proxy.manners import BESU_VERSION, RpcError
from chains.proxy.node import Node

ERROR_STRING = "0x08c379a0"
ISTANBUL_MIX = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"
APIS = ("eth_", "net_", "web3_", "txpool_")
SWITCHED_OFF = ("admin_", "debug_", "miner_", "perm_", "plugins_", "qbft_", "trace_")
# Where the block is among the parameters.
AT = {
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_getStorageAt": 2,
}
NOT_THERE: Any = object()


async def answer(node: Node, method: str, params: list[Any]) -> Any:
    """A result. Raises RpcError."""
    act = _METHODS.get(method)
    if act is not None:
        try:
            return await act(node, *params)
        except (TypeError, ValueError, KeyError, AttributeError, IndexError):
            raise RpcError.as_besu("getLogs from>to") from None  # "Invalid params", as recorded
    if method in AT:
        return await _state(node, method, list(params))
    if method.startswith(SWITCHED_OFF):
        raise RpcError.of(-32604, "Method not enabled")
    if not method.startswith(APIS):
        raise RpcError.as_besu("unknown method")
    try:
        return await node.network.upstream.ask(method, *params)
    except RpcError as error:
        raise _as_besu(error) from None


# --- heights ---


async def _height(node: Node, at: Any) -> Any:
    """The height that a parameter names, NOT_THERE beyond what is served. Raises RpcError."""
    if isinstance(at, dict):
        if "blockHash" not in at:
            return await _height(node, at["blockNumber"])
        block = await _by_hash(node, at["blockHash"])
        if block is None:
            raise RpcError.as_besu("getLogs by unknown blockHash")
        return int(block["number"], 16)
    if at in (None, "latest", "pending"):
        return node.served
    if at == "earliest":
        return 0
    if at in ("finalized", "safe"):
        raise RpcError.as_besu(f"block {at}")
    height = int(at, 16)
    return height if height <= node.served else NOT_THERE


async def _by_hash(node: Node, block_hash: str, bodies: bool = False) -> Any:
    block = await node.network.upstream.ask("eth_getBlockByHash", block_hash, bodies)
    return None if block is None or int(block["number"], 16) > node.served else block


# --- blocks ---


async def _block_by_number(node: Node, at: Any, bodies: bool = False) -> Any:
    height = await _height(node, at)
    if height is NOT_THERE:
        return None
    return _block(node, await node.network.upstream.ask("eth_getBlockByNumber", hex(height), bodies))


async def _block_by_hash(node: Node, block_hash: str, bodies: bool = False) -> Any:
    return _block(node, await _by_hash(node, block_hash, bodies))


def _block(node: Node, block: Any) -> Any:
    if block is None:
        return None
    number = int(block["number"], 16)
    # Four validators' addresses and seals, as long as a real one.
    extra = number.to_bytes(4, "big").rjust(node.network.manners.extra_data, b"\xf9")
    return {
        **block,
        "extraData": "0x" + extra.hex(),
        "mixHash": ISTANBUL_MIX,
        "difficulty": "0x1",
        "nonce": "0x" + "0" * 16,
    }


async def _block_receipts(node: Node, at: Any) -> Any:
    height = await _height(node, {"blockHash": at} if isinstance(at, str) and len(at) == 66 else at)
    if height is NOT_THERE:
        return None
    receipts = await node.network.upstream.ask("eth_getBlockReceipts", hex(height))
    return [await _with_reason(node, receipt) for receipt in receipts]


# --- state ---


async def _state(node: Node, method: str, params: list[Any]) -> Any:
    place = AT[method]
    if len(params) < place:
        raise RpcError.as_besu("getLogs from>to")
    at = params[place] if len(params) > place else "latest"
    height = await _height(node, at)
    if height is NOT_THERE:
        return None  # (6)
    if method == "eth_getTransactionCount" and at == "pending":
        sender = str(params[0]).lower()
        return hex(node.pool.next_nonce(sender, await node.network.nonce(sender, height)))
    if method in ("eth_call", "eth_estimateGas") and _is_malformed(params[0].get("to")):
        if method == "eth_call":
            return "0x"  # (10)
        params[0] = {**params[0], "to": "0x" + params[0]["to"][2:].rjust(40, "0")}
    try:
        return await node.network.upstream.ask(method, *params[:place], hex(height))
    except RpcError as error:
        raise _as_besu(error) from None


def _is_malformed(to: Any) -> bool:
    return isinstance(to, str) and len(to) != 42


def _as_besu(error: RpcError) -> RpcError:
    """Anvil's refusal in Besu's words."""
    code, message, data = (error.error.get(key) for key in ("code", "message", "data"))
    if code == 3:
        said = "Execution reverted"
        if str(data).startswith(ERROR_STRING):
            said += f" ({_text(bytes.fromhex(data[10:]))})"
        return RpcError.of(3, said, data)
    text = str(message)
    if code == -32603 and text.startswith("EVM error"):
        return _halted(text.removeprefix("EVM error").strip())
    if code == -32003 and text.lower().startswith("out of gas"):
        return _halted("OOG")
    if code == -32601:
        return RpcError.as_besu("unknown method")
    return RpcError.as_besu("getLogs from>to") if code == -32602 else RpcError.of(-32603, "Internal error")


def _halted(why: str) -> RpcError:
    if "OOG" in why or "OutOfGas" in why:
        return RpcError.as_besu("call out of gas")
    if "InvalidFEOpcode" in why:
        return RpcError.as_besu("call invalid opcode")
    return RpcError.of(-32000, f"Transaction processing could not be completed due to an exception ({why})")


def _text(encoded: bytes) -> str:
    length = int.from_bytes(encoded[32:64], "big")
    return encoded[64 : 64 + length].decode(errors="replace")


# --- transactions ---


async def _send(node: Node, raw: str) -> str:
    try:
        sent = bytes.fromhex(raw.removeprefix("0x"))
    except ValueError:
        raise RpcError.as_besu("garbage") from None
    return await node.take(sent)


async def _receipt(node: Node, tx_hash: str) -> Any:
    receipt = await node.network.upstream.ask("eth_getTransactionReceipt", tx_hash)
    if receipt is None or int(receipt["blockNumber"], 16) > node.served:
        return None
    return await _with_reason(node, receipt)


async def _with_reason(node: Node, receipt: dict[str, Any]) -> dict[str, Any]:
    """With what Besu keeps under ``--revert-reason-enabled``: raw data, null where there was none to keep."""
    if receipt["status"] == "0x1" or not node.network.manners.reveals_reverts:
        return receipt
    trace = await node.network.upstream.ask(
        "debug_traceTransaction", receipt["transactionHash"], {"tracer": "callTracer"}
    )
    output = trace.get("output") if trace.get("error") == "execution reverted" else None
    return {**receipt, "revertReason": output}


async def _transaction(node: Node, tx_hash: str) -> Any:
    waiting = node.pool.get(tx_hash.lower())
    found = await node.network.upstream.ask("eth_getTransactionByHash", tx_hash)
    if found is not None and found.get("blockNumber") and int(found["blockNumber"], 16) <= node.served:
        return found
    return None if waiting is None else pending(waiting)


def pending(transaction: Transaction) -> dict[str, Any]:
    """A waiting transaction as eth_getTransactionByHash shows it."""
    return {
        "blockHash": None,
        "blockNumber": None,
        "transactionIndex": None,
        "chainId": None if transaction.chain_id is None else hex(transaction.chain_id),
        "from": transaction.sender,
        "gas": hex(transaction.gas),
        "gasPrice": hex(transaction.price),
        "hash": transaction.hash,
        "input": "0x" + transaction.data.hex(),
        "nonce": hex(transaction.nonce),
        "to": transaction.to,
        "type": hex(transaction.kind),
        "value": hex(transaction.value),
        "raw": "0x" + transaction.raw.hex(),
        "v": hex(transaction.v),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
    }


async def _logs(node: Node, query: dict[str, Any]) -> Any:
    if "blockHash" in query:
        await _height(node, {"blockHash": query["blockHash"]})
        return await node.network.upstream.ask("eth_getLogs", query)
    first, last = [await _height(node, query.get(name)) for name in ("fromBlock", "toBlock")]
    if NOT_THERE in (first, last) or first > last:
        raise RpcError.as_besu("getLogs beyond head")  # (6)
    ranged = {**query, "fromBlock": hex(first), "toBlock": hex(last)}
    return await node.network.upstream.ask("eth_getLogs", ranged)


async def _pool_hashes(node: Node) -> Any:
    return [
        {"hash": each.hash, "isReceivedFromLocalSource": True, "addedToPoolAt": "2026-11-22T00:00:00Z"}
        for each in node.pool
    ]


async def _pool_transactions(node: Node, limit: Any = None, filters: dict[str, Any] | None = None) -> Any:
    most = len(node.pool) if limit is None else int(limit, 16) if isinstance(limit, str) else int(limit)
    sender = (filters or {}).get("from", {}).get("eq")
    return [pending(each) for each in node.pool if sender is None or each.sender == sender.lower()][:most]


async def _pool_statistics(node: Node) -> Any:
    return {"maxSize": 20_000, "localCount": len(node.pool), "remoteCount": 0}


async def _fee_history(node: Node, count: Any, newest: Any, percentiles: Any = None) -> Any:
    blocks = int(count, 16) if isinstance(count, str) else int(count)
    last = await _height(node, newest)
    heights = range(max(0, last - blocks + 1), last + 1)
    calls = [("eth_getBlockByNumber", [hex(height), False]) for height in heights]
    found = await node.network.upstream.results(calls)
    return {
        "oldestBlock": hex(heights[0]),
        "baseFeePerGas": ["0x0"] * (len(heights) + 1),
        "baseFeePerBlobGas": ["0x0"] * (len(heights) + 1),
        "gasUsedRatio": [int(block["gasUsed"], 16) / int(block["gasLimit"], 16) for block in found],
        "blobGasUsedRatio": [0.0] * len(heights),
        "reward": [[] for _ in heights],
    }


def _constant(value: Callable[[Node], Any]) -> Callable[..., Awaitable[Any]]:
    async def act(node: Node, *_: Any) -> Any:
        return value(node)

    return act


_METHODS: dict[str, Callable[..., Awaitable[Any]]] = {
    "web3_clientVersion": _constant(lambda node: BESU_VERSION),
    "eth_chainId": _constant(lambda node: hex(node.network.chain_id)),
    "net_version": _constant(lambda node: str(node.network.chain_id)),
    "net_listening": _constant(lambda node: True),
    "net_peerCount": _constant(lambda node: hex(sum(each.up for each in node.network.nodes if each is not node))),
    "eth_syncing": _constant(lambda node: False),  # (2) however far behind
    "eth_blockNumber": _constant(lambda node: hex(node.announced)),
    "eth_gasPrice": _constant(lambda node: "0x0"),
    "eth_maxPriorityFeePerGas": _constant(lambda node: "0x0"),
    "eth_feeHistory": _fee_history,
    "eth_getBlockByNumber": _block_by_number,
    "eth_getBlockByHash": _block_by_hash,
    "eth_getBlockReceipts": _block_receipts,
    "eth_sendRawTransaction": _send,
    "eth_getTransactionReceipt": _receipt,
    "eth_getTransactionByHash": _transaction,
    "eth_getLogs": _logs,
    "txpool_besuTransactions": _pool_hashes,
    "txpool_besuPendingTransactions": _pool_transactions,
    "txpool_besuStatistics": _pool_statistics,
}
