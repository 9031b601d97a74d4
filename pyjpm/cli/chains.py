"""Which platform a command acts on: one that stands on a node, or one of its own on a local Anvil."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pyjpm.chain import LocalAnvil
from pyjpm.custody import Keystore, LocalSigner, read_passphrase
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.money import MAX_MINOR, Money
from pyjpm.platform import Platform
from pyjpm.workplace import LONGEST, attest_reserve

# Room for whatever a stage of a replay sends at once: a local chain's blocks are made when we say.
_BLOCK_GAS = 4_000_000_000


@contextmanager
def local_platform(
    folder: Path,
    timestamp: int | None,
    currencies: Sequence[str],
    progress: Callable[[str], None],
    auditor: LocalSigner | None = None,
) -> Iterator[Platform]:
    """A fresh platform on an Anvil of its own, both gone afterwards; the keys live in this process only. Its reserve is
    attested by an auditor's key, as high as any money goes.

    Args:
        folder: for the journal.
        timestamp: of the chain's first block, unix seconds; None is now.
        currencies: ISO 4217 codes, a deposit token each.
        auditor: the auditor's key, one made here if None.
    """
    key = auditor or LocalSigner.generate()
    progress("starting Anvil")
    with (
        LocalAnvil(timestamp=timestamp, block_gas_limit=_BLOCK_GAS) as anvil,
        Platform.deploy(
            anvil.url,
            LocalSigner.generate(),
            journal=folder / "journal.sqlite",
            currencies=currencies,
            auditors=[key.address],
            audit_cycle=LONGEST,
            progress=progress,
        ) as platform,
    ):
        progress("attesting the reserve")
        attest_reserve(platform, key, *(Money.from_minor(MAX_MINOR, currency) for currency in currencies))
        yield platform


@contextmanager
def connected_platform(
    rpc: str,
    journal: Path | str,
    record: Path | None,
    keystore: Path | None,
    key: str,
    passphrase_file: Path | None,
) -> Iterator[Platform]:
    """The bank's client to the platform of a deployment record.

    Raises:
        InvalidRequest: options that belong together are not all given.
    """
    if record is None:
        raise InvalidRequest("With --rpc the deployment record is needed: give --record.")
    if keystore is None or passphrase_file is None:
        raise InvalidRequest("With --rpc the bank's key is needed: give --keystore and --passphrase-file.")
    signer = Keystore(keystore).load(key, read_passphrase(file=passphrase_file))
    with Platform.connect(rpc, record, signer=signer, journal=journal) as platform:
        yield platform
