"""From a nonce to bytes: what is asked of a signer, and whether it signed that and nothing else.

Decisions that govern this module:

* Transactions are EIP-1559 (type 2) with both fees 0, on every chain: the type that Besu, Anvil and eth-tester take
  alike and that has the chain id among the signed fields, where a legacy transaction may be left without one. Only a
  cancel that an operator priced has a fee.
* A device that signs something else would spend the nonce on it: what comes back is taken apart and compared.
* A signer that refuses is not one that failed: what it refuses gives its nonce to a cancel; what failed is tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pyjpm.chain.raw import RawTransaction, decode_raw, read_as
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.custody import SigningRefused
from pyjpm.errors.sending import SignerMismatch
from pyjpm.sending.operation import AttemptKind
from pyjpm.sending.rows import Attempt
from pyjpm.sending.signing import SignedBytes, TransactionSigner


@dataclass(slots=True)
class Signed:
    """What a signer made of attempts: ``refused`` for good, ``failed`` for now; what comes after a failure waits."""

    signed: list[Attempt] = field(default_factory=list)
    refused: list[tuple[Attempt, PyjpmError]] = field(default_factory=list)
    failed: PyjpmError | None = None


def sign(signer: TransactionSigner, attempts: Sequence[Attempt], *, chain_id: int) -> Signed:
    """Have attempts of one wallet signed, in the order of their nonces; raises nothing that the signer raises."""
    result = Signed()
    transactions = [transaction_of(each, chain_id) for each in attempts]
    try:
        result.signed = [_checked(*each, chain_id) for each in zip(attempts, _all(signer, transactions), strict=True)]
        return result
    except SigningRefused:
        pass  # one of them: which one shows when each is asked for by itself
    except PyjpmError as error:
        if len(attempts) == 1:
            result.failed = error
            return result
    result.signed.clear()
    for attempt, transaction in zip(attempts, transactions, strict=True):
        try:
            result.signed.append(_checked(attempt, signer.sign_transaction(transaction), chain_id))
        except SigningRefused as refusal:
            if attempt.kind is AttemptKind.CANCEL:
                result.failed = refusal
                return result
            result.refused.append((attempt, refusal))
        except PyjpmError as error:
            result.failed = error
            return result
    return result


def transaction_of(attempt: Attempt, chain_id: int) -> dict[str, Any]:
    """What is to be signed, as TransactionSigner takes it."""
    transaction: dict[str, Any] = {
        "type": 2,
        "chainId": chain_id,
        "nonce": attempt.nonce,
        "value": 0,
        "gas": attempt.gas,
        "maxFeePerGas": attempt.price,
        "maxPriorityFeePerGas": attempt.price,
        "data": attempt.data,
    }
    if attempt.to is not None:
        transaction["to"] = attempt.to
    return transaction


def _all(signer: TransactionSigner, transactions: Sequence[dict[str, Any]]) -> list[SignedBytes]:
    if len(transactions) == 1:
        return [signer.sign_transaction(transactions[0])]
    return signer.sign_transactions(transactions)


def _checked(attempt: Attempt, signed: SignedBytes, chain_id: int) -> Attempt:
    raw, to = bytes(signed.raw), b"" if attempt.to is None else bytes.fromhex(attempt.to[2:])
    said = read_as(
        raw, chain_id=chain_id, nonce=attempt.nonce, fee=attempt.price, gas=attempt.gas, to=to, data=attempt.data
    )
    if said is None:
        said = decode_raw(raw)
        fees = (attempt.price, attempt.price)
        asked = RawTransaction(said.hash, chain_id, attempt.nonce, attempt.gas, fees, to, 0, attempt.data)
        if asked != said:
            name = next(name for name, ours, theirs in zip(said._fields, asked, said, strict=True) if ours != theirs)
            raise SignerMismatch(
                f"The signer of {attempt.wallet} signed another {name} than it was asked to.",
                wallet=attempt.wallet,
                field=name,
            )
    return attempt.signed(raw, said.hash)
