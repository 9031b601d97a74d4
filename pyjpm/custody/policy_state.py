"""What a signer remembers: what was signed under which nonce, what a day has moved, who approved what.

Decisions that govern this module:

* The state is what the lines of the book say, in their order, and nothing else. A line is applied after it is on disk.
* The day is the UTC day of the signer's clock and never goes back: a clock set back finds the totals it left, and
  a word that was forgotten as lapsed has lapsed for good, for it may have been used.
* Of the last nonces it is known what they carry. Below those everything may have been signed, so nothing but a cancel
  is signed there again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from pyjpm.custody.policy_approval import Approval

DAY: Final = 86_400
REMEMBERED: Final = 4_096
"""Nonces of a wallet of which it is known what was signed."""
NEVER: Final = -1
CANCEL: Final = "cancel"


@dataclass(slots=True)
class WalletState:
    """One wallet.

    Attributes:
        highest: nonce ever signed, -1 for never; ``None`` where its mark was lost.
        floor: highest nonce of which it is not known what was signed.
        signed: digest by nonce, or CANCEL where a cancel alone was signed.
        totals: what the day has moved, by unit.
        counted: names that the day has counted.
    """

    highest: int | None
    floor: int
    signed: dict[int, str] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)
    counted: set[str] = field(default_factory=set)


@dataclass(slots=True)
class ApprovalState:
    """An approval, and the name of the payment it was used for; empty while it was used for none."""

    approval: Approval
    used_for: str = ""


@dataclass(slots=True)
class State:
    """Everything."""

    chain_id: int
    day: int = 0
    wallets: dict[str, WalletState] = field(default_factory=dict)
    approvals: dict[str, ApprovalState] = field(default_factory=dict)

    def apply(self, line: dict[str, Any]) -> None:
        """Take in what one line of the book says. Raises KeyError, TypeError, ValueError where it says nonsense."""
        match line["kind"]:
            case "snapshot":
                self._restore(line["state"])
            case "begin":
                highest = line["highest"]
                found = self.wallets.setdefault(line["wallet"], WalletState(None, NEVER))
                if highest is not None:
                    found.highest = max(highest, found.highest if found.highest is not None else NEVER)
                    found.floor = max(found.floor, highest)
            case "sign":
                self._signed(line)
            case "approve":
                approval = Approval.from_dict(line["approval"])
                self.approvals.setdefault(approval.id, ApprovalState(approval))

    def roll(self, day: int) -> None:
        """Go to a later day, in which nothing has moved yet; an earlier one is not gone to."""
        if day > self.day:
            self.day = day
            for wallet in self.wallets.values():
                wallet.totals = Counter()
                wallet.counted = set()

    def time(self, now: float) -> float:
        """The time by which words lapse, unix seconds: what the clock says, and never before the day of the book."""
        return max(now, self.day * DAY)

    def forget_lapsed(self) -> None:
        """Drop approvals a day after their deadline, by the day of the book: until then a refusal can say that one
        lapsed."""
        for name in [name for name, each in self.approvals.items() if each.approval.deadline + DAY < self.day * DAY]:
            del self.approvals[name]

    def _signed(self, line: dict[str, Any]) -> None:
        self.roll(line["day"])
        wallet = self.wallets[line["wallet"]]
        for nonce, digest in line.get("nonces", []):
            if digest != CANCEL or nonce not in wallet.signed:
                wallet.signed[nonce] = digest
            if wallet.highest is not None:
                wallet.highest = max(wallet.highest, nonce)
        if len(wallet.signed) > 2 * REMEMBERED:
            for nonce in sorted(wallet.signed)[:-REMEMBERED]:
                wallet.floor = max(wallet.floor, nonce)
                del wallet.signed[nonce]
        for unit, name, amount in line.get("counted", []):
            wallet.totals[unit] += amount
            wallet.counted.add(name)
        for name, used_for in line.get("approvals", []):
            self.approvals[name].used_for = used_for

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data: what a new volume of the book begins with."""
        return {
            "chain_id": self.chain_id,
            "day": self.day,
            "wallets": {
                name: {
                    "highest": each.highest,
                    "floor": each.floor,
                    "signed": sorted(each.signed.items()),
                    "totals": dict(each.totals),
                    "counted": sorted(each.counted),
                }
                for name, each in self.wallets.items()
            },
            "approvals": [
                {"approval": each.approval.to_dict(), "used_for": each.used_for} for each in self.approvals.values()
            ],
        }

    def _restore(self, data: dict[str, Any]) -> None:
        self.chain_id, self.day = data["chain_id"], data["day"]
        self.wallets = {
            name: WalletState(
                each["highest"],
                each["floor"],
                dict(each["signed"]),
                Counter(each["totals"]),
                set(each["counted"]),
            )
            for name, each in data["wallets"].items()
        }
        approvals = [
            ApprovalState(Approval.from_dict(each["approval"]), each["used_for"]) for each in data["approvals"]
        ]
        self.approvals = {each.approval.id: each for each in approvals}
