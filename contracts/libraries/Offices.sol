// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start naming-convention (as OpenZeppelin writes it)

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IReserve} from "../interfaces/IReserve.sol";
import {MintRates} from "./MintRates.sol";
import {Movement, Movements} from "./Movements.sol";
import {Reason} from "./Reason.sol";
import {RetailRules} from "./RetailRules.sol";
import {TokenRoles} from "./TokenRoles.sol";
import {MintCeiling, TokenState} from "./TokenStorage.sol";

/// @title The rules of the paths that the bank's offices walk: minting, redemption, seizure, recovery
/// @dev As Movements, and by its table. A recovery asks only who calls and for whom; it moves whatever there is.
library Offices {
    /// @notice Whether the rules let it pass; else the answer is in `m`.
    function passes(TokenState storage $, Movement memory m) internal view returns (bool) {
        if (!Movements.open($, m) || !_callerPasses(m)) return false;
        if (m.row & Movements.FROM_HOLD != 0) return Movements.heldPasses($, m);
        if (m.row == Movements.RECOVER) return true;
        if (!Movements.partiesPass($, m)) return false;
        if (m.row == Movements.MINT) return _mintPasses($, m) && _reservePasses($, m) && RetailRules.pass($, m);
        uint256 unheld = m.payer.unheld();
        return m.amount <= unheld || Movements.refused(m, Reason.INSUFFICIENT_UNHELD, m.from, unheld, m.amount);
    }

    /// @notice Asks, carries out, and keeps the supply; reverts `Refused` where the rules do.
    function update(TokenState storage $, Movement memory m) internal {
        if (!passes($, m)) Movements.refuse(m);
        Movements.carryOut($, m);
        if (m.row == Movements.MINT) $.totalSupply += uint88(m.amount);
        if (m.row == Movements.SETTLE) $.totalSupply -= uint88(m.amount);
    }

    function _callerPasses(Movement memory m) private view returns (bool) {
        m.notary = address(this); // of redemptions
        if (m.row & Movements.BY_ISSUER != 0) {
            return
                TokenRoles.mayCall(m.caller, _selectorOf(m.row))
                    || Movements.refused(m, Reason.NOT_ISSUER, m.caller, 0, 0);
        }
        bool permitted = m.row == Movements.SEIZE
            ? TokenRoles.mayCall(m.caller, IDepositToken.seize.selector)
            : m.caller == address(m.registry);
        if (!permitted) return Movements.refused(m, Reason.NOT_COMPLIANCE, m.caller, 0, 0);
        return m.from != m.to || Movements.refused(m, Reason.SAME_ACCOUNT, m.from, 0, 0);
    }

    function _selectorOf(uint256 row) private pure returns (bytes4) {
        if (row == Movements.MINT) return IDepositToken.mint.selector;
        if (row == Movements.INSTRUCT) return IDepositToken.instructRedemption.selector;
        if (row == Movements.SETTLE) return IDepositToken.settleRedemption.selector;
        return IDepositToken.returnRedemption.selector;
    }

    /// @dev Under the issuer's ceiling and within its rate.
    function _mintPasses(TokenState storage $, Movement memory m) private view returns (bool) {
        uint256 headroom = _headroomOf($, m.caller);
        if (m.amount > headroom) return Movements.refused(m, Reason.MINT_CEILING, m.caller, headroom, m.amount);
        uint256 free = MintRates.available($.mintRates[m.caller]);
        return m.amount <= free || Movements.refused(m, Reason.MINT_RATE, m.caller, free, m.amount);
    }

    /// @dev Behind all tokens of the currency stands what is attested and fresh. The amount is small by now.
    function _reservePasses(TokenState storage $, Movement memory m) private view returns (bool) {
        address reserve = $.reserve;
        if (reserve == address(0)) return Movements.refused(m, Reason.RESERVE_MISSING, address(this), 0, 0);
        (IReserve.Freshness freshness, uint256 attested, uint256 supply) = IReserve(reserve).backingOf(address(this));
        if (freshness == IReserve.Freshness.FRESH) {
            uint256 needs = supply + m.amount;
            return needs <= attested || Movements.refused(m, Reason.RESERVE_SHORT, reserve, attested, needs);
        }
        bool missing = freshness == IReserve.Freshness.MISSING;
        return Movements.refused(
            m, missing ? Reason.RESERVE_MISSING : Reason.RESERVE_STALE, missing ? address(this) : reserve, 0, 0
        );
    }

    /// @dev Under the issuer's ceiling, and while balances fit their word.
    function _headroomOf(TokenState storage $, address issuer) private view returns (uint256) {
        MintCeiling memory mint = $.ceilings[issuer];
        uint256 underCeiling = mint.outstanding < mint.ceiling ? mint.ceiling - mint.outstanding : 0;
        uint256 representable = type(uint88).max - $.totalSupply;
        return underCeiling < representable ? underCeiling : representable;
    }
}

// slither-disable-end naming-convention
