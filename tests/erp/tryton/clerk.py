"""A person at Tryton: sells, ships, takes back, buys, receives, posts invoices; run by the Python of .venv-tryton.

    clerk.py URL LOGIN < password and then commands

Speaks to a running Tryton by proteus, as its desktop client would. Takes the password in the first line and then
one JSON array a line, a verb and its arguments, and answers one JSON value a line. What Tryton refuses ends it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from proteus import Model, Wizard, config


def quote(quantity: int, method: str, taken_back: int = 0) -> str:
    """A sale of so many pieces at 10.00, invoiced by ``order`` or by what was shipped (``fulfillment``); in its other
    direction so many that are taken back."""
    sale = Model.get("sale.sale")()
    (sale.party,) = Model.get("party.party").find([("name", "=", "Save-a-lot Markets")])
    sale.invoice_method = method
    (sale.payment_term,) = Model.get("account.invoice.payment_term").find([("name", "=", "Direct")])
    for each in (quantity, -taken_back) if taken_back else (quantity,):
        line = sale.lines.new(quantity=float(each))
        (line.product,) = Model.get("product.product").find([("name", "=", "Chai")])
        line.unit_price = Decimal("10.00")
    sale.click("quote")
    return str(sale.number)


def confirm(number: str) -> str:
    """The customer said yes."""
    sale = _sale(number)
    sale.click("confirm")
    return str(sale.state)


def ship(number: str, quantity: int | None = None) -> str:
    """What waits for this sale leaves the warehouse, or so many pieces of it; the rest waits on."""
    (shipment,) = [each for each in _sale(number).shipments if each.state in {"draft", "waiting"}]
    if shipment.state == "draft":
        shipment.click("wait")
    if quantity is not None:
        (move,) = shipment.inventory_moves
        move.quantity = float(quantity)
        shipment.save()
    for step in ("assign_force", "pick", "pack", "do"):
        shipment.click(step)
    return str(shipment.state)


def close_short(number: str) -> str:
    """Nothing more will come: what waits is cancelled, and the sale told to do without it."""
    for shipment in _sale(number).shipments:
        if shipment.state in {"draft", "waiting"}:
            shipment.click("cancel")
    sale = _sale(number)
    handling = Wizard("sale.handle.shipment.exception", [sale])
    ids = [move.id for move in handling.form.domain_moves]
    handling.form.ignore_moves.extend(Model.get("stock.move").find([("id", "in", ids)]))
    handling.execute("handle")
    sale.reload()
    return str(sale.shipment_state)


def take_back(number: str) -> str:
    """The customer returns all of it: a return sale, its shipment received and done."""
    sale = _sale(number)
    returning = Wizard("sale.return_sale", [sale])
    returning.execute("return_")
    (back,) = Model.get("sale.sale").find([("origin", "=", f"sale.sale,{sale.id}")])
    back.click("quote")
    back.click("confirm")
    back.reload()
    (shipment,) = back.shipment_returns
    shipment.click("receive")
    shipment.click("do")
    return str(back.number)


def post_invoices(number: str) -> list[str]:
    """The bookkeeper posts what is drafted for this sale; the numbers of all its invoices."""
    sale = _sale(number)
    for invoice in sale.invoices:
        if invoice.state == "draft":
            invoice.click("post")
    return [str(invoice.number) for invoice in _sale(number).invoices]


def credit_invoice(number: str, kind: str = "out") -> str:
    """The bookkeeper credits an invoice, or a supplier's (``in``), by Tryton's wizard, posts the note; its number."""
    (invoice,) = Model.get("account.invoice").find([("number", "=", number), ("type", "=", kind)])
    crediting = Wizard("account.invoice.credit", [invoice])
    crediting.form.with_refund = False
    crediting.execute("credit")
    (note,) = [each for each in Model.get("account.invoice").find([("state", "=", "draft")]) if each.total_amount < 0]
    note.invoice_date = date.today()
    note.click("post")
    return str(note.number)


def buy(quantity: int, method: str) -> str:
    """A purchase of so many pieces at 10.00, not yet confirmed; invoiced as :func:`quote` has it."""
    purchase = Model.get("purchase.purchase")()
    (purchase.party,) = Model.get("party.party").find([("name", "=", "Exotic Liquids")])
    purchase.invoice_method, purchase.reference = method, f"EL-{quantity}"
    (purchase.payment_term,) = Model.get("account.invoice.payment_term").find([("name", "=", "Direct")])
    line = purchase.lines.new(quantity=float(quantity))
    (line.product,) = Model.get("product.product").find([("name", "=", "Chai")])
    line.unit_price = Decimal("10.00")
    purchase.click("quote")
    return str(purchase.number)


def order(number: str) -> str:
    """The supplier is told that we buy."""
    purchase = _purchase(number)
    purchase.click("confirm")
    return str(purchase.state)


def receive(number: str, quantity: int | None = None, stored: bool = True) -> str:
    """What we wait for of this purchase comes in, or so many pieces of it, and is put into storage unless said."""
    purchase = _purchase(number)
    (move,) = [each for each in purchase.moves if each.state == "draft"]
    shipment = Model.get("stock.shipment.in")(supplier=purchase.party)
    shipment.incoming_moves.append(Model.get("stock.move")(move.id))
    if quantity is not None:
        shipment.incoming_moves[0].quantity = float(quantity)
    shipment.click("receive")
    if stored:
        shipment.click("do")
    return str(shipment.state)


def receive_no_more(number: str) -> str:
    """What has not come is cancelled, and the purchase told to do without it."""
    purchase = _purchase(number)
    for move in purchase.moves:
        if move.state == "draft":
            move.click("cancel")
    handling = Wizard("purchase.handle.shipment.exception", [purchase])
    handling.form.ignore_moves.extend(handling.form.ignore_moves.find())
    handling.execute("handle")
    purchase.reload()
    return str(purchase.shipment_state)


def send_back(number: str) -> str:
    """We return all of it to the supplier: a return purchase, its shipment done; its number."""
    purchase = _purchase(number)
    Wizard("purchase.return_purchase", [purchase]).execute("return_")
    (back,) = Model.get("purchase.purchase").find([("origin", "=", f"purchase.purchase,{purchase.id}")])
    back.click("quote")
    back.click("confirm")
    back.reload()
    (shipment,) = back.shipment_returns
    shipment.click("assign_force")
    shipment.click("do")
    return str(back.number)


def post_bills(number: str) -> list[str]:
    """The bookkeeper posts what the supplier has billed for this purchase; the numbers of all these invoices."""
    for invoice in _purchase(number).invoices:
        if invoice.state == "draft":
            invoice.invoice_date, invoice.reference = date.today(), f"{invoice.party.name} {invoice.id}"
            invoice.click("post")
    return [str(invoice.number) for invoice in _purchase(number).invoices]


def states() -> dict[str, str]:
    """The states of all invoices by number; asked for over and over, so in one call."""
    proxy = Model.get("account.invoice")._proxy
    fields = ["number", "state"]
    return {each["number"]: each["state"] for each in proxy.search_read([], 0, None, None, fields, {})}


def books(*numbers: str) -> dict[str, Any]:
    """What the books say, read past everything of pyjpm's: invoices (all, or these), payments on each, cash."""
    moves = Model.get("account.move").find([("journal.type", "=", "cash")], order=[("id", "ASC")])
    wanted = [("number", "in", list(numbers))] if numbers else []
    invoices = [
        {
            "number": invoice.number,
            "state": invoice.state,
            "total": str(invoice.total_amount),
            "payments": [
                str(sum(line.debit - line.credit for line in move.lines if line.account.code == "1.1.1"))
                for move in moves
                if move.origin == invoice
            ],
        }
        for invoice in Model.get("account.invoice").find(wanted, order=[("id", "ASC")])
    ]
    (cash,) = Model.get("account.account").find([("code", "=", "1.1.1")])
    sales = Model.get("sale.sale").find([], order=[("id", "ASC")])
    return {
        "invoices": invoices,
        "moves": len(moves),
        "cash": str(cash.balance),
        "sales": {sale.number: sale.state for sale in sales},
    }


def _sale(number: str) -> Any:
    (sale,) = Model.get("sale.sale").find([("number", "=", number)])
    return sale


def _purchase(number: str) -> Any:
    (purchase,) = Model.get("purchase.purchase").find([("number", "=", number)])
    return purchase


SELLING = (quote, confirm, ship, close_short, take_back, post_invoices)
BUYING = (buy, order, receive, receive_no_more, send_back, post_bills)
VERBS: dict[str, Callable[..., Any]] = {
    each.__name__: each for each in (*SELLING, *BUYING, credit_invoice, states, books)
}


def main(url: str, login: str) -> None:
    # A session: with basic authentication every call hashes the password anew.
    with config.set_xmlrpc_session(url, login, sys.stdin.readline().rstrip("\n")):
        for line in sys.stdin:
            verb, *arguments = json.loads(line)
            print(json.dumps(VERBS[verb](*arguments)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
