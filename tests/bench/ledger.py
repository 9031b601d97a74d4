"""`make bench-ledger`: how fast a ledger is filled from block 0, in SQLite and PostgreSQL, beside web3.py's get_logs.

One Anvil holds 100,000 payments in batches and 10,000 orders that were opened, funded, attested and paid. web3.py is
asked for events as its documentation shows, ``contract.events.NAME.get_logs``: fetched and decoded, nothing stored (of
a sample of the blocks: all would take minutes). Our side fetches, decodes, posts and commits all of them. Each side
runs in turn, so many rounds; the medians are compared. Afterwards the ledger's figures are compared with the
contracts', wallet by wallet. All goes to build/bench-ledger.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from send import _machine, _versions
from web3 import HTTPProvider, Web3

sys.path.insert(0, str(Path(__file__).parents[1]))
from postgres import PostgresServer

from pyjpm import LocalSigner, Platform
from pyjpm.cli.chains import local_platform
from pyjpm.contracts import artifacts
from pyjpm.ledger import Ledger
from pyjpm.orders.mapping import load_mapping
from pyjpm.orders.replay import replay
from pyjpm.sending.reference import batch_reference
from pyjpm.testing import new_company

ROOT = Path(__file__).parents[2]
IN_A_BATCH = 500
BUYERS = 20
IN_A_DAY = 1_000
TARGET_RATIO = 12
TARGET_RATE = 30_000
ROUNDS = 3

MAPPING = """
[columns]
order = "order"
buyer = "buyer"
seller = { value = "SELLER" }
amount = "amount"
currency = { value = "USD" }
opened = "opened"
[statuses]
SHIPPED = 1
[wide]
SHIPPED = "shipped"
[[terms]]
name = "pay-first"
milestones = [{ mode = "prefund", required = "SHIPPED", attest_by = { after_opened = "60d" } }]
[parties]
file = "parties.csv"
id = "id"
name = "name"
country = "country"
[parties.countries]
US = "US"
[attesters]
count = 3
threshold = 2
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=100_000)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pyjpm-bench-") as name, PostgresServer() as server:
        folder = Path(name)
        with local_platform(folder, None, ["USD"], _say) as bank:
            ranges = []
            for make in (lambda: _orders(bank, folder, options.orders), lambda: _payments(bank, options.payments)):
                first = bank.connection.head().number + 1
                make()
                ranges.append(range(first, bank.connection.head().number + 1))
            _say(f"made in {time.monotonic() - began:.0f} s")
            found = _measure(bank, folder, server, options.rounds, _sample(ranges))
    found |= {
        "payments": options.payments,
        "orders": options.orders,
        "targets": {"ratio_to_web3": TARGET_RATIO, "events_per_second": TARGET_RATE},
        "machine": _machine(found["load_before"]),
        "versions": _versions(),
        "seconds": round(time.monotonic() - began, 1),
    }
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "bench-ledger.json").write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps({name: found[name] for name in ("events", "web3", "sqlite", "postgresql", "seconds")}))
    if not all(found[kind]["equal_to_chain"] for kind in ("sqlite", "postgresql")):
        raise SystemExit("the ledger is not equal to the chain")


def _measure(bank: Platform, folder: Path, server: PostgresServer, rounds: int, sample: list[range]) -> dict[str, Any]:
    load = os.getloadavg()[0]
    head = bank.connection.head().number
    runs: dict[str, list[float]] = {"web3": [], "web3_undecoded": [], "sqlite": [], "postgresql": []}
    cpu: dict[str, list[float]] = {"sqlite": [], "postgresql": []}
    ledgers: dict[str, str | Path] = {}
    events = 0
    for number in range(rounds):
        runs["web3"].append(_web3(bank, sample, decoded=True))
        runs["web3_undecoded"].append(_web3(bank, sample, decoded=False))
        for kind, where in (("sqlite", folder / f"{number}.db"), ("postgresql", server.url(server.create()))):
            ledgers[kind] = where
            with Ledger(where, bank) as ledger:
                started, used = time.monotonic(), time.process_time()
                events = ledger.sync(until=head).events
                runs[kind].append(events / (time.monotonic() - started))
                cpu[kind].append((time.process_time() - used) / events * 1e6)
        _say(", ".join(f"{name} {rates[-1]:,.0f}/s" for name, rates in runs.items()))
    medians = {name: statistics.median(rates) for name, rates in runs.items()}
    digests = set()
    found: dict[str, Any] = {"events": events, "load_before": load}
    for kind, where in ledgers.items():
        with Ledger(where, bank) as ledger:
            compared = ledger.compare()
            digests.add(ledger.digest())
        found[kind] = {
            "events_per_second": round(medians[kind]),
            "ratio_to_web3": round(medians[kind] / medians["web3"], 1),
            # Of this process alone, without node and server: what a busy machine does not change.
            "cpu_microseconds_per_event": round(statistics.median(cpu[kind]), 1),
            "equal_to_chain": compared.matches,
            "figures_compared": compared.figures,
        }
    found["web3"] = {
        "events_per_second": round(medians["web3"]),
        "undecoded_events_per_second": round(medians["web3_undecoded"]),
    }
    found["same_in_both"] = len(digests) == 1
    found["runs"] = {name: [round(rate) for rate in rates] for name, rates in runs.items()}
    return found


