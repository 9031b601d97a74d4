"""What the attester sets of some orders are now, read at once: their epochs, and who of us is of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from pyjpm.errors.base import PyjpmError
from pyjpm.session import Session

_CONTRACT = "AttesterSets"


class AttesterSets:
    """These sets, as the chain has them. Raises transport faults; of a set that is none, once it is asked about."""

    def __init__(self, session: Session, set_ids: Sequence[int], addresses: Collection[str]) -> None:
        self._session = session
        sets = sorted(set(set_ids))
        pairs = [(set_id, address) for set_id in sets for address in addresses]
        self._sets = dict(zip(sets, self._ask("attesterSet", [(set_id,) for set_id in sets]), strict=True))
        self._members = dict(zip(pairs, self._ask("isAttester", pairs), strict=True))

    def epoch(self, set_id: int) -> int:
        """The set's current epoch."""
        return int(_or_raise(self._sets[set_id])["epoch"])

    def has(self, set_id: int, address: str) -> bool:
        """Whether somebody is of a set."""
        return bool(_or_raise(self._members[set_id, address]))

    def _ask(self, view: str, asked: Sequence[tuple[Any, ...]]) -> list[Any]:
        return self._session.trials([(_CONTRACT, view, arguments) for arguments in asked])


def _or_raise(answer: Any) -> Any:
    if isinstance(answer, PyjpmError):
        raise answer
    return answer
