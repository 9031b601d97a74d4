"""A pytest plugin: a platform with a bank, a buyer and a seller on a chain of its own.

Installed with pyjpm, so a project's tests just ask for the fixtures::

    def test_an_invoice_is_paid(buyer, seller):
        amount = Money("125.00", "USD")
        buyer.payments.create(seller.session.wallet, amount, idempotency_key="invoice 4711").wait()
        assert seller.deposits.balance(currency="USD").balance == amount

``--pyjpm-chain`` chooses ``anvil`` (default) or ``eth-tester`` (in process, needs the ``tester`` extra).

``backed_platform(chain, signer)`` deploys a platform whose reserve is attested, so that its bank can mint.

Fixtures: ``chain`` and ``platform`` live for the session; ``buyer`` and ``seller`` are new companies for every
test, each with a daily limit of 1,000,000.00 and, for the buyer, a deposit of 100,000.00 in each of USD and EUR;
``bank`` is the platform acting for the bank, which holds every role; ``clock`` moves the chain's time, on
development chains only.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from pyjpm.chain import DevClock
    from pyjpm.custody import Signer
    from pyjpm.platform import Platform

CURRENCIES: Final = ("USD", "EUR")
LIMIT: Final = "1000000.00"
DEPOSIT: Final = "100000.00"
_YEAR: Final = 365 * 86_400

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that chooses the chain."""
    parser.addoption(
        "--pyjpm-chain",
        choices=("anvil", "eth-tester"),
        default="anvil",
        help="the chain that pyjpm's fixtures start",
    )


def start_chain(kind: str) -> Any:
    """A chain of this kind, not yet started: a context manager with ``connection()`` and ``clock()``."""
    # Imported here: a plugin is loaded by every pytest run, also by those that never ask for a chain.
    if kind == "anvil":
        from pyjpm.chain import LocalAnvil

        return LocalAnvil()
    from pyjpm.chain.tester import LocalTester

    return LocalTester()


@pytest.fixture(scope="session")
def chain(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A running chain of our own; a test that is parametrized by it, indirectly, names which."""
    with start_chain(getattr(request, "param", None) or request.config.getoption("--pyjpm-chain")) as started:
        yield started


@pytest.fixture(scope="session")
def platform(chain: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with USD and EUR, as its bank: administrator, with every role."""
    from pyjpm.custody import LocalSigner

    journal = Path(tmp_path_factory.mktemp("pyjpm")) / "journal.sqlite"
    with backed_platform(
        chain.connection(), LocalSigner.generate(), journal=journal, currencies=CURRENCIES
    ) as deployed:
        yield deployed


@pytest.fixture(scope="session")
def bank(platform: Platform) -> Platform:
    """The platform acting for the bank."""
    return platform


@pytest.fixture
def buyer(bank: Platform) -> Platform:
    """A new company with money, acting for itself."""
    return new_company(bank, deposit=DEPOSIT)


@pytest.fixture
def seller(bank: Platform) -> Platform:
    """A new company without money, acting for itself."""
    return new_company(bank)


@pytest.fixture
def clock(platform: Platform) -> DevClock:
    """Moves the chain's time: ``clock.advance(seconds)``. Raises NotADevelopmentChain on any other chain."""
    from pyjpm.chain import DevClock

    return DevClock(platform.connection)


def backed_platform(chain: Any, signer: Signer, *, auditor: Signer | None = None, **options: Any) -> Platform:
    """``Platform.deploy`` with one auditor, who attests as much as a token can ever have, for three years.

    Args:
        auditor: its key; one made here if None.
        options: of ``Platform.deploy``.
    """
    from pyjpm.custody import LocalSigner
    from pyjpm.money import MAX_MINOR, Money
    from pyjpm.platform import Platform
    from pyjpm.workplace import LONGEST, attest_reserve

    key = auditor or LocalSigner.generate()
    deployed = Platform.deploy(chain, signer, auditors=[key.address], audit_cycle=LONGEST, **options)
    try:
        attest_reserve(deployed, key, *(Money.from_minor(MAX_MINOR, currency) for currency in deployed.record.tokens))
    except BaseException:
        deployed.close()
        raise
    return deployed


def new_company(
    bank: Platform, *, deposit: str | None = None, kyc_seconds: int = 10 * _YEAR, signer: Signer | None = None
) -> Platform:
    """A company that the bank has onboarded, with limits, acting for itself.

    Args:
        bank: acting for a signer with the roles onboarder and, for a deposit, issuer.
        deposit: major units in each currency, None for none.
        kyc_seconds: how long its KYC is in date, of chain time.
        signer: its key; one made here if None.
    """
    from pyjpm.custody import LocalSigner
    from pyjpm.money import Money
    from pyjpm.participants import Kind, identity_hash

    key = signer or LocalSigner.generate()
    company = bank.acting(key)
    name = f"company {next(_numbers)} {key.address}"
    onboarding = bank.participants.onboard(
        company.participants.wallet_link(identity_hash({"name": name}, b"salt of the tests")),
        kind=Kind.CORPORATE,
        jurisdiction=840,
        kyc_expiry=bank.session.now() + kyc_seconds,
        idempotency_key=f"onboard {name}",
    )
    participant = onboarding.wait().participant
    for currency in bank.record.tokens:
        limit = Money(LIMIT, currency)
        bank.participants.set_daily_limit(participant, limit, idempotency_key=f"limit {currency} {name}").wait()
        if deposit is not None:
            bank.deposits.mint(
                participant,
                Money(deposit, currency),
                deposit_reference=f"deposit {currency} of {name}",
                idempotency_key=f"deposit {currency} of {name}",
            ).wait()
    return company
