"""``pyjpm demo``: the whole platform at work on a local chain, in a minute.

It replays the Northwind orders, then settles one delivery versus payment (a title document against USD) and one payment
versus payment (USD against EUR), each in one transaction, has an auditor attest the reserve and mints up to it and no
further, and writes what the chain says. The replay's figures are read
before the two trades, which bring companies and money of their own.
"""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from eth_utils.crypto import keccak
from rich.table import Table

from pyjpm.assets import TITLES
from pyjpm.cli.chains import local_platform
from pyjpm.cli.progress import ProgressLine
from pyjpm.cli.tables import console, print_replay
from pyjpm.contracts.sources import project_root
from pyjpm.custody import LocalSigner
from pyjpm.errors.refusals import ReserveShort
from pyjpm.ledger import compare, read_events
from pyjpm.money import Money
from pyjpm.orders.mapping import load_mapping
from pyjpm.orders.replay import replay
from pyjpm.participants import Kind, identity_hash
from pyjpm.platform import Platform
from pyjpm.reserve import ReserveLine
from pyjpm.terms import DAY
from pyjpm.trade import Trade

START = 836_265_600
"""1996-07-02 00:00 UTC, two days before the first order."""
BILL_OF_LADING = 1_001


def command(
    output: Annotated[Path, typer.Option("--json", help="Where to write the figures.")] = Path("build/demo.json"),
    orders: Annotated[
        Path | None, typer.Option(help="Folder with orders.csv and mapping.toml; the Northwind example if not given.")
    ] = None,
) -> None:
    """Deploy to a local Anvil, replay 830 orders, settle a DvP and a PvP, and check every figure on the chain."""
    started = time.monotonic()
    folder = orders or project_root() / "examples" / "northwind"
    with ProgressLine() as line, TemporaryDirectory(prefix="pyjpm-demo-") as name:
        work = Path(name)
        auditor = LocalSigner.generate()
        with local_platform(work, START, ("USD", "EUR"), line.step, auditor) as platform:
            mapping = load_mapping(folder / "mapping.toml")
            report = replay(
                platform.session, folder / "orders.csv", mapping, work=work / "replay", progress=line.update
            )
            line.step("settling a title document against USD, and USD against EUR")
            trades = _trades(platform)
            line.step("attesting the reserve, and minting above it")
            reserve = _reserve(platform, auditor)
            line.step("comparing all events with the chain")
            head = platform.connection.head().number
            comparison = compare(platform.session, read_events(platform.session, to_block=head), block=head)
    figures = {
        **report.to_dict(),
        "trades": trades,
        "reserve": reserve,
        "events_match_chain": report.reconciliation.events_match_chain and comparison.matches,
        "events_compared": comparison.events,
        "figures_compared": comparison.figures,
        "seconds": round(time.monotonic() - started, 1),
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print_replay(report)
    _print_trades(figures, output)
    if not figures["events_match_chain"] or not reserve["one_cent_more"]:
        raise typer.Exit(1)


def _trades(bank: Platform) -> dict[str, Any]:
    exporter = _company(bank, "Exporter", ())
    importer = _company(bank, "Importer", (Money("48000.00", "USD"),))
    dealer = _company(bank, "Dealer", (Money("46000.00", "EUR"),))

    titles = bank.assets.deploy(TITLES, "Bills of lading", "EBL", idempotency_key="demo titles")
    issued = bank.assets.issue_title(
        titles, exporter.session.wallet, BILL_OF_LADING, document="bill of lading 1001", idempotency_key="demo title"
    )
    issued.wait()
    exporter.settlement.allow_title(titles, BILL_OF_LADING, idempotency_key="demo allow").wait()
    price = Money("48000.00", "USD")
    dvp = _settled(
        "demo DvP",
        exporter,
        importer,
        [
            exporter.settlement.title(titles, BILL_OF_LADING, exporter.session.wallet, importer.session.wallet),
            exporter.settlement.cash(importer.session.wallet, exporter.session.wallet, price),
        ],
    )
    pvp = _settled(
        "demo PvP",
        exporter,
        dealer,
        [
            exporter.settlement.cash(exporter.session.wallet, dealer.session.wallet, price),
            exporter.settlement.cash(dealer.session.wallet, exporter.session.wallet, Money("46000.00", "EUR")),
        ],
    )
    return {
        "dvp": {
            **_facts(bank, dvp),
            "title_owner_is_importer": bank.assets.owner_of_title(titles, BILL_OF_LADING) == importer.session.wallet,
            "importer_usd": str(bank.deposits.balance(importer.session.wallet, currency="USD").balance.amount),
        },
        "pvp": {
            **_facts(bank, pvp),
            "dealer_usd": str(bank.deposits.balance(dealer.session.wallet, currency="USD").balance.amount),
            "exporter_eur": str(bank.deposits.balance(exporter.session.wallet, currency="EUR").balance.amount),
        },
    }


def _reserve(bank: Platform, auditor: LocalSigner) -> dict[str, Any]:
    """An auditor counts 1,000.00 more than there are tokens: so much is minted, and not a cent above it."""
    supply, more, cent = bank.deposits.supply("USD"), Money("1000.00", "USD"), Money("0.01", "USD")
    lines = [ReserveLine("CENTRAL_BANK", "BANKUS33", supply), ReserveLine("TREASURY_BILL", "BANKUS33", more)]
    statement = bank.reserve.propose("USD", lines, report=keccak(text="the auditor's report"))
    signed = bank.acting(auditor).reserve.sign(statement)
    bank.reserve.submit(signed, idempotency_key="demo reserve").wait()
    holder = _company(bank, "Depositor", (more,)).session.wallet
    try:
        bank.deposits.mint(holder, cent, deposit_reference="demo above", idempotency_key="demo above")
        refused = ""
    except ReserveShort as error:
        refused = error.code
    backing = bank.reserve.backing("USD")
    return {
        "attested": str(backing.attested.amount),
        "by_class": {name: str(amount.amount) for name, amount in backing.by_class.items()},
        "supply": str(backing.supply.amount),
        "surplus": str(backing.surplus.amount),
        "signed_by_the_auditor_alone": list(signed.signatures) == [auditor.address],
        "one_cent_more": refused,
    }


def _company(bank: Platform, name: str, money: tuple[Money, ...]) -> Platform:
    """A company onboarded with a daily limit and deposits."""
    company = bank.acting(LocalSigner.generate())
    link = company.participants.wallet_link(identity_hash({"name": name}, b"demo salt of 16+"))
    kyc_expiry = bank.session.now() + 365 * DAY
    onboarding = bank.participants.onboard(
        link, kind=Kind.CORPORATE, jurisdiction=840, kyc_expiry=kyc_expiry, idempotency_key=f"demo onboard {name}"
    )
    participant = onboarding.wait().participant
    for currency in ("USD", "EUR"):
        limit = Money("1000000.00", currency)
        bank.participants.set_daily_limit(participant, limit, idempotency_key=f"demo limit {name} {currency}").wait()
    for amount in money:
        bank.deposits.mint(
            participant, amount, deposit_reference=f"demo {name}", idempotency_key=f"demo deposit {name}"
        ).wait()
    return company


def _settled(key: str, proposer: Platform, other: Platform, legs: list[Any]) -> Trade:
    document = other.settlement.affirm(
        proposer.settlement.affirm(proposer.settlement.propose(legs, trade_reference=key))
    )
    return proposer.settlement.settle(document, idempotency_key=key).wait()


def _facts(bank: Platform, trade: Trade) -> dict[str, Any]:
    assert trade.act is not None and trade.act.tx_hash is not None
    receipt = bank.connection.receipt(trade.act.tx_hash)
    assert receipt is not None
    return {
        "status": trade.status,
        "transaction": trade.act.tx_hash,
        "transfers_in_it": sum(len(log.topics) > 0 and log.topics[0] == _TRANSFER for log in receipt.logs),
        "gas": receipt.gas_used,
    }


_TRANSFER = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")


def _print_trades(figures: dict[str, Any], output: Path) -> None:
    out = console()
    out.print("\ntrades, one transaction each")
    table = Table()
    for name in ("trade", "state", "transfers", "gas"):
        table.add_column(name, justify="left" if name in ("trade", "state") else "right")
    labels = {"dvp": "title document against USD 48,000.00", "pvp": "USD 48,000.00 against EUR 46,000.00"}
    for name, label in labels.items():
        facts = figures["trades"][name]
        table.add_row(label, facts["status"], str(facts["transfers_in_it"]), f"{facts['gas']:,}")
    out.print(table)
    reserve = figures["reserve"]
    out.print(
        f"reserve attested by an auditor's key: USD {Decimal(reserve['attested']):,}, "
        f"supply: USD {Decimal(reserve['supply']):,}, "
        f"one cent more: {reserve['one_cent_more'] or 'MINTED'}"
    )
    out.print(
        f"{figures['events_compared']:,} events rebuilt {figures['figures_compared']:,} figures: "
        f"{'all equal to the chain' if figures['events_match_chain'] else 'NOT equal to the chain'}"
    )
    out.print(f"{figures['seconds']} s; all figures in {output}")
