"""What a developer writes first: web3.py, a contract object, a loop. Once without waiting, once with receipts."""

from __future__ import annotations

from typing import Any

from eth_account import Account
from web3 import HTTPProvider, Web3
from web3.middleware import SignAndSendRawMiddlewareBuilder

from pyjpm.contracts import artifacts

GAS = 320_000


def token_of(url: str, address: str, keys: list[bytes]) -> tuple[Any, Any]:
    """A web3 that signs for these keys, and the token's contract object."""
    web3 = Web3(HTTPProvider(url))
    web3.middleware_onion.inject(
        SignAndSendRawMiddlewareBuilder.build([Account.from_key(key) for key in keys]), layer=0
    )
    return web3, web3.eth.contract(address=address, abi=artifacts.load("DepositToken").abi)


def pay(token: Any, wallet: str, arguments: tuple[Any, ...], nonce: int | None) -> Any:
    """One ``transact``; the nonce is the loop's own count, or left to web3."""
    fields: dict[str, Any] = {"from": wallet, "gas": GAS, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0}
    if nonce is not None:
        fields["nonce"] = nonce
    return token.functions.pay(*arguments).transact(fields)
