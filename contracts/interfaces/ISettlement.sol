// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TradeId} from "../libraries/Ids.sol";
import {Trade} from "../libraries/TradeTerms.sol";

/// @title Delivery versus payment, payment versus payment: all legs or none
/// @notice A trade settles when every distinct wallet in it has affirmed exactly these terms: by a call, by a signature, or
/// by paying for it, for a hold and a consent name the trade. Cash moves out of holds by consent or made for this trade id;
/// assets move by allowance to this contract. Nothing stays here.
/// At every settlement each wallet must be linked and good. Whoever pays by consent or is paid CASH in it is asked by the
/// deposit token (`IDepositToken.Refused`), everybody else of the registry (`PartyRefused`); either way nothing happened
/// and the trade is as live as before. Pair rules are about money, so their token asks them of cash; an asset that goes
/// between two wallets which do not pay each other asks them as if it were money (of its receiver). Assets are foreign code: their balances are counted before and after.
/// @dev The words, and what a reader may ask; what may be done: ISettlementActs and INetting.
interface ISettlement {
    enum State {
        None,
        Affirmed, // by some; matched once by all
        Settled,
        Cancelled,
        Expired // derived: live and past expiry
    }

    struct TradeView {
        State state;
        bool matched;
        uint32 affirmations; // bit i: the i-th distinct wallet (order of appearance, from before to)
        uint16 lotsSettled;
    }

    /// @notice A payer's consent to the hold of all its cash of this trade in one token: ref = trade id,
    /// amount = the sum of its CASH legs in that token. Used, it affirms; where that cash is held already it stays unspent.
    struct CashConsent {
        address payer;
        address token;
        uint256 nonce;
        uint256 deadline;
        bytes signature;
    }

    /// @notice A wallet's signature over the trade (EIP-712; its deadline is the trade's expiry).
    struct Affirmation {
        address wallet;
        bytes signature;
    }

    /// @dev For affirmations that wait. Those that ride along with a settlement are told by TradeSettled alone.
    event TradeAffirmed(TradeId indexed tradeId, address indexed wallet, bytes32 indexed tradeReference, bool matched);
    /// @dev Each movement has its token's event; a deposit token's HoldExecuted carries the trade id.
    event TradeSettled(
        TradeId indexed tradeId, bytes32 indexed tradeReference, uint256 firstLot, uint256 lots, bool complete
    );
    event TradeCancelled(TradeId indexed tradeId, address by);
    /// @dev For holds that outlive their transaction, as CashReleased.
    event CashHeld(TradeId indexed tradeId, address indexed token, address indexed payer, uint256 amount);
    event CashReleased(TradeId indexed tradeId, address indexed token, address indexed payer, uint256 amount);

    error InvalidTrade(string field);
    error UnknownTrade(TradeId tradeId);
    error TradeNotLive(TradeId tradeId, State state);
    error NotTradeParty(TradeId tradeId, address wallet);
    error InvalidAffirmation(TradeId tradeId, address wallet);
    error NotAffirmed(TradeId tradeId, address wallet);
    error PartyRefused(TradeId tradeId, address wallet, uint8 standing);
    error SettleTooEarly(uint40 settleAfter, uint256 nowSeconds);
    error TradeExpired(uint40 expiry, uint256 nowSeconds);
    error TradeNotExpired(uint40 expiry, uint256 nowSeconds);
    error NotAgent(address caller, address agent);
    error LotOutOfTurn(uint256 firstLot, uint256 next, uint256 lots);
    error CashNotHeld(TradeId tradeId, address token, address payer, uint256 held, uint256 needed);
    error CashAlreadyHeld(TradeId tradeId, address token, address payer);
    error WrongHold(TradeId tradeId, address token, address payer, uint256 amount, uint256 expected);
    error NothingHeld(TradeId tradeId, address token, address payer);
    /// @dev What should be an asset does not say what the account has of it: no contract, of another kind, no such title.
    error BalanceUnknown(address token, uint256 id, address account);
    error DeliveryMismatch(address token, uint256 id, address account, int256 expected, int256 actual);
    error NotMatched(TradeId tradeId);
    error AlreadyMatched(TradeId tradeId);
    error SignatureExpired(uint256 deadline, uint256 nowSeconds);
    error SignatureDeadlineTooFar(uint256 deadline, uint256 latest);
    error InvalidCancellation(TradeId tradeId, address wallet);
    error OnlyDepositToken(address caller);

    function tradeId(Trade calldata trade) external pure returns (TradeId);
    function tradeDigest(Trade calldata trade) external view returns (bytes32);
    function cancelDigest(TradeId id, uint40 deadline) external view returns (bytes32);
    function tradeOf(TradeId id) external view returns (TradeView memory);
    function stateOf(Trade calldata trade) external view returns (State);
    function heldFor(TradeId id, address token, address payer) external view returns (uint256);
    /// @notice Distinct wallets in the order of their affirmation bits.
    function walletsOf(Trade calldata trade) external pure returns (address[] memory);
    function registry() external view returns (address);
}
