"""The JSON-RPC methods of a node."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from chains.model.abi import Halt, Revert
from chains.model.blocks import Block, transaction_answer
from chains.model.chain import ether_of, nonce_of
from chains.model.manners import RpcError
from chains.model.node import Node
from chains.model.registry import ZERO

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_NOT_YET: Any = object()
_REVERT = 3
_ERROR_STRING = "0x08c379a0"
_PANIC = "0x4e487b71"
_PANICS = {0x01: "assertion failed", 0x12: "division or modulo by zero"}


def answer(node: Node, method: str, params: list[Any]) -> dict[str, Any]:
    """``{"result": …}`` or ``{"error": …}``."""
    node.look()
    act = _METHODS.get(method)
    try:
        if act is None or (method.startswith("txpool_") and method not in node.manners.methods):
            raise node.manners.refuse("unknown method")
        return {"result": act(node, *params)}
    except RpcError as refusal:
        return {"error": refusal.error}


def _quantity(node: Node, text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        raise node.manners.refuse("invalid params") from None


# --- blocks ---


def _resolve(node: Node, at: Any) -> Any:
    """The block that a parameter names; None beyond the head, ``_NOT_YET`` announced and not served."""
    if isinstance(at, dict):
        if "blockHash" in at:
            block = node.network.chain.block_by_hash(at["blockHash"].lower())
            if block is None or not node.serves(block):
                raise node.manners.refuse("unknown block")
            return block
        at = at["blockNumber"]
    if at in ("latest", "pending"):
        return node.head
    if at == "earliest":
        return node.block_at(0)
    if at in ("finalized", "safe"):
        if not node.manners.finality_tags:
            raise node.manners.refuse("no such tag")
        return node.head
    height = _quantity(node, at)
    if height > node.head.number:
        return _NOT_YET if height <= node.announced else None
    return node.block_at(height)


def _block_by_number(node: Node, at: str, bodies: bool = False) -> Any:
    # The newest block is the announced one: served or not yet (4).
    block = _resolve(node, hex(node.announced) if at == "latest" else at)
    if block is None or block is _NOT_YET:
        return None
    return block.answer_with_bodies if bodies else block.answer


def _block_by_hash(node: Node, block_hash: str, bodies: bool = False) -> Any:
    block = node.network.chain.block_by_hash(block_hash.lower())
    if block is None or not node.serves(block):
        return None
    return block.answer_with_bodies if bodies else block.answer


def _block_receipts(node: Node, at: Any) -> Any:
    block = _resolve(node, {"blockHash": at} if isinstance(at, str) and len(at) == 66 else at)
    if block is None or block is _NOT_YET:
        return None
    return [each.receipt for each in block.mined]


# --- state ---


def _at_state(node: Node, at: Any, read: Callable[[Block], Any]) -> Any:
    """What ``read`` says of the block that ``at`` names."""
    block = _resolve(node, at)
    manners = node.manners
    if block is _NOT_YET:
        return None
    if block is None:
        if manners.null_beyond_head:
            return None
        raise manners.refuse("future block", head=node.head.number, height=int(at, 16))
    if manners.keeps_state is not None and node.head.number - block.number >= manners.keeps_state:
        raise manners.refuse("pruned", head=node.head.number, height=block.number)
    return read(block)


def _account(node: Node, text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise node.manners.refuse(
            "malformed address" if node.manners.refuses("malformed address") else "invalid params"
        )
    return text.lower()


def _count(node: Node, account: str, at: Any = "latest") -> Any:
    who = _account(node, account)

    def read(block: Block) -> str:
        confirmed = nonce_of(block.state, who)
        return hex(node.pool.next_nonce(who, confirmed) if at == "pending" else confirmed)

    return _at_state(node, at, read)


def _balance(node: Node, account: str, at: Any = "latest") -> Any:
    who = _account(node, account)
    return _at_state(node, at, lambda block: hex(ether_of(block.state, who)))


def _code(node: Node, account: str, at: Any = "latest") -> Any:
    chain = node.network.chain
    code = "0x" + chain.code.hex() if _account(node, account) in chain.contracts else "0x"
    return _at_state(node, at, lambda block: code)


def _called(node: Node, request: dict[str, Any]) -> tuple[str, str | None, bytes]:
    to = request.get("to")
    if to is not None:
        if _ADDRESS.fullmatch(to):
            to = to.lower()
        elif node.manners.lenient_addresses:
            to = ZERO  # some address that nobody has code at
        else:
            raise node.manners.refuse("malformed address")
    data = request.get("data") or request.get("input") or "0x"
    return request.get("from", ZERO).lower(), to, bytes.fromhex(data[2:])


def _call(node: Node, request: dict[str, Any], at: Any = "latest") -> Any:
    sender, to, data = _called(node, request)
    gas = int(request.get("gas", "0x5f5e100"), 16)
    chain = node.network.chain

    def read(block: Block) -> str:
        try:
            return "0x" + chain.call(block.state, sender=sender, to=to, data=data, now=block.timestamp, gas=gas).hex()
        except Revert as refusal:
            raise reverted(node, refusal.data) from None
        except Halt as end:
            raise node.manners.refuse(end.why) from None

    return _at_state(node, at, read)


def _estimate(node: Node, request: dict[str, Any], at: Any = "latest") -> Any:
    sender, to, data = _called(node, request)
    block = node.head
    try:
        return hex(node.network.chain.gas_of(block.state, sender=sender, to=to, data=data, now=block.timestamp))
    except Revert as refusal:
        raise reverted(node, refusal.data) from None
    except Halt:
        raise node.manners.refuse("estimate out of gas") from None


def reverted(node: Node, data: bytes) -> RpcError:
    """A revert as this client tells it."""
    shown = "0x" + data.hex()
    client = node.manners.client
    if shown.startswith(_ERROR_STRING):
        length = int.from_bytes(data[36:68], "big")
        said = data[68 : 68 + length].decode(errors="replace")
        text = f"Execution reverted ({said})" if client == "besu" else f"execution reverted: {said}"
    elif client == "anvil" and shown.startswith(_PANIC):
        number = int.from_bytes(data[4:], "big")
        text = f"execution reverted: panic: {_PANICS.get(number, 'unknown')} ({number:#04x})"
    elif client == "anvil" and len(data) >= 4:
        text = f"execution reverted: custom error {shown[:10]}" + (f": {shown[10:]}" if len(data) > 4 else "")
    else:
        text = "Execution reverted" if client == "besu" else "execution reverted"
    return RpcError(_REVERT, text, shown)


# --- transactions ---


def _send(node: Node, raw: str) -> str:
    if not raw.startswith("0x"):
        raise node.manners.refuse("malformed")
    try:
        sent = bytes.fromhex(raw[2:])
    except ValueError:
        raise node.manners.refuse("malformed") from None
    return node.take(sent)


def _receipt(node: Node, tx_hash: str) -> Any:
    found = node.mined(tx_hash.lower())
    return None if found is None else found.receipt


def _transaction(node: Node, tx_hash: str) -> Any:
    found = node.mined(tx_hash.lower())
    if found is not None:
        return found.body
    waiting = node.pool.get(tx_hash.lower())
    return None if waiting is None else transaction_answer(waiting)


def _logs(node: Node, query: dict[str, Any]) -> list[Any]:
    if "blockHash" in query:
        block = node.network.chain.block_by_hash(query["blockHash"].lower())
        if block is None or not node.serves(block):
            raise node.manners.refuse("logs of unknown block")
        blocks = [block]
    else:
        first, last = (_height(node, query.get(name, "latest")) for name in ("fromBlock", "toBlock"))
        if first > last and node.manners.refuses("logs backwards"):
            raise node.manners.refuse("logs backwards")
        if last > node.head.number and node.manners.refuses("logs beyond head"):
            raise node.manners.refuse("logs beyond head")
        blocks = [found for height in range(first, min(last, node.head.number) + 1) if (found := node.block_at(height))]
    addresses = query.get("address") or []
    wanted = {each.lower() for each in ([addresses] if isinstance(addresses, str) else addresses)}
    topics = query.get("topics") or []
    return [
        log
        for block in blocks
        if block.mined
        for log in block.log_answers
        if (not wanted or log["address"] in wanted) and _matches(log["topics"], topics)
    ]


def _height(node: Node, at: str) -> int:
    if at in ("latest", "pending", "earliest", "finalized", "safe"):
        return int(_resolve(node, at).number)
    return _quantity(node, at)


def _matches(topics: list[str], wanted: list[Any]) -> bool:
    if len(wanted) > len(topics):
        return False
    for has, want in zip(topics, wanted, strict=False):
        if want is None:
            continue
        if has not in ([want.lower()] if isinstance(want, str) else [each.lower() for each in want]):
            return False
    return True


# --- pools ---


def _besu_transactions(node: Node) -> list[dict[str, Any]]:
    return [
        {"hash": each.hash, "isReceivedFromLocalSource": True, "addedToPoolAt": "2026-11-22T00:00:00Z"}
        for each in node.pool
    ]


def _besu_pending(node: Node, limit: Any = None, filters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    most = len(node.pool) if limit is None else int(limit, 16) if isinstance(limit, str) else int(limit)
    sender = (filters or {}).get("from", {}).get("eq")
    found = [each for each in node.pool if sender is None or each.sender == sender.lower()]
    return [transaction_answer(each) for each in found[:most]]


def _content(node: Node) -> dict[str, Any]:
    shown: dict[str, dict[str, dict[str, Any]]] = {"pending": {}, "queued": {}}
    for each in node.pool:
        part = "pending" if each.nonce < node.pool.next_nonce(each.sender, _confirmed(node, each.sender)) else "queued"
        shown[part].setdefault(each.sender, {})[str(each.nonce)] = transaction_answer(each)
    return shown


def _confirmed(node: Node, sender: str) -> int:
    return nonce_of(node.head.state, sender)


def _status(node: Node) -> dict[str, str]:
    content = _content(node)
    return {part: hex(sum(len(each) for each in content[part].values())) for part in ("pending", "queued")}


def _fee_history(node: Node, count: Any, newest: Any, percentiles: Any = None) -> dict[str, Any]:
    blocks = int(count, 16) if isinstance(count, str) else int(count)
    return {
        "oldestBlock": hex(max(0, node.head.number - blocks + 1)),
        "baseFeePerGas": ["0x0"] * (blocks + 1),
        "baseFeePerBlobGas": ["0x0"] * (blocks + 1),
        "gasUsedRatio": [0.0] * blocks,
        "blobGasUsedRatio": [0.0] * blocks,
        "reward": [[] for _ in range(blocks)],
    }


_METHODS: dict[str, Callable[..., Any]] = {
    "eth_chainId": lambda node: hex(node.network.chain.chain_id),
    "net_version": lambda node: str(node.network.chain.chain_id),
    "net_peerCount": lambda node: hex(node.network.peers_of(node)),
    "net_listening": lambda node: True,
    "web3_clientVersion": lambda node: node.manners.version,
    "eth_syncing": lambda node: False,  # (2) whatever it is behind
    "eth_blockNumber": lambda node: hex(node.announced),
    "eth_getBlockByNumber": _block_by_number,
    "eth_getBlockByHash": _block_by_hash,
    "eth_getBlockReceipts": _block_receipts,
    "eth_getTransactionCount": _count,
    "eth_getBalance": _balance,
    "eth_getCode": _code,
    "eth_call": _call,
    "eth_estimateGas": _estimate,
    "eth_gasPrice": lambda node: hex(node.manners.gas_price),
    "eth_maxPriorityFeePerGas": lambda node: hex(node.manners.gas_price),
    "eth_feeHistory": _fee_history,
    "eth_sendRawTransaction": _send,
    "eth_getTransactionReceipt": _receipt,
    "eth_getTransactionByHash": _transaction,
    "eth_getLogs": _logs,
    "txpool_besuTransactions": _besu_transactions,
    "txpool_besuPendingTransactions": _besu_pending,
    "txpool_content": _content,
    "txpool_status": _status,
}
