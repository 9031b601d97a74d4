"""Delivery versus payment: a title document against money, in one transaction.

    python scripts/dvp.py propose --key seller --asset 0x… --title 1001 --buyer 0x… --price "USD 48000.00" --out t.json
    python scripts/dvp.py affirm --key buyer --trade t.json --out t2.json
    python scripts/dvp.py settle --trade t2.json

Each party runs its own step with its own key; only the signed document travels. Without arguments, on a development
chain, it does everything for an exporter and an importer.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pyjpm.assets import TITLES
from pyjpm.cli.script import finish
from pyjpm.documents import Document
from pyjpm.money import Money
from pyjpm.platform import Platform
from pyjpm.trade import Trade
from pyjpm.workplace import BANK, Workplace, arguments

NUMBER, PRICE = 1001, "USD 48000.00"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="dvp", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", nargs="?", choices=("propose", "affirm", "settle"))
    parser.add_argument("--key", default=BANK, help="name of the key that acts")
    parser.add_argument("--asset", help="address of the title contract")
    parser.add_argument("--title", type=int, default=NUMBER, help="number of the title")
    parser.add_argument("--buyer", help="the buyer's wallet")
    parser.add_argument("--price", default=PRICE, help="currency and amount")
    parser.add_argument("--trade", type=Path, metavar="FILE", help="the trade's document")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the document")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments())
    for name in {"propose": ("asset", "buyer", "out"), "affirm": ("trade", "out"), "settle": ("trade",)}.get(
        chosen.step, ()
    ):
        if getattr(chosen, name) is None:
            parser.error(f"{chosen.step} needs --{name}")

    def work() -> dict[str, object]:
        place = Workplace()
        if chosen.step is None:
            return whole(place)
        with place.platform(chosen.key) as platform:
            if chosen.step == "settle":
                return described(settled(platform, Document.load(chosen.trade)))
            if chosen.step == "affirm":
                document = platform.settlement.affirm(Document.load(chosen.trade))
            else:
                document = proposed(platform, chosen.asset, chosen.title, chosen.buyer, Money.parse(chosen.price))
            document.save(chosen.out)
            return {"document": str(chosen.out), "signed by": ", ".join(document.signatures)}

    finish(work, as_json=chosen.json)


def proposed(seller: Platform, asset: str, title: int, buyer: str, price: Money) -> Document:
    """The seller lets the settlement contract deliver the title, and affirms the trade."""
    seller.settlement.allow_title(asset, title, idempotency_key=f"allow {asset} {title}").wait()
    legs = [
        seller.settlement.title(asset, title, seller.session.wallet, buyer),
        seller.settlement.cash(buyer, seller.session.wallet, price),
    ]
    document = seller.settlement.propose(legs, trade_reference=f"title {asset} {title}")
    return seller.settlement.affirm(document)


def settled(platform: Platform, document: Document) -> Trade:
    key = f"settle {document.body.get('tradeReference')}"
    return platform.settlement.settle(document, idempotency_key=key).wait()


def whole(place: Workplace) -> dict[str, object]:
    with place.platform() as bank:
        exporter = place.company(bank, "exporter")
        importer = place.company(bank, "importer", Money.parse(PRICE))
        titles = bank.assets.deploy(TITLES, "Bills of lading", "EBL", idempotency_key="titles")
        bank.assets.issue_title(
            titles, exporter.session.wallet, NUMBER, document="bill of lading 1001", idempotency_key="title"
        ).wait()
        if bank.assets.owner_of_title(titles, NUMBER) == importer.session.wallet:
            return {"trade": "settled before", "owner of title": importer.session.wallet}
        document = proposed(exporter, titles, NUMBER, importer.session.wallet, Money.parse(PRICE))
        trade = settled(bank, importer.settlement.affirm(document))
        return {
            **described(trade),
            "owner of title": bank.assets.owner_of_title(titles, NUMBER),
            "exporter has": str(bank.deposits.balance(exporter.session.wallet, currency="USD").balance),
        }


def described(trade: Trade) -> dict[str, object]:
    return {"trade": trade.id, "status": trade.status.value, "transaction": trade.act.tx_hash if trade.act else ""}


if __name__ == "__main__":
    main()
