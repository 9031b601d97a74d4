"""py-evm with Cancun rules on a chain whose base fee is zero and stays zero.

EIP-1559 as py-evm has it starts a chain at 1 gwei and lets the fee rise by at least 1 wei after a full block. The
network we run for has ``zeroBaseFee``; this virtual machine does the same, and lets blocks share a second as Anvil
does. What it learns about where a code may be jumped to it keeps: py-evm looks anew at each call of a contract.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from eth.abc import BlockHeaderAPI, MessageAPI, StateAPI, TransactionContextAPI
from eth.validation import validate_gas_limit
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.cancun.computation import CancunComputation
from eth.vm.forks.cancun.headers import create_cancun_header_from_parent
from eth.vm.forks.cancun.state import CancunState
from eth_utils.exceptions import ValidationError

_create_cancun_header = create_cancun_header_from_parent()


def create_zero_fee_header(parent_header: BlockHeaderAPI | None, **fields: Any) -> BlockHeaderAPI:
    """The header after ``parent_header`` (None: genesis), with a base fee of zero."""
    fields.pop("base_fee_per_gas", None)
    header: BlockHeaderAPI = _create_cancun_header(parent_header, **fields)
    return header.copy(base_fee_per_gas=0)


@lru_cache(maxsize=256)
def _positions(code: bytes) -> tuple[set[int], set[int]]:
    """Positions of ``code`` that were found to be instructions, and those found to be data; its runs add to both."""
    return set(), set()


class ZeroFeeComputation(CancunComputation):
    """Cancun's, with what earlier runs of the same code found out about it."""

    def __init__(self, state: StateAPI, message: MessageAPI, transaction_context: TransactionContextAPI) -> None:
        super().__init__(state, message, transaction_context)
        code: Any = self.code
        code.valid_positions, code.invalid_positions = _positions(message.code)


class ZeroFeeState(CancunState):
    """Cancun's state, changed by computations of our own."""

    computation_class = ZeroFeeComputation


class ZeroFeeCancunVM(CancunVM):
    """Cancun without fees."""

    _state_class = ZeroFeeState
    create_header_from_parent = staticmethod(create_zero_fee_header)

    @classmethod
    def validate_gas(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        """The gas limit as always; the base fee zero."""
        validate_gas_limit(header.gas_limit, parent_header.gas_limit)
        if header.base_fee_per_gas != 0:
            raise ValidationError(f"base fee {header.base_fee_per_gas} on a zero-fee chain")

    @classmethod
    def validate_header(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        """As always, but a block may have its parent's time."""
        if header.timestamp == parent_header.timestamp:
            parent_header = parent_header.copy(timestamp=parent_header.timestamp - 1)
        super().validate_header(header, parent_header)
