// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {TradeBook} from "./TradeBook.sol";
import {Cash, CashLegs} from "./libraries/CashLegs.sol";
import {TradeId} from "./libraries/Ids.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {TradeHolds} from "./libraries/TradeHolds.sol";
import {Trade} from "./libraries/TradeTerms.sol";
import {Wallets} from "./libraries/Wallets.sol";

/// @title TradeMatching
/// @notice Who has affirmed a trade, and which money it is: asked alike of a trade that settles alone and in a net.
abstract contract TradeMatching is TradeBook {
    using TradeHolds for TradeHolds.Book;
    using Wallets for address[];

    /// @return fresh false if `wallet` has affirmed already: a race between a call and a signature hurts nobody.
    function _affirm(Live memory live, address wallet) internal pure returns (bool fresh) {
        uint256 index = live.wallets.indexOf(wallet);
        if (index == live.wallets.length) revert NotTradeParty(live.id, wallet);
        if (live.word.isAffirmed(index)) return false;
        live.word = live.word.withAffirmation(index, live.wallets.length);
        return true;
    }

    function _requireSigned(TradeId id, bytes32 digest, address wallet, bytes calldata signature) internal view {
        if (!Signatures.isValid(wallet, digest, signature)) revert InvalidAffirmation(id, wallet);
    }

    function _requireDue(Trade calldata trade) internal view {
        if (block.timestamp < trade.settleAfter) {
            revert SettleTooEarly(trade.settleAfter, block.timestamp);
        }
    }

    /// @dev The caller affirms by calling if it is a party; signatures ride along; nobody may be missing then. No event
    /// tells of these affirmations but TradeSettled: without them it could not be.
    function _requireAffirmed(Live memory live, Affirmation[] calldata affirmations) internal view {
        if (live.word.isMatched()) return;
        if (live.wallets.indexOf(msg.sender) < live.wallets.length) _affirm(live, msg.sender);
        bytes32 digest = _hashTypedDataV4(TradeId.unwrap(live.id));
        for (uint256 i; i < affirmations.length; ++i) {
            Affirmation calldata a = affirmations[i];
            if (_affirm(live, a.wallet)) _requireSigned(live.id, digest, a.wallet, a.signature);
        }
        if (live.word.isMatched()) return;
        uint256 missing;
        while (live.word.isAffirmed(missing)) ++missing;
        revert NotAffirmed(live.id, live.wallets[missing]);
    }

    /// @dev Finds for each payer what it holds for this trade, or else its consent, whose signature the token checks: it
    /// names the trade, so it affirms like a hold. A consent for what is held already is passed over, unspent: the payer
    /// may have come first by itself.
    function _matchCash(Live memory live, Cash[] memory cash, CashConsent[] calldata consents) internal view {
        if (live.word.hasHolds()) {
            for (uint256 i; i < cash.length; ++i) {
                (cash[i].held, cash[i].day) = _holds.get(live.id, cash[i].token, cash[i].payer);
            }
        }
        for (uint256 i; i < consents.length; ++i) {
            CashConsent calldata c = consents[i];
            (address token, address payer) = (c.token, c.payer);
            uint256 found = CashLegs.find(cash, token, payer);
            if (found == cash.length) revert WrongHold(live.id, token, payer, 0, 0);
            if (cash[found].held != 0) continue;
            cash[found].consent = i + 1;
            _affirm(live, payer);
        }
    }
}

// slither-disable-end timestamp
