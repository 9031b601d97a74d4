"""What the settlement contract refuses."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class InvalidTrade(ContractError):
    """The trade is not usable: `field`."""

    solidity = "InvalidTrade"
    code = "INVALID_TRADE"
    says = "The trade is not usable: {field}."
    hint = "Correct that field and have the parties affirm again."


class UnknownTrade(ContractError):
    """The trade `tradeId` is not known here."""

    solidity = "UnknownTrade"
    code = "UNKNOWN_TRADE"
    says = "The trade {tradeId} is not known here."
    hint = "Affirm it first, with exactly these terms."


class TradeNotLive(ContractError):
    """The trade is `state`: nothing is left to do."""

    solidity = "TradeNotLive"
    code = "TRADE_NOT_LIVE"
    says = "The trade is {state}: nothing is left to do."
    hint = "Refresh it."


class NotTradeParty(ContractError):
    """Wallet `wallet` is no party of the trade."""

    solidity = "NotTradeParty"
    code = "NOT_TRADE_PARTY"
    says = "Wallet {wallet} is no party of the trade."
    hint = "Act with a wallet that the trade names."


class InvalidAffirmation(ContractError):
    """The affirmation was not signed by `wallet` for exactly this trade."""

    solidity = "InvalidAffirmation"
    code = "INVALID_AFFIRMATION"
    says = "The affirmation was not signed by {wallet} for exactly this trade."
    hint = "Have the party affirm the document again."


class NotAffirmed(ContractError):
    """Wallet `wallet` has not affirmed."""

    solidity = "NotAffirmed"
    code = "NOT_AFFIRMED"
    says = "Wallet {wallet} has not affirmed."
    hint = "Collect its affirmation."


class PartyRefused(ContractError):
    """Wallet `wallet` may not take part now (standing `standing`)."""

    solidity = "PartyRefused"
    code = "PARTY_REFUSED"
    says = "Wallet {wallet} may not take part now (standing {standing})."
    hint = "Clear its standing with the bank; the trade stays live."


class SettleTooEarly(ContractError):
    """The trade settles from `settleAfter` on; the chain's time is `nowSeconds`."""

    solidity = "SettleTooEarly"
    code = "SETTLE_TOO_EARLY"
    says = "The trade settles from {settleAfter} on; the chain's time is {nowSeconds}."
    hint = "Wait until then."


class TradeExpired(ContractError):
    """The trade expired at `expiry`; the chain's time is `nowSeconds`."""

    solidity = "TradeExpired"
    code = "TRADE_EXPIRED"
    says = "The trade expired at {expiry}; the chain's time is {nowSeconds}."
    hint = "Agree on a new trade; its holds are releasable."


class TradeNotExpired(ContractError):
    """The trade is live until `expiry`."""

    solidity = "TradeNotExpired"
    code = "TRADE_NOT_EXPIRED"
    says = "The trade is live until {expiry}."
    hint = "Cancel it, or wait."


class NotAgent(ContractError):
    """`caller` is not the trade's agent `agent`."""

    solidity = "NotAgent"
    code = "NOT_AGENT"
    says = "{caller} is not the trade's agent {agent}."
    hint = "Let the agent choose lots, or settle the whole rest."


class LotOutOfTurn(ContractError):
    """Lot `firstLot` is not the next one (`next` of `lots`)."""

    solidity = "LotOutOfTurn"
    code = "LOT_OUT_OF_TURN"
    says = "Lot {firstLot} is not the next one ({next} of {lots})."
    hint = "Refresh the trade and settle the next lots."


class CashNotHeld(ContractError):
    """Of `payer` `held` is held for this trade, `needed` are needed."""

    solidity = "CashNotHeld"
    code = "CASH_NOT_HELD"
    says = "Of {payer} {held} is held for this trade, {needed} are needed."
    hint = "Bring the payer's consent, or have it hold the cash."


class CashAlreadyHeld(ContractError):
    """The cash of `payer` is already held for this trade."""

    solidity = "CashAlreadyHeld"
    code = "CASH_ALREADY_HELD"
    says = "The cash of {payer} is already held for this trade."
    hint = "Nothing to do."


class WrongHold(ContractError):
    """The hold of `amount` is not the `expected` that the trade asks of `payer`."""

    solidity = "WrongHold"
    code = "WRONG_HOLD"
    says = "The hold of {amount} is not the {expected} that the trade asks of {payer}."
    hint = "Hold exactly that."


class NothingHeld(ContractError):
    """Nothing of `payer` is held for this trade."""

    solidity = "NothingHeld"
    code = "NOTHING_HELD"
    says = "Nothing of {payer} is held for this trade."
    hint = "Nothing to do."


class BalanceUnknown(ContractError):
    """`token` does not say what `account` has of it (id `id`)."""

    solidity = "BalanceUnknown"
    code = "BALANCE_UNKNOWN"
    says = "{token} does not say what {account} has of it (id {id})."
    hint = "It is no contract, of another kind, or has no such title; check the leg."


class DeliveryMismatch(ContractError):
    """`account` was to change by `expected` of `token`, and changed by `actual`."""

    solidity = "DeliveryMismatch"
    code = "DELIVERY_MISMATCH"
    says = "{account} was to change by {expected} of {token}, and changed by {actual}."
    hint = "The asset contract does not move what it says; do not trade it."


class NotMatched(ContractError):
    """Not every party has affirmed."""

    solidity = "NotMatched"
    code = "NOT_MATCHED"
    says = "Not every party has affirmed."
    hint = "Before the match a party cancels alone."


class AlreadyMatched(ContractError):
    """Every party has affirmed."""

    solidity = "AlreadyMatched"
    code = "ALREADY_MATCHED"
    says = "Every party has affirmed."
    hint = "After the match the parties cancel together."


class InvalidCancellation(ContractError):
    """The cancellation was not signed by `wallet`."""

    solidity = "InvalidCancellation"
    code = "INVALID_CANCELLATION"
    says = "The cancellation was not signed by {wallet}."
    hint = "Have every party sign it."


class WrongNumberOfTrades(ContractError):
    """A net has 1 to `most` trades, not `trades`."""

    solidity = "WrongNumberOfTrades"
    code = "WRONG_NUMBER_OF_TRADES"
    says = "A net has 1 to {most} trades, not {trades}."
    hint = "Settle them by several nets, each of which can settle by itself."


class NetTooLarge(ContractError):
    """The trades of the net have `legs` legs together, `most` are allowed."""

    solidity = "NetTooLarge"
    code = "NET_TOO_LARGE"
    says = "The trades of the net have {legs} legs together, {most} are allowed."
    hint = "Settle them by several nets, each of which can settle by itself."
