"""Governance: who may do what, and the acts of those who may.

Roles and the functions they open stand in ``contracts/roles.json``; the chain's AccessManager enforces them. Stopping
acts have no delay. Loosening and moving acts may have one: then they are scheduled first, in the open, and carried out
when the delay has passed.
"""

from __future__ import annotations

from typing import Any, Final

from eth_utils.address import to_checksum_address

from pyjpm.access import Access, read_access
from pyjpm.acts import Act
from pyjpm.assignments import Assignments
from pyjpm.handover import HandOver, Progress
from pyjpm.money import Money
from pyjpm.roles import role_id
from pyjpm.session import Session, reference_hash

NOTARY_STATES: Final = ("NONE", "ACTIVE", "RUN_OFF", "STOPPED")


class Governance:
    """``platform.governance``. Safe among threads."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- who ---

    def who_can(self) -> Access:
        """Who can do what, read from the chain at its head, with what is amiss."""
        return read_access(self._session)

    def hand_over(self, assignments: Assignments, *, progress: Progress | None = None) -> Access:
        """Gives every role to those assigned and leaves the acting deployer without any. Goes on where an earlier run
        stopped.

        Raises:
            DeployerAssigned, NotTheDeployer, HandOverIncomplete
        """
        return HandOver(self._session, assignments, progress or (lambda step: None)).run()

    # --- roles ---

    def grant(self, role: str, account: str, *, idempotency_key: str, delay: int = 0) -> Act:
        """Gives a role (administrator). ``delay``: seconds that its acts must be announced before."""
        return self._governed("grantRole", idempotency_key, role_id(role), to_checksum_address(account), delay)

    def revoke(self, role: str, account: str, *, idempotency_key: str) -> Act:
        """Takes a role away at once (administrator)."""
        return self._governed("revokeRole", idempotency_key, role_id(role), to_checksum_address(account))

    def has_role(self, role: str, account: str) -> bool:
        """Whether an account has a role now, read from the chain."""
        return bool(self._session.call("Governance", "hasRole", role_id(role), to_checksum_address(account))[0])

    def schedule(self, contract: str, function: str, *arguments: Any, idempotency_key: str) -> Act:
        """Announces a delayed act of the acting wallet; carry it out by its own call once the delay has passed.

        Args:
            contract: name in the record, or a currency.
            function: Solidity name or signature, with its arguments as in the ABI.
        """
        data = self._session.codec(contract).encode(function, *arguments)
        return self._governed("schedule", idempotency_key, self._session.address(contract), data, 0)

    def cancel(self, caller: str, contract: str, function: str, *arguments: Any, idempotency_key: str) -> Act:
        """Calls off what ``caller`` announced (itself, a guardian or an administrator; never one's own removal)."""
        data = self._session.codec(contract).encode(function, *arguments)
        target = self._session.address(contract)
        return self._governed("cancel", idempotency_key, to_checksum_address(caller), target, data)

    def due(self, caller: str, contract: str, function: str, *arguments: Any) -> int | None:
        """From when, unix seconds, what ``caller`` announced may be carried out. None: nothing is announced, or it was
        carried out or cancelled, or has expired (a week after it was due)."""
        data = self._session.codec(contract).encode(function, *arguments)
        target = self._session.address(contract)
        operation = self._session.call("Governance", "hashOperation", to_checksum_address(caller), target, data)
        return int(self._session.call("Governance", "getSchedule", operation)) or None

    def dismiss(self, role: str, account: str, *, idempotency_key: str) -> Act:
        """Takes a guarded role away at once (guardian role); not the administrator's, nor those that stop."""
        return self._governed("dismiss", idempotency_key, role_id(role), to_checksum_address(account))

    # --- tokens ---

    def set_mint_ceiling(self, issuer: str, ceiling: Money, *, idempotency_key: str) -> Act:
        """How much an issuer may have outstanding in a currency (governor role); zero denies."""
        return self._on_token("setMintCeiling", ceiling.currency, idempotency_key, issuer, ceiling.minor)

    def set_mint_rate(self, issuer: str, amount: Money, seconds: int, *, idempotency_key: str) -> Act:
        """How much an issuer may mint at once, and again as so many seconds pass (governor role); zero denies."""
        return self._on_token("setMintRate", amount.currency, idempotency_key, issuer, amount.minor, seconds)

    def set_reserve(self, currency: str, reserve: str, *, idempotency_key: str) -> Act:
        """Which reserve backs a currency's token (governor role); the zero address lets nothing be minted."""
        return self._on_token("setReserve", currency, idempotency_key, to_checksum_address(reserve))

    def register_notary(self, currency: str, notary: str, *, idempotency_key: str) -> Act:
        """Admits a contract that may hold money (governor role)."""
        return self._on_token("registerNotary", currency, idempotency_key, notary)

    def run_off_notary(self, currency: str, notary: str, *, idempotency_key: str) -> Act:
        """No new holds for a notary; it may still execute and release (pauser role)."""
        return self._on_token("runOffNotary", currency, idempotency_key, notary)

    def stop_notary(self, currency: str, notary: str, *, idempotency_key: str) -> Act:
        """A notary may do nothing more, at once (pauser role)."""
        return self._on_token("stopNotary", currency, idempotency_key, notary)

    def notary_state(self, currency: str, notary: str) -> str:
        """``NONE``, ``ACTIVE``, ``RUN_OFF`` or ``STOPPED``."""
        return NOTARY_STATES[self._session.call(currency, "notaryStatus", notary)]

    def pause(self, currency: str, *, idempotency_key: str) -> Act:
        """Stops all movements of a currency at once (pauser role); clocks of orders stand still."""
        return self._on_token("pause", currency, idempotency_key)

    def unpause(self, currency: str, *, idempotency_key: str) -> Act:
        """Lets a currency move again (governor role, delayed)."""
        return self._on_token("unpause", currency, idempotency_key)

    # --- amounts by compliance order ---

    def freeze_amount(self, wallet: str, amount: Money, *, order: str | bytes, idempotency_key: str) -> Act:
        """Freezes an amount of a wallet at once (compliance role)."""
        arguments = (wallet, amount.minor, reference_hash(order))
        return self._on_token("freezeAmount", amount.currency, idempotency_key, *arguments)

    def unfreeze_amount(self, wallet: str, amount: Money, *, order: str | bytes, idempotency_key: str) -> Act:
        """Lifts a freeze of an amount (resolution role, delayed)."""
        arguments = (wallet, amount.minor, reference_hash(order))
        return self._on_token("unfreezeAmount", amount.currency, idempotency_key, *arguments)

    def seize(
        self,
        source: str,
        target: str,
        amount: Money,
        *,
        order: str | bytes,
        idempotency_key: str,
        frozen_released: Money | None = None,
    ) -> Act:
        """Takes money that is not held, by order (resolution role, delayed); lowers what is frozen by
        ``frozen_released``."""
        lowered = 0 if frozen_released is None else frozen_released.minor
        arguments = (source, target, amount.minor, lowered, reference_hash(order))
        return self._on_token("seize", amount.currency, idempotency_key, *arguments)

    # --- inside ---

    def _on_token(self, function: str, currency: str, key: str, *arguments: Any) -> Act:
        return self._act(currency, function, key, arguments)

    def _governed(self, function: str, key: str, *arguments: Any) -> Act:
        return self._act("Governance", function, key, arguments)

    def _act(self, contract: str, function: str, key: str, arguments: tuple[Any, ...]) -> Act:
        plain = [
            "0x" + part.hex() if isinstance(part, bytes) else str(part) if isinstance(part, int) else part
            for part in arguments
        ]
        submission = self._session.submit(
            kind=f"governance.{function}",
            key=key,
            content={"contract": contract, "arguments": plain},
            contract=contract,
            function=function,
            arguments=arguments,
        )
        return Act.of(self._session, submission)
