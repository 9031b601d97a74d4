"""docs/performance.md: written by `make bench-send UPDATE=--update` from what it measured, never by hand."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAMES = {"one": "one payer", "hundred": "100 payers, each a participant with one wallet"}
METHOD = """\
Every side runs on a fresh Anvil of the same state, one after the other within a round; figures are medians of the
rounds, and ratios are between these. A run with a block more than 90 % full is void. The sides of a round begin at the
same distance from the next block, and the rounds spread over a block's second, as payments do.

* **pyjpm**: from the first payment handed in to the last one told FINAL. Each is accepted by itself, by its own
  idempotency key with a row of its own, {part} of them in one `Sender.submit_batches` (`payments.prepare`;
  `payments.create_many` is the same for one wallet), which are those of one wallet or of twenty. The journal is an
  SQLite file with `synchronous=FULL`, the witness is on, every signer writes its mark durably before it signs.
  `simulate={simulate}`, `window={window}`, which this node takes.
* **raw**: the same calldata from the same senders, signed and encoded beforehand, thrown at the node in batches of 100
  over the best of 2 to 4 connections until the last block is there. Neither signing nor encoding is in its time. What
  counts is the fastest of the three runs of each round, beside one run of ours.
* **loop**: web3.py 8, a contract object and `transact` with a nonce counted by the loop, nothing waited for but the
  last block, over {loop_payments} payments; and with the receipt of each waited for before the next is sent, which is
  one payment a block.
* **settled**: from the arrival of a payment's block to `wait` telling that it is FINAL, by one client at ease."""


# By sampling runs of 10,000 payments, on 2026-11-30. To be renewed by whoever makes it faster.
WHY = """\
A run rests for half a second on average, until the last block comes, and a little at its start: that both sides do.
Our interpreter runs one thread at a time, and three fifths of a payment's cost here need it. Of that

* 26 % sees what became of what was sent: the events of whole blocks, what was asked for, the commit of the outcome;
* 19 % signs, stores the bytes, and compares what the signer made with what it was asked for;
* 16 % prepares the call, and what is asked for by it;
* 15 % stores what is accepted, with its nonce;
* 13 % asks the chain for each payment's name before it is accepted, in every token;
* 4 % tells the caller what was stored;
* 3 % looks whether a key was used before;
* 2 % sends the bytes.

The rest is SQLite, the curve and the system, about a fifth, an eighth and a twelfth of the whole.

How near it comes to raw hangs on the machine, and on the interpreter: one that was built without profile-guided
optimisation, as pyenv builds it, costs 7 to 23 % more here (three series in turns, on this machine), which is why
`make setup` takes the system's where it may. On 2026-11-30 an earlier version without that reached 0.61 and 0.58 on an
AMD EPYC, and 0.45 and 0.50 on an Intel Xeon.

None of these steps is left out for speed. A service that sends as much does as this one does: it takes in payments by
the thousands, has two calls accepted at once while others send (`Settings.accepting`: side by side all would leave
late, and the node idle meanwhile), signs for one wallet at a time (`Settings.signing`: keys in one process gain nothing
from eight threads, by which they cost half as much again), and has Python look for garbage seldom
(`gc.set_threshold(500_000)`), which by default takes a fifth of the time. Anvil lets nonces wait for those before them,
so that one wallet's transactions go over several connections; on Besu they stay on one. A bank on the shipped network
meets another limit first: its nodes take 3,000 transactions of one sender at a time."""


def _costs(found: Mapping[str, Any]) -> list[str]:
    """What a payment costs in processor time, by the runs; nothing where the system does not tell it of the node."""
    lines = []
    for name, runs in found["runs"].items():
        ours, node, raw = (
            [run[whose] for run in runs[side]]
            for side, whose in (("engine", "ours"), ("engine", "node"), ("raw", "node"))
        )
        if None in (*ours, *node, *raw):
            return []
        here, there, thrown = map(statistics.median, (ours, node, raw))
        most = 1_000 * found["machine"]["cores"] / (here + there)
        lines += [
            f"* {NAMES[name]}: a payment costs {here:.2f} ms of a processor here and {there:.2f} at the node, which "
            f"raw throwing costs {thrown:.2f} there. Processors that never rest would see {most:,.0f} of ours a second "
            "to their end.",
        ]
    return [*lines, ""]


def write_page(path: Path, found: Mapping[str, Any], date: str) -> None:
    machine, options = found["machine"], found["options"]
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    lines = [
        "# How fast payments are sent",
        "",
        f"Written by `make bench-send UPDATE=--update` on {date}: {found['rounds']} rounds of "
        f"{found['payments_per_run']:,} payments, {found['seconds']:.0f} s on {machine['cores']} cores "
        f"({machine['cpu']}), load {machine['load_before']} before. {versions}.",
        "",
        METHOD.format(**options),
        "",
        "| payments a second | pyjpm | raw | loop | loop with receipts | pyjpm / raw | pyjpm / loop |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, rates in found["payments_per_second"].items():
        lines.append(
            f"| {NAMES[name]} | {rates['engine']:,.0f} | {rates['raw']:,.0f} | {rates['loop']:,.0f} "
            f"| {rates['loop_with_receipts']:,.1f} | {found['ratio_to_raw'][name]:.2f} "
            f"| {found['ratio_to_loop'][name]:.1f} |"
        )
    least, target = found["ratio_to_raw"]["least"], found["ratio_to_raw_target"]
    met = "met" if least >= target else "**not met**"
    lines += ["", f"The budget is {target:.2f} of raw for both; it is {met}: {least:.2f}."]
    # Rounds begin ever later after a block.
    by_round = "; ".join(
        f"{NAMES[name]}: "
        + ", ".join(f"{ours['rate'] / raw['rate']:.2f}" for ours, raw in zip(runs["engine"], runs["raw"], strict=True))
        for name, runs in found["runs"].items()
    )
    lines += [
        "",
        "Where the next block falls decides much over so few seconds. Round by round, from just after a block to just "
        f"before the next, the ratio to raw was: {by_round}.",
    ]
    simulated = ", ".join(
        f"{rates['simulated']:,.0f} for {NAMES[name]}" for name, rates in found["payments_per_second"].items()
    )
    settle = found["settle_ms"]
    calls = ", ".join(
        f"{rate:,.0f} a second by {'one thread' if threads == '1' else f'{threads} threads of one wallet'}"
        for threads, rate in found["calls_per_second_by_threads"].items()
    )
    lines += [
        "",
        "With every payment simulated on the node before it is accepted (`simulate=True`), over "
        f"{options['simulated_payments']:,} payments, a good part of whose time is the wait for a block: {simulated}.",
        "",
        "One call a payment (`payments.create`, simulated as by default), each of which returns when its payment is "
        f"stored, signed and sent: {calls}. Calls for one wallet that meet share their commits, their questions to the "
        "node and the signer's mark.",
        "",
        f"Settled {settle['median']:.0f} ms (median) and {settle['p95']:.0f} ms (95th percentile) after its block "
        f"(budget: 50 ms), over {settle['payments']} payments. "
        f"The fullest block was {found['fullest_block']:.0%} full.",
        "",
        "## Where the time goes",
        "",
        *_costs(found),
        WHY,
        "",
    ]
    path.write_text("\n".join(lines))