def _sample(ranges: list[range]) -> list[range]:
    """Blocks of orders and blocks of payments, from the middle of each: all of them would take web3.py minutes."""
    middles = [(each.start + each.stop) // 2 for each in ranges]
    return [
        range(middle, min(middle + blocks, each.stop))
        for middle, blocks, each in zip(middles, (2, 10), ranges, strict=True)
    ]


def _web3(bank: Platform, sample: list[range], *, decoded: bool) -> float:
    """Events a second of web3.py over a sample of the same blocks."""
    web3 = Web3(HTTPProvider(bank.connection.where))
    count, started = 0, time.monotonic()
    sides = {
        "USD": ("DepositToken", ("Paid", "Transfer", "Held", "HoldExecuted")),
        "OrderEscrow": ("OrderEscrow", ("OrderOpened", "MilestoneFunded", "StatusAttested", "MilestoneReleased")),
    }
    for blocks in sample:
        first, last = blocks.start, blocks.stop - 1
        for contract, (artifact, names) in sides.items():
            address = bank.session.address(contract)
            if not decoded:
                count += len(web3.eth.get_logs({"address": address, "fromBlock": first, "toBlock": last}))
                continue
            made = web3.eth.contract(address=address, abi=artifacts.load(artifact).abi)
            for name in names:
                count += len(made.events[name].get_logs(from_block=first, to_block=last))
    return count / (time.monotonic() - started)


def _orders(bank: Platform, folder: Path, count: int) -> None:
    lines = ["order,buyer,amount,opened,shipped"]
    for number in range(count):
        day = 1 + number // IN_A_DAY
        opened = f"2027-01-{day:02}T12:00:00Z"
        lines.append(f"{number},B{number % BUYERS},{100 + number % 900}.00,{opened},2027-02-{day:02}T12:00:00Z")
    (folder / "orders.csv").write_text("\n".join(lines) + "\n")
    parties = ["id,name,country", "SELLER,Seller,US", *(f"B{place},Buyer {place},US" for place in range(BUYERS))]
    (folder / "parties.csv").write_text("\n".join(parties) + "\n")
    (folder / "mapping.toml").write_text(MAPPING)
    told = [0.0]

    def progress(what: str, done: int, of: int) -> None:
        if time.monotonic() - told[0] > 10:
            told[0] = time.monotonic()
            _say(f"{what} {done:,} of {of:,}")

    mapping = load_mapping(folder / "mapping.toml")
    report = replay(bank.session, folder / "orders.csv", mapping, work=folder / "work", progress=progress)
    assert not report.rows, report.rows[:3]


def _payments(bank: Platform, count: int) -> None:
    """By ``payBatch``, signed beforehand: a bench of the ledger does not need the outbox."""
    signer = LocalSigner.generate()
    payer, payee = new_company(bank, deposit="900000.00", signer=signer), new_company(bank)
    session, coder = payer.session, bank.session.codec("USD")
    used = bank.connection.transaction_count(signer.address)
    batches = count // IN_A_BATCH
    for place in range(batches):
        payments = [
            {
                "to": payee.session.wallet,
                "amount": 1 + i,
                "ref": batch_reference(session.participant, f"batch {place}", i),
                "remittance": i.to_bytes(32, "big"),
            }
            for i in range(IN_A_BATCH)
        ]
        fields = {
            "type": 2,
            "chainId": bank.connection.chain_id,
            "nonce": used + place,
            "to": bank.session.address("USD"),
            "value": 0,
            "gas": 25_000_000,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "data": coder.encode("payBatch", payments),
        }
        bank.connection.send_raw(signer.sign_transaction(fields).raw)
    deadline = time.monotonic() + 120
    while bank.connection.transaction_count(signer.address) < used + batches:
        assert time.monotonic() < deadline, "the payments were not mined"
        time.sleep(0.05)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
