// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TradeId} from "../libraries/Ids.sol";
import {Trade} from "../libraries/TradeTerms.sol";
import {ISettlement} from "./ISettlement.sol";

/// @title What may be done with a trade: see ISettlement
interface ISettlementActs {
    /// @notice The caller, a wallet of the trade, affirms.
    function affirm(Trade calldata trade) external returns (TradeId);
    /// @notice Anyone brings signed affirmations.
    function affirmBySignature(Trade calldata trade, ISettlement.Affirmation[] calldata affirmations)
        external
        returns (TradeId);
    /// @notice Anyone, between settleAfter and expiry, once all affirmed: delivers every remaining lot. Affirmations and
    /// consents may ride along; a caller that is a party affirms by calling.
    function settle(
        Trade calldata trade,
        ISettlement.Affirmation[] calldata affirmations,
        ISettlement.CashConsent[] calldata consents
    ) external;
    /// @notice The agent delivers lots [firstLot, firstLot + count); firstLot must be the next one.
    function settleLots(
        Trade calldata trade,
        uint256 firstLot,
        uint256 count,
        ISettlement.Affirmation[] calldata affirmations,
        ISettlement.CashConsent[] calldata consents
    ) external;
    /// @notice A party alone, before the match, even before anybody affirmed: that voids the signatures that are out. Holds
    /// go back at once, or by `releaseHold` where their token has stopped this contract. For a lost wallet its successor
    /// speaks, here and in `cancelTogether`.
    function cancel(Trade calldata trade) external;
    /// @notice After the match: every wallet of the trade has signed CancelTrade(bytes32 tradeId,uint40 deadline).
    function cancelTogether(Trade calldata trade, uint40 deadline, ISettlement.Affirmation[] calldata cancellations)
        external;
    /// @notice Anyone, once cancelled, settled or expired: gives back what is still held of `payer` for this trade.
    function releaseHold(Trade calldata trade, address token, address payer) external;

    /// @notice The code of `settleNet`, which the settlement runs in its own storage. Called directly it knows no trade.
    function netting() external view returns (address);
    function version() external pure returns (string memory);
}
