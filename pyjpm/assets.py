"""Assets: what can be delivered against money. Title documents (ERC-721) and units (ERC-20) of the platform.

An asset contract is registered with the participant registry, so that a lost wallet's assets are recovered with its
money. Any other ERC-20, ERC-721 or ERC-1155 contract can be delivered too; its owner allows the settlement contract.
"""

from __future__ import annotations

from typing import Any

from eth_utils.address import to_checksum_address

from pyjpm.acts import Act
from pyjpm.contracts import artifacts, gas
from pyjpm.contracts.codec import codec
from pyjpm.errors.deployment import NotFound
from pyjpm.roles import selectors_by_role
from pyjpm.sending import Operation
from pyjpm.session import Session, reference_hash

TITLES, UNITS = "TitleDocument", "UnitToken"


class Assets:
    """``platform.assets``. Safe among threads."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def deploy(self, artifact: str, name: str, symbol: str, *, idempotency_key: str, timeout: float = 60.0) -> str:
        """Deploys an asset contract, opens its functions to their roles and registers it (administrator, governor).

        Args:
            artifact: :data:`TITLES` or :data:`UNITS`.
            timeout: seconds to wait for each of its transactions.

        Returns:
            The address of the contract. Calling again with the same key goes on where it stopped.
        """
        session = self._session
        arguments = (session.address("ParticipantRegistry"), session.address("Governance"), name, symbol)
        data = bytes.fromhex(artifacts.load(artifact).link()[2:]) + codec(artifact).encode_constructor(*arguments)
        operation = Operation(
            key=f"{idempotency_key}/create",
            kind="assets.deploy",
            content={"artifact": artifact, "name": name, "symbol": symbol},
            to=None,
            data=data,
            gas=gas.DEPLOY,
        )
        submission = session.sender.submit(session.signer, operation)
        created = session.sender.wait(submission.id, timeout).contract_address
        if created is None:
            raise NotFound("The deployment created no contract.", id=submission.id)
        self.open_to_roles(artifact, created, idempotency_key=idempotency_key, timeout=timeout)
        self._act("ParticipantRegistry", "registerAsset", f"{idempotency_key}/register", created, False).wait(timeout)
        return to_checksum_address(created)

    def open_to_roles(self, artifact: str, address: str, *, idempotency_key: str, timeout: float = 60.0) -> None:
        """Opens a contract's functions to the roles of ``roles.json`` (administrator)."""
        for role, selectors in selectors_by_role(artifact).items():
            key = f"{idempotency_key}/role-{role}"
            self._act("Governance", "setTargetFunctionRole", key, address, selectors, role).wait(timeout)

    def issue_title(
        self, asset: str, to: int | str, token_id: int, *, document: str | bytes, idempotency_key: str
    ) -> Act:
        """Issues a title document (registrar role). ``document``: text or the 32-byte hash of the paper."""
        arguments = (self._session.wallet_of(to), token_id, reference_hash(document))
        return self._act(TITLES, "issue", idempotency_key, *arguments, at=asset)

    def issue_units(self, asset: str, to: int | str, amount: int, *, idempotency_key: str) -> Act:
        """Issues units (registrar role)."""
        return self._act(UNITS, "issue", idempotency_key, self._session.wallet_of(to), amount, at=asset)

    def owner_of_title(self, asset: str, token_id: int) -> str:
        """Who holds a title document, read from the chain."""
        return str(self._session.call_at(asset, TITLES, "ownerOf", token_id))

    def units_of(self, asset: str, wallet: str) -> int:
        """How many units a wallet has, read from the chain."""
        return int(self._session.call_at(asset, UNITS, "balanceOf", to_checksum_address(wallet)))

    def _act(self, contract: str, function: str, key: str, *arguments: Any, at: str | None = None) -> Act:
        submission = self._session.submit(
            kind=f"assets.{function}",
            key=key,
            content={"at": at or contract, "arguments": [_plain(part) for part in arguments]},
            contract=contract,
            function=function,
            arguments=arguments,
            at=at,
        )
        return Act.of(self._session, submission)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
