"""Where a script works: the node, the deployment record, the keys and the journal, named by the environment.

========================  =============================================================================================
``PYJPM_RPC``             URL of the node; under ``brownie run`` the network that brownie is connected to
``PYJPM_HOME``            folder of record, keystore and journals (``build/home`` if not given)
``PYJPM_PASSPHRASE_FILE`` file with the keystore's passphrase, mode 0600; or ``PYJPM_PASSPHRASE`` itself
``PYJPM_ARGS``            the script's arguments under ``brownie run``, which passes none
========================  =============================================================================================

On a development chain (Anvil) a passphrase and keys are made where there are none, so that a script just runs. Anywhere
else a missing key is an error: keys are made once, by whoever answers for them.
"""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from eth_utils.crypto import keccak

from pyjpm.chain import ClientKind, Connection
from pyjpm.custody import Keystore, LocalSigner, Signer, read_passphrase
from pyjpm.custody.keystore import SCRYPT_WORK
from pyjpm.errors.custody import KeyNotFound
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.money import Money
from pyjpm.participants import Kind, identity_hash
from pyjpm.platform import Platform
from pyjpm.reserve import ReserveLine

BANK: Final = "bank"
AUDITOR: Final = "auditor"
LONGEST: Final = 1096 * 86_400
"""The longest audit cycle and validity of an attestation, in seconds: a development chain's clock runs far."""
_SALT: Final = b"one salt for all examples"
_LIMIT: Final = "1000000.00"
_KYC: Final = 365 * 86_400
# Keys of a development chain guard nothing: their derivation need not cost a second each.
_DEVELOPMENT_WORK: Final = 2**12


def attest_reserve(bank: Platform, auditor: Signer, *amounts: Money) -> None:
    """Has one auditor attest a reserve in each currency, for as long as may be. For development chains: in earnest an
    auditor signs in a process of its own.

    Raises:
        NotAnAuditor, NotEnoughAttestations: the platform was deployed with other auditors, or asks for more of them.
    """
    for amount in amounts:
        lines = [ReserveLine("CENTRAL_BANK", "DEVELOPMENT", amount)]
        report = keccak(text=f"no report: a development chain's reserve of {amount}")
        statement = bank.reserve.propose(amount.currency, lines, report=report, valid_for=LONGEST)
        signed = bank.acting(auditor).reserve.sign(statement)
        key = f"reserve {amount.currency} {statement.body['sequence']}"
        bank.reserve.submit(signed, idempotency_key=key).wait()


def brownie_url() -> str | None:
    """The node that brownie is connected to; None outside of ``brownie run``. Brownie is never imported here."""
    brownie: Any = sys.modules.get("brownie")
    if brownie is None or not brownie.network.is_connected():
        return None
    return str(brownie.web3.provider.endpoint_uri)


def arguments() -> Sequence[str]:
    """The script's own arguments, run by python or by brownie."""
    return shlex.split(os.environ.get("PYJPM_ARGS", "")) if brownie_url() else sys.argv[1:]


class Workplace:
    """Node, record, keys and journals of one script's run.

    Raises:
        InvalidRequest: no node is named.
        NodeUnreachable and the like: it does not answer.
    """

    def __init__(self) -> None:
        url = brownie_url() or os.environ.get("PYJPM_RPC")
        if not url:
            raise InvalidRequest("No node is named: set PYJPM_RPC, for example to http://127.0.0.1:8545.")
        self.home = Path(os.environ.get("PYJPM_HOME", "build/home"))
        self.connection = Connection.open(url)
        self.development = self.connection.kind is ClientKind.ANVIL
        self.record = self.home / "deployment.json"
        self.home.mkdir(parents=True, exist_ok=True)
        work = _DEVELOPMENT_WORK if self.development else SCRYPT_WORK
        self._keystore = Keystore(self.home / "keys", kdf_work=work)

    def signer(self, name: str) -> LocalSigner:
        """The key of this name.

        Raises:
            KeyNotFound: there is none, and this is no development chain.
            PassphraseMissing, WrongPassphrase
        """
        passphrase = self._passphrase()
        try:
            return self._keystore.load(name, passphrase)
        except KeyNotFound:
            if not self.development:
                raise
        self._keystore.create(name, passphrase)
        return self._keystore.load(name, passphrase)

    @contextmanager
    def platform(self, key: str = BANK) -> Iterator[Platform]:
        """The platform of the record, acting with a key; each key has a journal of its own."""
        journal = self.home / f"{key}.journal"
        with Platform.connect(self.connection, self.record, signer=self.signer(key), journal=journal) as platform:
            yield platform

    def company(self, bank: Platform, key: str, deposit: Money | None = None) -> Platform:
        """A company for a try on a development chain: its key is made here, and the bank onboards it.

        Raises:
            InvalidRequest: this is no development chain; there companies send a wallet link.
        """
        if not self.development:
            raise InvalidRequest("Companies are made up on development chains only: give the documents as arguments.")
        company = bank.acting(self.signer(key))
        name = f"{key} {company.session.wallet}"
        link = company.participants.wallet_link(identity_hash({"name": name}, _SALT))
        participant = bank.session.participant_of(company.session.wallet)
        if not participant:
            expiry = bank.session.now() + _KYC
            onboarding = bank.participants.onboard(
                link, kind=Kind.CORPORATE, jurisdiction=840, kyc_expiry=expiry, idempotency_key=f"onboard {name}"
            )
            participant = onboarding.wait().participant
        for currency in bank.record.tokens:
            limit = Money(_LIMIT, currency)
            bank.participants.set_daily_limit(participant, limit, idempotency_key=f"limit {currency} {name}").wait()
        if deposit is not None:
            reference = f"deposit of {name}"
            bank.deposits.mint(participant, deposit, deposit_reference=reference, idempotency_key=reference).wait()
        return company

    def _passphrase(self) -> str:
        if file := os.environ.get("PYJPM_PASSPHRASE_FILE"):
            return read_passphrase(file=Path(file))
        if os.environ.get("PYJPM_PASSPHRASE") or not self.development:
            return read_passphrase(environment="PYJPM_PASSPHRASE")
        path = self.home / "passphrase"
        if not path.exists():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as made:
                made.write(secrets.token_urlsafe(24) + "\n")
        return read_passphrase(file=path)
