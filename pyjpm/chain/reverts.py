"""Raw revert data out of every shape in which it reaches us.

One revert, five shapes: a JSON-RPC error with ``data`` (Besu, Anvil), web3's ContractCustomError /
ContractLogicError / ContractPanicError (``.data``), web3 8's Web3RPCError (``.rpc_response``), and eth-tester's
TransactionFailed, whose argument is the bytes, their ``repr``, or only the decoded text.
"""

from __future__ import annotations

import ast
from typing import Any

from eth_abi.abi import encode

from pyjpm.errors.chain import NodeError, Reverted

ERROR_STRING = bytes.fromhex("08c379a0")
PREFIX = "execution reverted: "


def revert_data(failure: BaseException) -> bytes | None:
    """The revert data inside ``failure`` (empty for a bare revert), or None if it is no revert."""
    if isinstance(failure, Reverted):
        return failure.data
    if isinstance(failure, NodeError):
        return _of_error(failure.rpc_code, failure.data)
    name = type(failure).__name__
    if name == "TransactionFailed":
        return _of_tester(failure)
    response = getattr(failure, "rpc_response", None)
    if isinstance(response, dict) and isinstance(response.get("error"), dict):
        error = response["error"]
        return _of_error(error.get("code"), error.get("data"))
    if name in ("ContractCustomError", "ContractLogicError", "ContractPanicError"):
        data = getattr(failure, "data", None)
        return _from_hex(data) if isinstance(data, str) else b""
    return None


def reverted_from(failure: BaseException) -> Reverted | None:
    """``failure`` as Reverted, whatever client or library raised it; None if it is no revert."""
    data = revert_data(failure)
    return None if data is None else Reverted.from_data(data)


def _of_error(code: Any, data: Any) -> bytes | None:
    # Code 3 is the revert of Besu, Anvil and Geth; other codes with data belong to other clients' reverts.
    if isinstance(data, str) and data.startswith("0x"):
        return _from_hex(data)
    return b"" if code == 3 else None


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        return b""


def _of_tester(failure: BaseException) -> bytes:
    # web3's provider re-raises with decoded text; what eth-tester itself raised is then the context.
    inner = failure.__context__
    if inner is not None and type(inner).__name__ == "TransactionFailed":
        return _of_tester(inner)
    argument = failure.args[0] if failure.args else b""
    while isinstance(argument, BaseException):
        argument = argument.args[0] if argument.args else b""
    if isinstance(argument, bytes):
        return argument
    text = str(argument).removeprefix(PREFIX)
    if text.startswith(("b'", 'b"')):
        literal = ast.literal_eval(text)
        return literal if isinstance(literal, bytes) else b""
    return ERROR_STRING + encode(["string"], [text])
