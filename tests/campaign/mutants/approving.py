"""Mistakes in waiting for checkers' words."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, select, update

from campaign import disasters
from campaign.mutants.register import Replace, mutant
from pyjpm.sending import Submission, accepted_rows, approvals
from pyjpm.sending.approvals import Approvals
from pyjpm.sending.tables import approval, payment


@mutant(disasters.four_eyes)
def words_outlive_a_no(replaced: Replace) -> None:
    """Counts the words from before a checker's "no" for what is asked for again."""
    replaced(accepted_rows, "_forget_words", lambda connection, ids: None)


@mutant(disasters.four_eyes)
def lapsed_words_count(replaced: Replace) -> None:
    """Counts words that have lapsed."""

    def ever(submission: str, now: int) -> Any:
        return select(approval.c.checker).where(approval.c.payment == submission, approval.c.approved == 1)

    replaced(approvals, "_standing", ever)


@mutant(disasters.four_eyes)
def decides_of_what_it_read_before(replaced: Replace) -> None:
    """Takes a late word by what the checker saw, and writes it over whatever has become of the payment meanwhile."""
    sign, decide = Approvals.sign, Approvals.decide
    seen: dict[str, Submission] = {}

    def seeing(self: Approvals, submission: str, checker: Any, **kwargs: Any) -> bytes:
        seen[submission] = self._journal.get(submission)
        return sign(self, submission, checker, **kwargs)

    def late(self: Approvals, submission: str, **kwargs: Any) -> Submission:
        with patch.object(self._journal, "get", seen.__getitem__):
            return decide(self, submission, **kwargs)

    def moved(connection: Connection, found: Submission, before: Any, after: Any, error: Any = None) -> None:
        said = None if error is None else json.dumps(error.to_dict())
        connection.execute(update(payment).where(payment.c.id == found.id).values(state=after, error=said))

    replaced(Approvals, "sign", seeing)
    replaced(Approvals, "decide", late)
    replaced(approvals, "move", moved)
