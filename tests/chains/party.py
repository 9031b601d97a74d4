"""An account without ether that signs whatever it is told to, and the probe contract that reverts in every way."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

from eth_account import Account

from pyjpm.chain import Connection, Receipt

PROBE = json.loads((Path(__file__).parents[1] / "chain_probe.json").read_text())
CODE = bytes.fromhex(PROBE["bytecode"])
_SELECTORS = {signature.split("(")[0]: bytes.fromhex(selector) for signature, selector in PROBE["methods"].items()}


def data_of(name: str, argument: int | None = None) -> bytes:
    """The calldata of a function of the probe."""
    return _SELECTORS[name] + (b"" if argument is None else argument.to_bytes(32, "big"))


class Party:
    """Signs for one chain, by a key made from ``seed``. ``nonces`` are taken one by one where none is given."""

    def __init__(self, chain_id: int, seed: int = 1) -> None:
        self._account = Account.from_key(f"0x{seed:064x}")
        self._chain_id = chain_id
        self.address = str(self._account.address)
        self.nonces = count()

    def sign(
        self, to: str | None, data: bytes = b"", *, nonce: int | None = None, gas: int = 1_000_000, **changes: Any
    ) -> bytes:
        """A legacy transaction at zero fee; a field given as None is left out."""
        fields = {
            "nonce": next(self.nonces) if nonce is None else nonce,
            "gas": gas,
            "gasPrice": 0,
            "value": 0,
            "data": data,
            "chainId": self._chain_id,
            "to": to,
            **changes,
        }
        signed = self._account.sign_transaction({key: value for key, value in fields.items() if value is not None})
        return bytes(signed.raw_transaction)

    def deploy(self, connection: Connection, *, timeout: float = 10.0) -> str:
        """A probe of its own; its address."""
        receipt = self.send(connection, self.sign(None, CODE), timeout=timeout)
        assert receipt.contract_address is not None
        return receipt.contract_address

    def send(self, connection: Connection, raw: bytes, *, timeout: float = 10.0) -> Receipt:
        """Send bytes until they are mined."""
        answer = connection.send_raw(raw)
        receipt = connection.wait_for_receipt(answer.tx_hash, timeout=timeout, poll=0.02)
        assert receipt is not None, answer
        return receipt
