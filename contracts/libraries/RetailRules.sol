// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start naming-convention (as OpenZeppelin writes it)

import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {Flags} from "./Flags.sol";
import {LimitWord} from "./LimitWord.sol";
import {Movement, Movements} from "./Movements.sol";
import {Reason} from "./Reason.sol";
import {TokenState} from "./TokenStorage.sol";

/// @title The ceilings of the retail tier
/// @notice A retail customer spends no more a day than its tier allows, whatever its limit says, and takes no payment by
/// which all its wallets together would hold more. What it has beyond a ceiling that was lowered, it keeps.
library RetailRules {
    uint256 private constant CEILED = Movements.TRANSFER | Movements.EXECUTE | Movements.MINT;

    /// @dev Asked last, of a movement that passes otherwise.
    function pass(TokenState storage $, Movement memory m) internal view returns (bool) {
        if (m.payerFlags & Flags.RETAIL != 0 && LimitWord.unwrap(m.limit) != 0) {
            uint256 left = leftToday($, m.limit.spentOn(Movements.today()) - m.amount);
            if (m.amount > left) return Movements.refused(m, Reason.DAILY_LIMIT, m.from, left, m.amount);
        }
        if (m.payeeFlags & Flags.RETAIL == 0 || m.row & CEILED == 0 || m.amount == 0) return true;
        uint32 participant = m.payee.participant();
        if (m.payer.participant() == participant) return true; // it has no more by that
        uint256 room = roomOf($, m.registry, participant);
        return m.amount <= room || Movements.refused(m, Reason.PAYEE_BALANCE_CEILING, m.to, room, m.amount);
    }

    /// @return what the tier lets be spent today by one that has spent `spent`.
    function leftToday(TokenState storage $, uint256 spent) internal view returns (uint256) {
        uint256 most = $.retailTier.dailyLimit;
        return spent < most ? most - spent : 0;
    }

    /// @return how much more a retail participant may hold, over all wallets that ever named it.
    function roomOf(TokenState storage $, IParticipantRegistry registry, uint32 participant)
        internal
        view
        returns (uint256)
    {
        address[] memory wallets = registry.retailWallets(participant);
        // slither-disable-next-line uninitialized-local (starts at zero)
        uint256 total;
        for (uint256 i; i < wallets.length; ++i) {
            total += $.accounts[wallets[i]].balance();
        }
        uint256 most = $.retailTier.maxBalance;
        return total < most ? most - total : 0;
    }
}

// slither-disable-end naming-convention
