"""Mistakes in answering calls that meet."""

from __future__ import annotations

from typing import Any

from campaign import disasters
from campaign.mutants.register import Replace, mutant
from pyjpm.sending.sender import Sender
from pyjpm.sending.told import Told


@mutant()
def answers_in_another_order(replaced: Replace) -> None:
    """Tells who met others what became of the others' payments."""
    plain = Sender._submit_plain

    def shuffled(self: Sender, signer: Any, operations: Any, **kwargs: Any) -> Any:
        return plain(self, signer, operations, **kwargs)[::-1]

    replaced(Sender, "_submit_plain", shuffled)


@mutant(*[disasters.strict_policy] * 3)
def one_refusal_for_all(replaced: Replace) -> None:
    """Tells everybody who met that the signer refused what it refused one of them."""

    def refused(self: Told, submission: Any) -> Any:
        return next(iter(self.refusals.values()), submission)

    replaced(Told, "answer", refused)
