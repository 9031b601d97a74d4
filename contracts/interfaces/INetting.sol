// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Trade} from "../libraries/TradeTerms.sol";
import {ISettlement} from "./ISettlement.sol";

/// @title Many trades at once, by their nets
/// @notice Every trade of a net is asked what it would be asked alone: affirmed by every wallet, live and due, each wallet
/// good, each payer and payee and their pair passed by the deposit token, also where their net is nothing. Every consent
/// and hold is used up. Then each party gives and gets its net, in one call to each deposit token and at most one movement
/// out of each account of an asset. All trades settle, each as a whole (of one that went by lots, the whole rest), or none
/// does and all are as live as before. What a party must have is its net: a ring may settle in which nobody could begin.
interface INetting {
    /// @notice A trade of a net and what rides along with it, as for `settle`.
    struct NetTrade {
        Trade trade;
        ISettlement.Affirmation[] affirmations;
        ISettlement.CashConsent[] consents;
    }

    error WrongNumberOfTrades(uint256 trades, uint256 most);
    error NetTooLarge(uint256 legs, uint256 most);

    /// @notice Anyone, as `settle`: 1 to 64 trades, each once, of at most 256 legs together.
    /// @param assetsGross true: assets move leg by leg in the order given and only cash is netted (BIS model 2); false:
    /// all is netted (BIS model 3), a title that passes from hand to hand moves once.
    function settleNet(NetTrade[] calldata trades, bool assetsGross) external;
}
