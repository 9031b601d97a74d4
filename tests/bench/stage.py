"""What every run of the bench starts from: one deployed platform, its payers and their payee, kept as a state file.

Each run gets a fresh Anvil with this state, so that all sides meet the same chain, send the same calldata and begin at
the same nonces. Payers have paid once before, as of DESIGN's budgets: their balance and consent words exist.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coincurve import PrivateKey
from eth_utils.crypto import keccak

from pyjpm import Money, Platform
from pyjpm.chain import LocalAnvil
from pyjpm.custody import LocalSigner, NonceMarks
from pyjpm.payment import PaymentOrder
from pyjpm.record import DeploymentRecord
from pyjpm.testing import backed_platform, new_company

CURRENCY = "USD"
GAS_LIMIT = 1_000_000_000
BLOCK_SECONDS = 1
AMOUNT = Money("0.01", CURRENCY)


def key_of(place: int) -> bytes:
    """The private key of the payer at this place: of this bench alone, the same in every run."""
    return keccak(text=f"payer {place} of pyjpm's bench")


@dataclass(frozen=True)
class Stage:
    """A platform that stands, and who is on it."""

    folder: Path
    record: DeploymentRecord
    payers: tuple[str, ...]
    payee: str
    participants: tuple[int, ...]
    head: int

    @contextlib.contextmanager
    def chain(self) -> Iterator[LocalAnvil]:
        """A fresh Anvil with a block each second, as the platform was left."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            state = Path(folder, "state.json")
            shutil.copy(self.folder / "state.json", state)
            with LocalAnvil(block_gas_limit=GAS_LIMIT, mining=BLOCK_SECONDS, state_file=state) as anvil:
                yield anvil

    def orders(self, place: int, count: int) -> dict[str, PaymentOrder]:
        """What the payer at this place is asked to pay, by idempotency key."""
        return {
            f"payer {place} invoice {number}": PaymentOrder(
                self.payee, AMOUNT, keccak(text=f"what invoice {number} of payer {place} is for")
            )
            for number in range(count)
        }


def make_stage(folder: Path, payers: int) -> Stage:
    """Deploy, onboard ``payers`` companies with one wallet each and money, and one payee."""
    state = folder / "state.json"
    with LocalAnvil(block_gas_limit=GAS_LIMIT, state_file=state) as anvil:
        bank_key = LocalSigner.generate()
        journal = folder / "setup.sqlite"
        with backed_platform(anvil.connection(), bank_key, journal=journal, currencies=[CURRENCY]) as bank:
            payee = new_company(bank)
            wallets, participants = [], []
            for place in range(payers):
                payer = new_company(bank, deposit="1000.00", signer=LocalSigner.from_key(key_of(place)))
                payer.payments.create(payee.session.wallet, AMOUNT, idempotency_key="the first").wait()
                wallets.append(payer.session.wallet)
                participants.append(payer.session.participant)
            record, payee_wallet, head = bank.record, payee.session.wallet, anvil.connection().head().number
    return Stage(folder, record, tuple(wallets), payee_wallet, tuple(participants), head)


def signers(stage: Stage, count: int, marks: Path) -> Sequence[LocalSigner]:
    """Signers of the first payers, with a durable mark each, as a service has them."""
    kept = NonceMarks(marks)
    made = []
    for place in range(count):
        signer = LocalSigner(PrivateKey(key_of(place)), kept)
        kept.restore(signer.address, {31337: 0})
        made.append(signer)
    return made


def received(stage: Stage, platform: Platform) -> int:
    """Minor units on the payee's account, by the contract."""
    return platform.deposits.balance(stage.payee, currency=CURRENCY).balance.minor
