"""One run of one side on a fresh chain: how fast, how full the blocks were, and that the money arrived."""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import loop
import raw
from cost import Cost, measured
from engine import service
from stage import AMOUNT, Stage, key_of, received, signers
from watch import BlockWatch

from pyjpm import Payment, PaymentOrder, Platform
from pyjpm.chain import Connection
from pyjpm.sending import payment_reference

FULLEST = 0.9
"""A run with a block fuller than this is void: then the block's size was measured, not a side."""
LOOP_GAS = 320_000


@dataclass(frozen=True)
class Run:
    """``rate`` in payments a second, ``fullest`` the share of the gas limit of the fullest block.

    ``ours`` and ``node``: milliseconds of a processor that a payment cost here and at the node, where that is told.
    """

    rate: float
    fullest: float
    blocks: int
    ours: float
    node: float | None
    connections: int = 1

    @property
    def void(self) -> bool:
        return self.fullest > FULLEST


def run_raw(stage: Stage, payers: int, count: int, connections: int, *, start: float) -> Run:
    """Pre-signed batches of the same calldata, from the first batch posted to the block with the last payment.

    Args:
        start: seconds after a block at which it begins, as for the others.
    """
    with stage.chain() as anvil, tempfile.TemporaryDirectory() as folder:
        connection = anvil.connection()
        raws = _signed(stage, connection, payers, count, Path(folder))
        bodies = raw.bodies_of(raws)
        with BlockWatch(anvil.url) as watch:
            _await(watch, start)
            with measured(anvil.pid, count) as cost:
                began = time.monotonic()
                raw.throw(anvil.url, bodies, connections)
                ended = _mined(stage, connection, watch, payers, count)
        return _run(stage, connection, count, began, ended, cost, connections)


def run_engine(
    stage: Stage, payers: int, count: int, *, start: float, simulate: bool = False, journal: str | None = None
) -> Run:
    """Our payments, from the first one handed in to the last one told FINAL."""
    with stage.chain() as anvil, tempfile.TemporaryDirectory(dir=stage.folder) as folder:
        connection = anvil.connection()
        with service(stage, connection, Path(folder), payers, journal) as ours, BlockWatch(anvil.url) as watch:
            parts = list(ours.parts(stage, count))
            _await(watch, start)
            with measured(anvil.pid, count) as cost:
                began, ended, accepted = ours.pay(parts, simulate=simulate)
            ours.require_final(accepted, count)
        return _run(stage, connection, count, began, ended, cost)


def run_loop(stage: Stage, payers: int, count: int, *, start: float, wait: bool) -> Run:
    """A plain web3.py loop over the payments; with ``wait`` each receipt is waited for before the next is sent."""
    with stage.chain() as anvil:
        connection = anvil.connection()
        address = stage.record.tokens["USD"].address
        web3, token = loop.token_of(anvil.url, address, [key_of(place) for place in range(payers)])
        each = count // payers
        orders = [list(stage.orders(place, each).items()) for place in range(payers)]
        arguments = [
            (place, (order.to, order.amount.minor, payment_reference(stage.participants[place], key), order.remittance))
            for number in range(each)
            for place in range(payers)
            for key, order in [orders[place][number]]
        ]
        nonces = [1] * payers
        with BlockWatch(anvil.url) as watch:
            _await(watch, start)
            with measured(anvil.pid, count) as cost:
                began = time.monotonic()
                for place, said in arguments:
                    sent = loop.pay(token, stage.payers[place], said, None if wait else nonces[place])
                    nonces[place] += 1
                    if wait:
                        web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
                ended = time.monotonic() if wait else _mined(stage, connection, watch, payers, count)
        return _run(stage, connection, count, began, ended, cost)


