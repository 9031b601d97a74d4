"""Errors that the contracts give: each Solidity custom error is a Python class, found by its Solidity name.

The token's ``Refused(path, reason, account, has, needs)`` carries the contracts' ``Reason``; each value of it is a
class of its own, so that code catches ``PayeeFrozen``, not a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pyjpm.errors.base import PyjpmError


class ContractError(PyjpmError):
    """A contract refused. ``details`` has the arguments of the Solidity error by name (money in minor units)."""

    code = "CONTRACT_ERROR"
    solidity: ClassVar[str] = ""
    says: ClassVar[str] = ""
    by_solidity_name: ClassVar[dict[str, type[ContractError]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__dict__.get("solidity"):
            ContractError.by_solidity_name[cls.solidity] = cls

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> ContractError:
        """The error with the arguments that the chain gave."""
        return cls(cls.says.format_map(arguments), **arguments)


class Refusal(ContractError):
    """The rules refuse a movement of money; one subclass per reason."""

    code = "REFUSED"
    solidity = "Refused"
    says = "Money may not move on this path: {reason}."
    reason: ClassVar[int] = 0
    by_reason: ClassVar[dict[int, type[Refusal]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Refusal.by_reason[cls.reason] = cls


class Panicked(ContractError):
    """A Solidity panic: an assertion, overflow or the like. It is a defect of a contract or of a call."""

    code = "CONTRACT_PANIC"
    says = "The contract panicked with code {panic:#x}."
    hint = "Report this; it should not happen."


class RevertedWithText(ContractError):
    """A contract that is not ours reverted with a text."""

    code = "REVERTED_WITH_TEXT"
    says = "The contract reverted: {text}."
    hint = "Check the contract that was called."


class UnknownRevert(ContractError):
    """The revert data names no error of these contracts."""

    code = "UNKNOWN_REVERT"
    says = "The contract reverted with data {data} that this version does not know."
    hint = "Check the address and the versions of the contracts."
