"""The tokens of others, measured in the same run by the same method: OpenZeppelin, solady, T-REX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench import Bench, signer
from compiled import creation
from eth_utils import keccak
from trex import TrexSuite

from pyjpm import Platform
from pyjpm.assets import UNITS
from pyjpm.contracts.codec import codec, encode_parameters

Admit = Callable[[str, int], None]  # an account, and what it is given (minor units)
SPENT = 100


def peers(bench: Bench) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {
        "solady_erc20": _plain(bench, "solady", bench.create(creation("SoladyToken"))),
        "openzeppelin_erc20": _plain(bench, "openzeppelin", bench.create(creation("PlainToken"))),
        "openzeppelin_erc20_proxied": _plain(bench, "openzeppelin proxied", _proxied(bench, "PlainProxiedToken")),
    }
    suite = TrexSuite(bench)
    found["trex_1_topic"] = _transfers(bench, "trex", suite.token, suite.admit)
    suite.add_modules()
    found["trex_1_topic_country_time"] = _transfers(bench, "trex modules", suite.token, suite.admit)
    return found


def _proxied(bench: Bench, name: str) -> str:
    implementation = bench.create(creation(name))
    initialize = keccak(text="initialize()")[:4]
    arguments = encode_parameters([{"type": "address"}, {"type": "bytes"}], (implementation, initialize))
    return bench.create(creation("PlainProxy") + arguments)


def _plain(bench: Bench, name: str, token: str) -> dict[str, int]:
    """A token whose whole supply is the bank's, and which lets anybody have it."""

    def admit(account: str, minor: int) -> None:
        if minor:
            bench.send(bench.bank, UNITS, "transfer", account, minor, at=token)

    return _transfers(bench, name, token, admit)


def _transfers(bench: Bench, name: str, token: str, admit: Admit) -> dict[str, int]:
    """To an account with a balance, to one without, and by allowance; the account has moved money on an earlier day."""
    holder, other, fresh = (bench.bank.acting(signer(f"{name} {each}")) for each in "abc")
    (payer, payee, stranger) = (each.session.wallet for each in (holder, other, fresh))

    def call(who: Platform, function: str, *arguments: Any) -> int:
        bench.start_day()
        # by hand, because the platform's ceilings of gas are too low for some of these
        return int(bench.send_raw(who, token, codec(UNITS).encode(function, *arguments)).gas_used)

    admit(payer, 10_000)
    admit(payee, 10_000)
    admit(stranger, 0)
    call(holder, "transfer", payee, SPENT)
    rows = {
        "transfer_existing": call(holder, "transfer", payee, SPENT),
        "transfer_new": call(holder, "transfer", stranger, SPENT),
    }
    call(holder, "approve", payee, 2**256 - 1)
    rows["transfer_from"] = call(other, "transferFrom", payer, payee, SPENT)
    return rows
