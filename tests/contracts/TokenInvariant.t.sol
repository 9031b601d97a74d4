// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TokenScenario} from "./base/TokenScenario.sol";
import {TestNotary} from "./mocks/token/TestNotary.sol";
import {TokenHandler} from "./mocks/token/TokenHandler.sol";

/// @notice What holds of a token whatever anybody does.
/// forge-config: default.invariant.runs = 24
/// forge-config: default.invariant.depth = 48
contract TokenInvariant is TokenScenario {
    address[] private _wallets;
    address[] private _notaries;
    uint32[] private _participants;
    TokenHandler private _handler;

    function setUp() public override {
        super.setUp();
        TestNotary second = new TestNotary(address(usd));
        _registerNotary(usd, address(second));
        Party memory carol = _party("carol", MONEY);
        _wallets = [alice.wallet, bob.wallet, carol.wallet];
        _participants = [alice.id, bob.id, carol.id];
        _notaries = [address(notary), address(second)];
        _handler = new TokenHandler(usd, _wallets, _notaries, issuer, compliance, seizer);
        _target(address(_handler));
    }

    function invariant_balances_sum_to_the_supply() public view {
        uint256 sum;
        for (uint256 i = 0; i < _wallets.length; i++) {
            sum += usd.balanceOf(_wallets[i]);
        }
        assertEq(sum, usd.totalSupply());
        assertEq(usd.totalSupply(), 2 * MONEY + _handler.minted() - _handler.burnt());
    }

    function invariant_held_is_within_the_balance() public view {
        for (uint256 i = 0; i < _wallets.length; i++) {
            assertLe(usd.held(_wallets[i]), usd.balanceOf(_wallets[i]));
        }
    }

    function invariant_held_is_the_sum_over_notaries() public view {
        for (uint256 i = 0; i < _wallets.length; i++) {
            uint256 sum = usd.heldFor(address(usd), _wallets[i]);
            for (uint256 k = 0; k < _notaries.length; k++) {
                sum += usd.heldFor(_notaries[k], _wallets[i]);
            }
            assertEq(sum, usd.held(_wallets[i]));
        }
    }

    function invariant_available_is_what_is_neither_held_nor_frozen() public view {
        for (uint256 i = 0; i < _wallets.length; i++) {
            address wallet = _wallets[i];
            uint256 unheld = usd.balanceOf(wallet) - usd.held(wallet);
            uint256 frozen = usd.frozen(wallet);
            assertEq(usd.available(wallet), frozen < unheld ? unheld - frozen : 0);
        }
    }

    function invariant_spent_is_within_the_limit() public view {
        for (uint256 i = 0; i < _participants.length; i++) {
            (uint256 limit, uint256 spent) = usd.dailyLimit(_participants[i]);
            assertLe(spent, limit);
        }
    }

    function invariant_outstanding_is_within_the_ceiling_and_the_supply() public view {
        (uint256 ceiling, uint256 outstanding) = usd.mintCeiling(issuer);
        assertLe(outstanding, ceiling);
        assertEq(outstanding, usd.totalSupply(), "one issuer");
    }

    /// @dev That the handler gets something done: invariants over nothing hold always.
    function test_the_handler_moves_money() public {
        _handler.mint(0, 100);
        _handler.transfer(0, 1, 50);
        _handler.hold(0, 1, 20);
        _handler.execute(0, 1, 2, 5);
        _handler.redeem(2, 7, 1);
        assertEq(_handler.done(), 7);
        assertEq(_handler.burnt(), 7);
        for (uint256 i; i < 3; ++i) {
            _handler.mint(i, 1000);
            _handler.hold(i, 0, 99);
        }
        _handler.net(0, 0, 60, 0);
        assertEq(_handler.done(), 14);
        assertEq(usd.heldFor(_notaries[0], _wallets[0]), 40);
    }
}
