"""A buyer's Tryton 8 as a source of order events: its purchases, what came of them, the suppliers' invoices.

What it tells of a purchase (``order`` is its number, ``reference`` in ``extra`` the supplier's own):

=============  ==================  ===================================================================================
status         milestone           when
=============  ==================  ===================================================================================
``confirmed``  (none), ``seq`` 1   the purchase is being processed; ``accepted`` is its total
``received``   ``goods``           goods came in, or nothing more will come; ``accepted`` is the part that came
``invoiced``   ``invoice NUMBER``  a supplier's invoice is posted; ``accepted`` is its total
``credited``   ``credit NUMBER``   a supplier's credit note is posted; ``accepted`` is what it gives back
=============  ==================  ===================================================================================

Decisions that govern this module:

* A source of its own: a sale and a purchase of one Tryton may have the same number, and an event is stored once by its
  source, order, milestone and seq.
* Received is what the supplier's delivery brought in, whether or not it was put into storage since.
"""

from __future__ import annotations

from typing import Final

from pyjpm.orders.connectors.tryton_changes import OVERLAP, PAGE
from pyjpm.orders.connectors.tryton_rpc import TrytonRpc
from pyjpm.orders.connectors.tryton_trade import Side, TradeConnector

RECEIVED: Final = "received"
PURCHASES: Final = "tryton-purchases"


class TrytonPurchases(TradeConnector):
    """Polls the purchases of one Tryton database. See ``TradeConnector``."""

    SIDE = Side("purchase", moved=RECEIVED, invoices="in", cursor="purchases")

    def __init__(self, rpc: TrytonRpc, *, source: str = PURCHASES, overlap: int = OVERLAP, page: int = PAGE) -> None:
        super().__init__(rpc, source=source, overlap=overlap, page=page)
