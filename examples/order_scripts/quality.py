"""An order-status script: what is delivered is paid, unless the inspector or the amount says otherwise.

    pyjpm orders watch --script examples/order_scripts/quality.py …

A delivery that came a week early earns the seller a bonus, paid once by the intake's own wallet.
"""

from pyjpm import Money
from pyjpm.orders.intake import Decision, Occasion, hold, ignore, on_status, release

FOUR_EYES_FROM = Money("50000.00", "USD")
BONUS = Money("25.00", "USD")
EARLY = 7 * 86_400


@on_status("SHIPPED")
def shipped(occasion: Occasion) -> Decision:
    told = occasion.event.extra
    if told.get("kind") == "sample":
        return ignore("samples are free")
    if told.get("quality") == "rework":
        return hold("the inspector asked for rework")
    if occasion.accepted >= FOUR_EYES_FROM:
        return hold("four eyes from 50,000.00 up")
    terms = occasion.bound.terms
    if terms.milestones[occasion.milestone].attest_by - occasion.event.at > EARLY:
        # Of the order, not of the event: an ERP may tell of one delivery under several revisions.
        key = f"bonus/{occasion.bound.chain_order}/{occasion.milestone}"
        occasion.platform.payments.create(terms.seller, BONUS, idempotency_key=key)
    return release()
