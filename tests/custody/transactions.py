"""What the tests of custody have signed."""

from __future__ import annotations

from typing import Any

CHAIN = 31_337
OTHER = "0x" + "11" * 20


def transaction(nonce: int = 0, **changes: Any) -> dict[str, Any]:
    """An EIP-1559 transaction of ours; a change to None leaves the field out."""
    fields = {
        "type": 2,
        "chainId": CHAIN,
        "nonce": nonce,
        "to": OTHER,
        "value": 0,
        "gas": 100_000,
        "maxFeePerGas": 0,
        "maxPriorityFeePerGas": 0,
        "data": b"\x01\x02",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}
