"""What was paid on the chain, booked on Tryton's invoices: an effect outside the chain, once each.

Needs the module ``pyjpm_bridge`` in Tryton (examples/tryton/module): its table of settlements has one row a reference,
by a constraint of the database, and a payment is booked in the transaction that stores its row.

Decisions that govern this module:

* How much of an invoice is covered follows from what the chain released of the order, the oldest invoice first. What is
  still to be booked follows from that and from what Tryton says was booked, never from what we remember telling it.
* The reference of a booking names the invoice, how much of it was covered before, and how much is then: told again,
  after whatever crash or restore, it is the same booking; and Tryton refuses it where something else was booked since.
* Of one invoice one booking is under way at a time: the next follows from its outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import quote

from pyjpm.errors.effects import EffectConflict
from pyjpm.errors.intake import SourceRefused
from pyjpm.money import Money
from pyjpm.orders.connectors.tryton_rpc import TrytonRpc
from pyjpm.sending.effects import FINAL_STATES, Effect, Effects, EffectState
from pyjpm.sending.outside import Absent, Answer, Found, Refused, Unknown

KIND: Final = "tryton.settlement"
_TABLE: Final = "pyjpm.settlement"
_TOLD: Final = ["reference", "state", "invoice", "amount", "currency", "detail"]
_BY_ID: Final = [["id", "ASC"]]


class TrytonSettlements:
    """Tryton as the other side of an effect: told a settlement by a reference, and asked about it.

    Args:
        rpc: the way there.
        method: the name of the invoice payment method in Tryton, whose account stands for the deposit tokens.
        intended: the content that is to stand under a reference.
    """

    def __init__(self, rpc: TrytonRpc, *, method: str, intended: Callable[[str], Mapping[str, Any]]) -> None:
        self._rpc = rpc
        self._method = method
        self._intended = intended

    def find(self, reference: str) -> Answer:
        """What Tryton has under a reference. Raises SourceUnavailable, SourceRefused."""
        found = self._rpc.search_read(_TABLE, [["reference", "=", reference]], _TOLD, order=_BY_ID)
        return self._answer(found[0], reference) if found else Absent()

    def send(self, reference: str, content: Any) -> Answer:
        """Have it booked. Raises SourceUnavailable; what Tryton refuses for now is unknown, and asked again."""
        currency = content["currency"]
        before, amount = (Money.from_minor(content[name], currency).amount for name in ("before", "amount"))
        facts = (reference, content["invoice"], before, amount, currency, self._method)
        try:
            told = self._rpc.call(f"model.{_TABLE}.settle", *facts)
        except SourceRefused as refused:
            # A closed period, a right that lacks: somebody mends it in Tryton, and it is told again.
            return Unknown(str(refused.details["cause"])[:200])
        return self._answer(told, reference)

    def _answer(self, told: Mapping[str, Any], reference: str) -> Answer:
        if told["state"] == "refused":
            return Refused(str(told["detail"] or ""))
        intended = self._intended(reference)
        stands = {"invoice": told["invoice"], "amount": _minor(told), "currency": told["currency"]}
        return Found(f"invoice {told['invoice']}", matches=all(intended[name] == stands[name] for name in stands))


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or a credit note of a sale, as Tryton has it. Amounts in minor units, of a credit note negative."""

    id: int
    number: str
    state: str
    total: int
    booked: int
    currency: str


