# SPDX-License-Identifier: GPL-3.0-or-later
"""Settlements: what was paid on the chain, booked on an invoice once.

The reference is unique in the database, and the payment is booked in the transaction that stores it. So whoever tells
it twice, or dies and tells it again, books nothing twice, and whoever asks by the reference gets a true answer.
"""

from trytond.exceptions import UserError
from trytond.model import ModelSQL, ModelView, Unique, fields
from trytond.pool import Pool
from trytond.rpc import RPC
from trytond.transaction import Transaction, without_check_access


class Settlement(ModelSQL, ModelView):
    "Settlement by pyjpm"

    __name__ = "pyjpm.settlement"

    reference = fields.Char("Reference", required=True, readonly=True)
    invoice = fields.Many2One("account.invoice", "Invoice", required=True, readonly=True, ondelete="RESTRICT")
    amount = fields.Numeric("Amount", required=True, readonly=True)
    currency = fields.Char("Currency", required=True, readonly=True)
    state = fields.Selection([("booked", "Booked"), ("refused", "Refused")], "State", required=True, readonly=True)
    detail = fields.Char("Detail", readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints.append(
            ("reference_unique", Unique(table, table.reference), "pyjpm_bridge.msg_reference_unique")
        )
        cls.__rpc__["settle"] = RPC(readonly=False)

    @classmethod
    def settle(cls, reference, invoice_id, before, amount, currency, method):
        """Book a payment on an invoice, or find that it was.

        ``before`` is what was booked on it by settlements so far, as whoever asks believes.

        Returns state, invoice, amount (text) and currency of what stands under the reference. What the invoice can
        never take is stored as refused; whatever else is wrong (a closed period, an unknown method) raises, and
        stores nothing.
        """
        # Whoever may write settlements may have one booked; nobody writes one, or pays an invoice, past this.
        Pool().get("ir.model.access").check(cls.__name__, "write")
        with without_check_access():
            return cls._settle(reference, invoice_id, before, amount, currency, method)

    @classmethod
    def _settle(cls, reference, invoice_id, before, amount, currency, method):
        pool = Pool()
        Date = pool.get("ir.date")
        Invoice = pool.get("account.invoice")
        Line = pool.get("account.move.line")
        Method = pool.get("account.invoice.payment.method")
        known = cls.search([("reference", "=", reference)])
        if known:
            return known[0].told()
        invoice = Invoice(invoice_id)
        # Two payments of one invoice, under two references, come one after the other.
        invoice.lock()
        booked = sum(each.amount for each in cls.search([("invoice", "=", invoice.id), ("state", "=", "booked")]))
        refusal = _refusal(invoice, amount, currency)
        if booked != before:
            refusal = f"{booked} was booked before, not {before}"
        # First, so that of two at once one meets the constraint before it books anything.
        (settlement,) = cls.create(
            [
                {
                    "reference": reference,
                    "invoice": invoice.id,
                    "amount": amount,
                    "currency": currency,
                    "state": "refused" if refusal else "booked",
                    "detail": refusal,
                }
            ]
        )
        if refusal:
            return settlement.told()
        methods = Method.search([("name", "=", method), ("company", "=", invoice.company.id)])
        if len(methods) != 1:
            raise UserError(f"{len(methods)} payment methods of {invoice.company.rec_name} are called {method!r}.")
        lines, remainder = invoice.get_reconcile_lines_for_amount(amount, invoice.currency)
        with Transaction().set_context(company=invoice.company.id):
            today = Date.today()
        paid = invoice.pay_invoice(amount, methods[0], today, reference)
        if not remainder:
            Line.reconcile(lines + paid)
        return settlement.told()

    def told(self):
        "What stands under a reference, in the form in which pyjpm reads it."
        return {
            "state": self.state,
            "invoice": self.invoice.id,
            "amount": str(self.amount),
            "currency": self.currency,
            "detail": self.detail,
        }


def _refusal(invoice, amount, currency):
    "Why an invoice can never take this, or None."
    if invoice.currency.code != currency:
        return f"the invoice is in {invoice.currency.code}"
    if invoice.state in {"paid", "cancelled"}:
        return f"the invoice is {invoice.state}"
    # A credit note's amounts are negative, and so is what is paid on it.
    if not amount or (amount > 0) != (invoice.total_amount > 0) or abs(amount) > abs(invoice.amount_to_pay):
        return f"{invoice.amount_to_pay} is to be paid"
    return None
