"""What backs the tokens: proposed by the bank, signed by each auditor, put onto the chain by anyone.

    python scripts/attest_reserve.py propose --line CENTRAL_BANK BANKUS33 "USD 1000000.00" --report a.pdf --out s.json
    python scripts/attest_reserve.py sign --key auditor --document s.json --out s1.json
    python scripts/attest_reserve.py submit --document s1.json s2.json

Each runs its own step with its own key; only the signed document travels. Without arguments it shows what stands behind
each currency now.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from eth_utils.crypto import keccak

from pyjpm.cli.script import finish
from pyjpm.documents import Document
from pyjpm.money import Money
from pyjpm.platform import Platform
from pyjpm.reserve import ReserveLine
from pyjpm.terms import DAY
from pyjpm.workplace import BANK, Workplace, arguments


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="attest_reserve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", nargs="?", choices=("propose", "sign", "submit"))
    parser.add_argument("--key", default=BANK, help="name of the key that acts")
    parser.add_argument(
        "--line",
        nargs=3,
        action="append",
        default=[],
        metavar=("CLASS", "CUSTODIAN", "AMOUNT"),
        help="what was counted",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="the auditors' report; its hash goes onto the chain"
    )
    parser.add_argument("--days", type=int, default=31, help="how long the attestation shall back mints")
    parser.add_argument("--document", type=Path, nargs="+", metavar="FILE", help="the attestation's documents")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the document")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments())
    needs = {"propose": ("line", "report", "out"), "sign": ("document", "out"), "submit": ("document",)}
    for name in needs.get(chosen.step, ()):
        if not getattr(chosen, name):
            parser.error(f"{chosen.step} needs --{name}")

    def work() -> dict[str, object]:
        place = Workplace()
        with place.platform(chosen.key) as platform:
            if chosen.step is None:
                return shown(platform)
            if chosen.step == "propose":
                return written(proposed(platform, chosen), chosen.out)
            documents = [Document.load(path) for path in chosen.document]
            if chosen.step == "sign":
                return written(platform.reserve.sign(documents[0]), chosen.out)
            return submitted(platform, platform.reserve.collect(documents))

    finish(work, as_json=chosen.json)


def proposed(platform: Platform, chosen: argparse.Namespace) -> Document:
    lines = [ReserveLine(kind, custodian, Money.parse(amount)) for kind, custodian, amount in chosen.line]
    report = keccak(chosen.report.read_bytes())
    return platform.reserve.propose(lines[0].amount.currency, lines, report=report, valid_for=chosen.days * DAY)


def written(document: Document, path: Path) -> dict[str, object]:
    document.save(path)
    return {
        **document.body,
        "lines": len(document.body["lines"]),
        "signed by": len(document.signatures),
        "in": str(path),
    }


def submitted(platform: Platform, document: Document) -> dict[str, object]:
    currency, sequence = document.body["currency"], document.body["sequence"]
    platform.reserve.submit(document, idempotency_key=f"reserve {currency} {sequence}").wait()
    return backed(platform, currency)


def shown(platform: Platform) -> dict[str, object]:
    return {
        f"{name} {what}": value for name in platform.record.tokens for what, value in backed(platform, name).items()
    }


def backed(platform: Platform, currency: str) -> dict[str, object]:
    backing = platform.reserve.backing(currency)
    amounts = {"attested": backing.attested, "supply": backing.supply, "surplus": backing.surplus}
    return {
        "freshness": backing.freshness,
        **{name: str(amount) for name, amount in amounts.items()},
        "valid until": backing.valid_until,
        "next due": backing.next_due,
    }


if __name__ == "__main__":
    main()