def run_singly(stage: Stage, threads: int, count: int, *, start: float) -> float:
    """Calls of ``payments.create`` a second, by threads that share a client with one wallet, each waiting for its own.

    A call has returned once its payment is simulated, stored, signed and sent; all of them are seen FINAL afterwards.
    """
    with stage.chain() as anvil, tempfile.TemporaryDirectory(dir=stage.folder) as folder:
        connection = anvil.connection()
        (signer,) = signers(stage, 1, Path(folder, "marks"))
        with (
            Platform.connect(connection, stage.record, signer=signer, journal=Path(folder, "journal.sqlite")) as payer,
            BlockWatch(anvil.url) as watch,
            ThreadPoolExecutor(threads) as clients,
        ):
            payer.session.participant  # noqa: B018 - asked for once in a client's life, not for each payment

            def pay(order: tuple[str, PaymentOrder]) -> Payment:
                key, asked = order
                return payer.payments.create(asked.to, asked.amount, idempotency_key=key, remittance=asked.remittance)

            _await(watch, start)
            began = time.monotonic()
            paid = list(clients.map(pay, stage.orders(0, count).items()))
            ended = time.monotonic()
            for each in paid:
                each.wait()
            _require_received(stage, connection, count)
    return count / (ended - began)


def settle_latencies(stage: Stage, count: int) -> list[float]:
    """Milliseconds from a block's arrival to ``wait`` telling that the payment in it is FINAL, one client at ease."""
    found = []
    with stage.chain() as anvil, tempfile.TemporaryDirectory(dir=stage.folder) as folder:
        (signer,) = signers(stage, 1, Path(folder, "marks"))
        with (
            Platform.connect(
                anvil.connection(), stage.record, signer=signer, journal=Path(folder, "journal.sqlite")
            ) as payer,
            BlockWatch(anvil.url) as watch,
        ):
            for number in range(count):
                # At changing distances from the next block: a wait that polls seldom must show.
                time.sleep(0.1 * (number % 7))
                paid = payer.payments.create(stage.payee, AMOUNT, idempotency_key=f"at ease {number}").wait()
                told = time.monotonic()
                assert paid.block is not None
                while paid.block not in (times := watch.times()):
                    time.sleep(0.001)
                found.append((told - times[paid.block]) * 1_000)
    return found


def _await(watch: BlockWatch, start: float) -> None:
    """Until so many seconds after a block."""
    _, came = watch.next_block()
    time.sleep(max(0.0, came + start - time.monotonic()))


def _signed(stage: Stage, connection: Connection, payers: int, count: int, folder: Path) -> list[bytes]:
    """The transactions that our side would send, from all payers in turn."""
    keys = signers(stage, payers, folder)
    each = count // payers
    columns = []
    reader = Platform.connect(connection, stage.record)
    for place, key in enumerate(keys):
        prepared = reader.acting(key).payments.prepare(stage.orders(place, each))
        columns.append(
            [
                signed.raw
                for signed in key.sign_transactions(
                    [
                        {
                            "type": 2,
                            "chainId": connection.chain_id,
                            "nonce": 1 + number,
                            "to": operation.to,
                            "value": 0,
                            "gas": operation.gas,
                            "maxFeePerGas": 0,
                            "maxPriorityFeePerGas": 0,
                            "data": operation.data,
                        }
                        for number, operation in enumerate(prepared)
                    ]
                )
            ]
        )
    reader.close()
    return [signed for row in zip(*columns, strict=True) for signed in row]


def _mined(stage: Stage, connection: Connection, watch: BlockWatch, payers: int, count: int) -> float:
    """When the block with the last of these transactions came."""
    wallets = stage.payers[:payers]
    last = 1 + count // payers
    number, came = watch.next_block()
    while any(used < last for used in connection.transaction_counts(wallets, at=number)):
        number, came = watch.next_block()
    return came


def _run(
    stage: Stage,
    connection: Connection,
    count: int,
    began: float,
    ended: float,
    cost: Cost,
    connections: int = 1,
) -> Run:
    _require_received(stage, connection, count)
    head = connection.head().number
    shares, blocks = [], 0
    for height in range(stage.head + 1, head + 1):
        block = connection.web3.eth.get_block(height)
        if block["gasUsed"]:
            blocks += 1
            shares.append(block["gasUsed"] / block["gasLimit"])
    return Run(count / (ended - began), max(shares), blocks, cost.ours, cost.node, connections)


def _require_received(stage: Stage, connection: Connection, count: int) -> None:
    reader = Platform.connect(connection, stage.record)
    got = received(stage, reader)
    reader.close()
    if got != len(stage.payers) + count:
        raise RuntimeError(f"the payee has {got} cents, not {len(stage.payers) + count}")
