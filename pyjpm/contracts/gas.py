"""Gas limits: fixed ceilings per function, never estimates.

An estimate looks at the chain as it is now; the transaction meets the chain as it is then, and a payment that runs
out of gas is a payment that fails. The ceilings leave ample room over the measured figures
(tests/gas/snapshot.json) and stay far below a block. Unit: gas.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import Any, Final

DEPLOY: Final = 12_000_000
_DEFAULT: Final = 1_000_000
_CEILINGS: Final = {
    "transfer": 250_000,
    "pay": 300_000,
    "transferWithAuthorization": 600_000,
    "receiveWithAuthorization": 600_000,
    "mint": 400_000,
    "register": 900_000,
    "onboardCustomer": 900_000,
    "setSponsorship": 7_000_000,
    "recoverWallet": 8_000_000,
    "attestReserve": 4_500_000,
    "open": 2_500_000,
    "settle": 6_000_000,
    "upgradeToAndCall": 8_000_000,
    "settleLots": 6_000_000,
    "settleNet": 6_000_000,
    "execute": 3_000_000,
    "arm": 3_000_000,
}
# Per element of the first argument, on top of the ceiling.
_PER_ITEM: Final = {
    "multicall": 100_000,
    "payBatch": 120_000,
    "releaseMany": 600_000,
    "attestMany": 800_000,
    "settleNet": 250_000,
}
_REMITTANCE_BYTE: Final = 40


def ceiling(function: str, arguments: tuple[Any, ...] = (), calldata: int = 0) -> int:
    """The gas limit for one call.

    Args:
        function: Solidity name.
        arguments: its arguments; batches grow with their first one.
        calldata: length of the encoded call in bytes.
    """
    limit = _CEILINGS.get(function, _DEFAULT) + _REMITTANCE_BYTE * calldata
    if function in _PER_ITEM and arguments and isinstance(arguments[0], Sized):
        limit += _PER_ITEM[function] * len(arguments[0])
    return limit
