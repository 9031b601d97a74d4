# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices: what pyjpm is told of a sale, stored with the shipment and posted after it.

* A notice is written in the transaction that does the shipment: there is none without the other.
* It is posted after that transaction, and again by a cron until it was taken. The receiver stores it once by its
  (source, order, milestone, seq), and reads the same by RPC anyway: a lost notice costs time, never money.
* ``seq`` follows from the sale alone: twice the number of its moves that are done or cancelled, and one more once
  nothing is left to come. It only grows, and whoever computes it from the same state gets the same.
"""

import base64
import datetime
import hashlib
import hmac
import json
import logging
import time
import urllib.request
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import trytond.config as config
from trytond.model import ModelSQL, ModelView, fields
from trytond.pool import Pool

SECTION = "pyjpm_bridge"
TIMEOUT = 5

logger = logging.getLogger(__name__)


class Notice(ModelSQL, ModelView):
    "Notice to pyjpm"

    __name__ = "pyjpm.notice"

    sale = fields.Many2One("sale.sale", "Sale", required=True, ondelete="CASCADE")
    body = fields.Text("Body", required=True)
    posted_at = fields.Timestamp("Posted at")
    failure = fields.Char("Failure", help="Why it was not taken when it was last posted.")

    @classmethod
    def of_sales(cls, sales):
        "Store a notice for each sale, and post them after this transaction."
        if not config.get(SECTION, "url"):
            return
        events = [(sale, event(sale)) for sale in sales]
        notices = cls.create(
            [
                {"sale": sale.id, "body": json.dumps({"events": [told]}, sort_keys=True)}
                for sale, told in events
                if told is not None
            ]
        )
        if notices:
            cls.__queue__.post(notices)

    @classmethod
    def post(cls, notices):
        "Post those that were not taken yet."
        for notice in notices:
            if notice.posted_at:
                continue
            try:
                _post(notice.body.encode())
            except Exception as failure:
                notice.failure = type(failure).__name__
                logger.warning("notice %s was not taken: %r", notice.id, failure)
            else:
                notice.posted_at = datetime.datetime.now()
                notice.failure = None
        cls.save(notices)

    @classmethod
    def post_pending(cls):
        "For the cron."
        # Those that wait longest since they were last tried: what is never taken does not keep others waiting.
        waiting = cls.search([("posted_at", "=", None)], limit=100, order=[("write_date", "ASC"), ("id", "ASC")])
        cls.post(waiting)


def event(sale):
    "What a sale's deliveries have come to, in the form in which pyjpm takes it; None for what only a poll can tell."
    Move = Pool().get("stock.move")
    # Not the stored progress, nor the sale's shipment_state: a task computes them after this transaction.
    progress = {line.id: line.get_moves_progress("moves_progress") for line in sale.lines if line.type == "line"}
    lines = [line for line in sale.lines if progress.get(line.id) is not None]
    moves = Move.browse([move.id for line in lines for move in line.moves])
    done = sorted((move for move in moves if move.state == "done"), key=lambda move: move.id)
    closed = sum(move.state in {"done", "cancelled"} for move in moves)
    complete = all(progress[line.id] >= 1 and not _rounded(line) for line in lines)
    both_ways = any(line.quantity < 0 for line in lines)
    if sale.total_amount <= 0 or both_ways or any(move.unit != move.origin.unit for move in done):
        return None
    delivery = {
        "sale": sale.number,
        "moves": [
            {"id": move.id, "product": move.product.id, "quantity": _plain(move.quantity), "unit": move.unit.id}
            for move in done
        ],
    }
    document = json.dumps(delivery, sort_keys=True, separators=(",", ":")).encode()
    at = max(move.effective_date for move in done)
    return {
        "source": config.get(SECTION, "source", default="tryton"),
        "order": sale.number,
        "milestone": "goods",
        "seq": 2 * closed + complete,
        "status": "shipped",
        "accepted": str(accepted(sale, lines, done)),
        "currency": sale.currency.code,
        "complete": complete,
        "document": base64.b64encode(document).decode(),
        # Tryton tells days: their beginning in UTC.
        "at": f"{at}T00:00:00Z",
    }


def accepted(sale, lines, done):
    "The delivered part of the sale's total, taxes included, rounded half up to the minor unit."
    prices = {line.id: line.unit_price for line in lines}
    ordered = sum(_exact(line.quantity) * line.unit_price for line in lines)
    delivered = sum(_exact(move.quantity) * prices[move.origin.id] for move in done)
    part = min(delivered / ordered, Decimal(1)) if ordered else Decimal(1)
    return (sale.total_amount * part).quantize(Decimal(1).scaleb(-sale.currency.digits), ROUND_HALF_UP)


def _rounded(line):
    "Whether something is left that Tryton's progress, of four digits, does not show."
    settled = [move for move in line.moves if move.state == "done" or move in line.moves_ignored]
    ordered = abs(_exact(line.quantity))
    left = ordered - sum(_exact(move.quantity) for move in settled)
    return 0 < left <= ordered * Decimal("0.00005")


def _exact(quantity):
    return Decimal(str(quantity))


def _plain(quantity):
    return format(_exact(quantity).normalize(), "f")


def _post(body):
    secret = Path(config.get(SECTION, "secret_file")).read_bytes().strip()
    now = int(time.time())
    signature = hmac.new(secret, b"%d." % now + body, hashlib.sha256).hexdigest()
    request = urllib.request.Request(
        config.get(SECTION, "url"),
        body,
        {"Content-Type": "application/json", "Pyjpm-Signature": f"t={now},v1={signature}"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT):
        pass
