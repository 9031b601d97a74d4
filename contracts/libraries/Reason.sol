// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice Why a movement of money is refused. One enum from chain to Python: `check` returns it, the revert carries
/// it, the SDK raises a class per value. Values are appended, never renumbered.
enum Reason {
    OK, // 0
    PAUSED, // 1 the token is paused
    CALLER_REFUSED, // 2 caller is neither an unstopped linked wallet nor an operator
    CALLER_STOPPED, // 3 caller's wallet or participant is stopped
    NOT_NOTARY, // 4 caller was never registered as a notary
    NOTARY_RUN_OFF, // 5 notary may execute and release, not hold
    NOTARY_STOPPED, // 6 notary may do nothing
    NOT_ISSUER, // 7 caller lacks the issuer role
    NOT_COMPLIANCE, // 8 caller lacks the compliance role
    PAYER_UNKNOWN, // 9 payer's wallet was never linked
    PAYER_WALLET_SUSPENDED, // 10
    PAYER_WALLET_UNLINKED, // 11
    PAYER_WALLET_LOST, // 12
    PAYER_CLOSED, // 13 participant closed
    PAYER_FROZEN, // 14 participant frozen by compliance
    PAYER_SUSPENDED, // 15 participant suspended
    PAYER_KYC_EXPIRED, // 16
    PAYEE_UNKNOWN, // 17
    PAYEE_WALLET_SUSPENDED, // 18
    PAYEE_WALLET_UNLINKED, // 19
    PAYEE_WALLET_LOST, // 20
    PAYEE_CLOSED, // 21
    PAYEE_FROZEN, // 22
    PAYEE_SUSPENDED, // 23
    PAYEE_KYC_EXPIRED, // 24
    INSUFFICIENT_AVAILABLE, // 25 available = max(0, balance - held - frozen)
    INSUFFICIENT_HELD, // 26 the notary holds less than that from this payer
    INSUFFICIENT_UNHELD, // 27 seizure beyond balance - held
    DAILY_LIMIT, // 28 the payer's participant would pass its limit of the (UTC) day
    MINT_CEILING, // 29 the issuer would pass its ceiling
    SAME_ACCOUNT, // 30 a forced movement, or a hold, from an account to itself
    PAYER_SPONSOR_SUSPENDED, // 31 the bank that sponsors the payer is suspended
    PAYEE_SPONSOR_SUSPENDED, // 32
    PAIR_REFUSED, // 33 money may not go from the payer's jurisdiction to the payee's
    CLEARANCE_MISSING, // 34 the payer moves money only with the bank's clearance of that very call
    NOT_CLEARABLE, // 35 taken by allowance; what the payer may use is cleared call by call: pay, holdAndCall, ...
    PAYEE_BALANCE_CEILING, // 36 the payee, a retail customer, would hold more than its tier allows
    MINT_RATE, // 37 the issuer would pass its rate
    RESERVE_MISSING, // 38 no reserve stands behind the token
    RESERVE_STALE, // 39 the reserve's attestation is not fresh
    RESERVE_SHORT // 40 the supply would pass what is attested
}

/// @notice The paths on which money moves, or is earmarked. `check` answers for each what execution does.
enum Path {
    TRANSFER, // transfer, transferFrom, pay, payBatch, authorizations
    HOLD, // hold, holdAndCall, requestRedemption
    EXECUTE, // a notary pays out of its hold
    RELEASE, // a notary gives a hold back
    MINT,
    INSTRUCT, // redemption: the fiat payout was ordered
    SETTLE, // redemption: burn
    RETURN, // redemption: give back
    SEIZE,
    RECOVER, // everything of a lost wallet moves to its successor
    CANCEL_BY_ORDER // a notary releases by compliance order and freezes as much
}

/// @notice How a participant stands with the registry, as one wallet of it sees it.
enum Standing {
    GOOD, // wallet linked, participant active, KYC in date, not stopped
    STALE, // the epoch the caller remembers is not the current one: read the wallet again
    UNKNOWN, // never linked
    WALLET_SUSPENDED,
    WALLET_UNLINKED,
    WALLET_LOST,
    CLOSED,
    FROZEN,
    SUSPENDED,
    KYC_EXPIRED,
    SPONSOR_SUSPENDED, // the participant's sponsor is suspended or frozen
    PAIR_REFUSED // of a payee: the payer's jurisdiction may not pay its own
}
