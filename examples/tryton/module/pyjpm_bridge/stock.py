# SPDX-License-Identifier: GPL-3.0-or-later
"""Shipments tell pyjpm when they are done."""

from trytond.model import ModelView, Workflow
from trytond.pool import Pool, PoolMeta


class ShipmentOut(metaclass=PoolMeta):
    __name__ = "stock.shipment.out"

    @classmethod
    @ModelView.button
    @Workflow.transition("done")
    def do(cls, shipments):
        pool = Pool()
        Notice = pool.get("pyjpm.notice")
        Sale = pool.get("sale.sale")
        super().do(shipments)
        sales = {move.sale.id for shipment in shipments for move in shipment.outgoing_moves if move.sale}
        Notice.of_sales(Sale.browse(sorted(sales)))
