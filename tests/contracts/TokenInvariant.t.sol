// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TokenActs} from "./base/TokenActs.sol";

/// @notice What holds of a token whatever anybody does.
contract TokenInvariant is TokenActs {
    function setUp() public override {
        super.setUp();
        bytes4[] memory s = new bytes4[](34);
        (s[0], s[1], s[2], s[3]) = (this.mint.selector, this.request.selector, this.request.selector, this.pay.selector);
        (s[4], s[5], s[6]) = (this.proceed.selector, this.proceed.selector, this.proceed.selector);
        (s[7], s[8], s[9]) = (this.transfer.selector, this.pay.selector, this.voidOne.selector);
        (s[10], s[11], s[12]) = (this.hold.selector, this.hold.selector, this.hold.selector);
        (s[13], s[14], s[15]) = (this.execute.selector, this.execute.selector, this.execute.selector);
        (s[16], s[17], s[18]) = (this.release.selector, this.release.selector, this.cancelByOrder.selector);
        (s[19], s[20], s[21]) = (this.rescue.selector, this.rescue.selector, this.moveNotary.selector);
        (s[22], s[23], s[24]) = (this.freezeSome.selector, this.unfreezeSome.selector, this.seize.selector);
        (s[25], s[26], s[27]) = (this.stop.selector, this.loosen.selector, this.loosen.selector);
        (s[28], s[29], s[30]) = (this.loseWallet.selector, this.limit.selector, this.wait.selector);
        (s[31], s[32], s[33]) = (this.moveNotary.selector, this.net.selector, this.net.selector);
        _target(address(this), s);
    }

    function afterInvariant() external {
        _reportRows();
    }

    function invariant_balances_sum_to_the_supply() external view {
        uint256 sum;
        for (uint256 i; i < 4; ++i) {
            sum += usd.balanceOf(_alive[i]);
        }
        for (uint256 i; i < _lost.length; ++i) {
            sum += usd.balanceOf(_lost[i]);
        }
        assertEq(sum, usd.totalSupply());
    }

    function invariant_supply_changes_only_by_mint_and_burn() external view {
        assertEq(usd.totalSupply(), 2 * MONEY + _minted - _burnt);
    }

    function invariant_held_is_within_the_balance() external view {
        for (uint256 i; i < 4; ++i) {
            assertLe(usd.held(_alive[i]), usd.balanceOf(_alive[i]));
        }
    }

    function invariant_held_is_the_sum_over_notaries() external view {
        for (uint256 i; i < 4; ++i) {
            uint256 sum = usd.heldFor(address(usd), _alive[i]);
            sum += usd.heldFor(address(_notaries[0]), _alive[i]) + usd.heldFor(address(_notaries[1]), _alive[i]);
            assertEq(sum, usd.held(_alive[i]));
        }
    }

    function invariant_available_is_what_is_neither_held_nor_frozen() external view {
        for (uint256 i; i < 4; ++i) {
            uint256 unheld = usd.balanceOf(_alive[i]) - usd.held(_alive[i]);
            uint256 frozen = usd.frozen(_alive[i]);
            assertEq(usd.available(_alive[i]), frozen < unheld ? unheld - frozen : 0);
        }
    }

    function invariant_a_lost_wallet_has_nothing() external view {
        for (uint256 i; i < _lost.length; ++i) {
            assertEq(usd.balanceOf(_lost[i]) + usd.held(_lost[i]) + usd.frozen(_lost[i]), 0);
        }
    }

    function invariant_spent_is_within_the_limit() external view {
        for (uint256 i; i < 3; ++i) {
            (uint256 most, uint256 spent) = usd.dailyLimit(_participants[i]);
            assertLe(spent, most);
        }
    }

    function invariant_outstanding_is_the_supply_and_within_the_ceiling() external view {
        (uint256 ceiling, uint256 outstanding) = usd.mintCeiling(issuer);
        assertLe(outstanding, ceiling);
        assertEq(outstanding, usd.totalSupply());
    }

    function invariant_check_is_execution() external view {
        assertEq(_disagreed, 0);
    }

    function invariant_a_stop_bites_in_the_same_block() external view {
        assertEq(_slipped, 0);
    }

    function invariant_nothing_is_paid_minted_or_redeemed_twice() external view {
        assertEq(_doubled, 0);
    }
}