class TrytonBooks:
    """Books on Tryton's invoices what the chain paid. One object for each process; safe to call again at any time.

    Args:
        rpc: the way to Tryton.
        effects: where what is to be booked is stored before Tryton is told.
        method: the name of the payment method.
        source: the name of this Tryton, part of each reference.
    """

    def __init__(self, rpc: TrytonRpc, effects: Effects, *, method: str, source: str = "tryton") -> None:
        self._rpc = rpc
        self._effects = effects
        self._outside = TrytonSettlements(
            rpc, method=method, intended=lambda reference: effects.find(reference).content
        )
        self._source = source

    def invoices(self, order: str) -> list[Invoice]:
        """The posted invoices of a sale, the oldest first, with what was booked on each by us.

        Raises:
            SourceUnavailable, SourceRefused
        """
        domain = [["sales.number", "=", order], ["type", "=", "out"], ["state", "in", ["posted", "paid"]]]
        fields = ["number", "state", "total_amount", "currency.code"]
        rows = self._rpc.search_read("account.invoice", domain, fields, order=_BY_ID)
        return self._with_booked(rows)

    def settle(self, order: str, released: Money) -> list[Effect]:
        """Book what the chain has released of an order on its invoices; what was booked before stays.

        Args:
            order: the sale's number.
            released: in all so far, before anything was paid back.

        Returns:
            The bookings that this asks for, as they are now; those that are not final are asked for again by the next
            call.

        Raises:
            SourceUnavailable, SourceRefused, JournalFailed
            EffectConflict: Tryton has another content under a reference.
        """
        found = self._carried_on(order)
        waiting = {effect.content["invoice"] for effect in found}
        left = released.minor
        for invoice in self.invoices(order):
            if invoice.total <= 0:
                continue
            covered = min(invoice.total, left)
            left -= covered
            if covered > invoice.booked and invoice.id not in waiting:
                found.append(self._book(order, invoice, covered, released.currency))
        return found

    def settle_credit(self, order: str, invoice_id: int, paid_back: Money) -> Effect | None:
        """Book on a credit note what was paid back for it on the chain; None where that was done before.

        Args:
            order: the number of the sale that was credited.
            invoice_id: of the credit note in Tryton.
            paid_back: in all for this credit note, positive.
        """
        waiting = [effect for effect in self._carried_on(order) if effect.content["invoice"] == invoice_id]
        if waiting:
            return waiting[0]
        domain = [["id", "=", invoice_id]]
        fields = ["number", "state", "total_amount", "currency.code"]
        (note,) = self._with_booked(self._rpc.search_read("account.invoice", domain, fields, order=_BY_ID))
        covered = -min(paid_back.minor, -note.total)
        return self._book(order, note, covered, paid_back.currency) if covered < note.booked else None

    def _carried_on(self, order: str) -> list[Effect]:
        """What was under way for an order, one more step; those that still are."""
        stem = self._stem(order)
        under_way = [effect for effect in self._effects.pending(KIND) if effect.reference.startswith(stem)]
        carried = [self._effects.carry_out(effect.reference, self._outside) for effect in under_way]
        return [effect for effect in carried if effect.state not in FINAL_STATES]

    def _book(self, order: str, invoice: Invoice, covered: int, currency: str) -> Effect:
        before = invoice.booked
        content = {"invoice": invoice.id, "before": before, "amount": covered - before, "currency": currency}
        reference = f"{self._stem(order)}{invoice.id}/{currency}/{before}/{covered}"
        effect = self._effects.intend(reference, KIND, content)
        if effect.state is EffectState.CONFIRMED:
            return self._counted(effect)
        return self._effects.carry_out(reference, self._outside)

    def _counted(self, effect: Effect) -> Effect:
        """A booking that Tryton confirmed once and did not count a moment ago, as Tryton has it now.

        Where Tryton has nothing under its reference it was restored from a backup. Its constraint makes it harmless to
        tell it again, whatever else is on its way.
        """
        said: Answer = self._outside.find(effect.reference)
        if isinstance(said, Absent):
            said = self._outside.send(effect.reference, effect.content)
        if isinstance(said, Found):
            if said.matches:
                return effect
            told = f"Tryton has another content under {effect.reference!r}."
            raise EffectConflict(told, reference=effect.reference, kind=KIND)
        state = EffectState.FAILED if isinstance(said, Refused) else EffectState.MAYBE_SENT
        return replace(effect, state=state, detail=getattr(said, "detail", None))

    def _stem(self, order: str) -> str:
        # Quoted, so that no number of a sale is the beginning of another's references.
        return f"{self._source}/{quote(order, safe='')}/"

    def _with_booked(self, rows: list[dict[str, Any]]) -> list[Invoice]:
        domain = [["invoice", "in", [row["id"] for row in rows]], ["state", "=", "booked"]]
        booked = self._rpc.search_read(_TABLE, domain, _TOLD, order=_BY_ID) if rows else []
        return [
            Invoice(
                row["id"],
                row["number"],
                row["state"],
                Money(row["total_amount"], row["currency."]["code"]).minor,
                sum(_minor(each) for each in booked if each["invoice"] == row["id"]),
                row["currency."]["code"],
            )
            for row in rows
        ]


def _minor(told: Mapping[str, Any]) -> int:
    """Minor units of a settlement as Tryton tells it."""
    try:
        return Money(Decimal(told["amount"]), told["currency"]).minor
    except InvalidOperation:
        raise SourceRefused("A settlement's amount is no number.", source="tryton", cause="amount") from None
