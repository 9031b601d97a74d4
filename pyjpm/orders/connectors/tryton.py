"""A seller's Tryton 8 as a source of order events: its sales, what was shipped of them, their invoices, credit notes.

What it tells of a sale (``order`` is its number):

=============  ==================  ===================================================================================
status         milestone           when
=============  ==================  ===================================================================================
``confirmed``  (none), ``seq`` 1   the sale is being processed; ``accepted`` is its total
``shipped``    ``goods``           a shipment is done, or nothing more will come; ``accepted`` is the delivered part
``invoiced``   ``invoice NUMBER``  an invoice is posted; ``accepted`` is its total
``credited``   ``credit NUMBER``   a credit note is posted, of a return or of an invoice; ``accepted`` is what it gives
=============  ==================  ===================================================================================

Decisions that govern this module:

* The notices of the module ``pyjpm_bridge`` name the same events alike: ``seq`` and ``document`` of ``shipped`` follow
  from the sale alone (``tryton_trade``, ``tryton_moved``).
* Its cursors do not say what they are of, as those that were stored before there were purchases.
"""

from __future__ import annotations

from typing import Final

from pyjpm.orders.connectors.tryton_changes import OVERLAP, PAGE
from pyjpm.orders.connectors.tryton_rpc import TrytonRpc
from pyjpm.orders.connectors.tryton_trade import CONFIRMED, CREDITED, GOODS, INVOICED, Side, TradeConnector

__all__ = ["CONFIRMED", "CREDITED", "GOODS", "INVOICED", "SHIPPED", "TrytonConnector"]

SHIPPED: Final = "shipped"


class TrytonConnector(TradeConnector):
    """Polls the sales of one Tryton database. See ``TradeConnector``."""

    SIDE = Side("sale", moved=SHIPPED, invoices="out", cursor=None)

    def __init__(self, rpc: TrytonRpc, *, source: str = "tryton", overlap: int = OVERLAP, page: int = PAGE) -> None:
        super().__init__(rpc, source=source, overlap=overlap, page=page)
