"""What the bank does to participants and money, as the harness orders it.

It takes effect with the next block, as the bank's transactions would; before the first block, at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chains.model import registry
from chains.model.chain import Chain
from chains.model.registry import Participant, Wallet

UNLIMITED = 2**88 - 1


class Bank:
    """The bank of a chain."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._changes: dict[tuple[Any, ...], Any] = {}
        self._participants = 0

    def onboard(
        self, wallets: Sequence[str], *, balances: Mapping[str, int] | None = None, daily_limit: int = UNLIMITED
    ) -> int:
        """A participant with these wallets (the first is the current one); its id.

        Args:
            wallets: addresses.
            balances: minor units by currency, for each of the wallets.
            daily_limit: minor units, in every currency.
        """
        self._participants += 1
        number = self._participants
        each = [wallet.lower() for wallet in wallets]
        changes: dict[tuple[Any, ...], Any] = {
            ("participants",): number,
            ("participant", number): Participant(number, each[0]),
            **{("wallet", wallet): Wallet(number) for wallet in each},
        }
        for currency, token in self.chain.tokens.items():
            changes["limit", token.address, number] = (daily_limit, 0, 0)
            for wallet in each:
                changes["balance", token.address, wallet] = (balances or {}).get(currency, 0)
        self.change(changes)
        return number

    def fund(self, wallet: str, currency: str, amount: int) -> None:
        """Sets a wallet's balance, minor units."""
        self.change({("balance", self.chain.tokens[currency].address, wallet.lower()): amount})

    def fund_ether(self, account: str, wei: int) -> None:
        """Sets an account's ether, wei."""
        self.change({("ether", account.lower()): wei})

    def limit(self, participant: int, currency: str, amount: int) -> None:
        """Sets a daily limit, minor units; nothing of today is counted as spent."""
        self.change({("limit", self.chain.tokens[currency].address, participant): (amount, 0, 0)})

    def freeze(self, participant: int, *, frozen: bool = True) -> None:
        """Compliance freezes a participant, or no longer."""
        self.change({("participant", participant): replace(self._read(("participant", participant)), frozen=frozen)})

    def suspend(self, participant: int, *, suspended: bool = True) -> None:
        """The bank suspends a participant, or no longer."""
        status = registry.SUSPENDED if suspended else registry.ACTIVE
        self.change({("participant", participant): replace(self._read(("participant", participant)), status=status)})

    def set_wallet(self, wallet: str, status: int) -> None:
        """Links, unlinks or suspends a wallet (``registry``'s states of a wallet)."""
        key = ("wallet", wallet.lower())
        self.change({key: replace(self._read(key), status=status)})

    def pause(self, currency: str, *, paused: bool = True) -> None:
        """Pauses a token, or no longer."""
        self.change({("paused", self.chain.tokens[currency].address): paused})

    def lose_wallet(self, lost: str, successor: str) -> None:
        """Marks a wallet as lost; what it had is its successor's (a wallet of the same participant, or a new one)."""
        gone, heir = lost.lower(), successor.lower()
        old: Wallet = self._read(("wallet", gone))
        changes: dict[tuple[Any, ...], Any] = {
            ("wallet", gone): Wallet(old.participant, registry.LOST, heir),
            ("wallet", heir): Wallet(old.participant),
        }
        participant: Participant = self._read(("participant", old.participant))
        if participant.wallet == gone:
            changes["participant", old.participant] = replace(participant, wallet=heir, epoch=participant.epoch + 1)
        for token in self.chain.tokens.values():
            own, other = ("balance", token.address, gone), ("balance", token.address, heir)
            changes[other] = (self._read(own) or 0) + (self._read(other) or 0)
            changes[own] = 0
        self.change(changes)

    def change(self, changes: dict[tuple[Any, ...], Any]) -> None:
        """Changes of state: at once before the first block, with the next block after it."""
        if len(self.chain.blocks) == 1 and not self._changes:
            self.chain.rewrite_genesis(changes)
        else:
            self._changes.update(changes)

    def change_again(self, earlier: Sequence[dict[tuple[Any, ...], Any]]) -> None:
        """Changes whose blocks are no more come with the next one."""
        self._changes = {key: value for changes in (*earlier, self._changes) for key, value in changes.items()}

    def take_changes(self) -> dict[tuple[Any, ...], Any]:
        """What the next block has to take in."""
        changes, self._changes = self._changes, {}
        return changes

    def _read(self, key: tuple[Any, ...]) -> Any:
        waiting = self._changes.get(key)
        return self.chain.head.state.get(key) if waiting is None else waiting
