// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {TokenScenario} from "./base/TokenScenario.sol";
import {Vm} from "./base/Vm.sol";
import {ContractWallet} from "./mocks/token/ContractWallet.sol";
import {TestNotary} from "./mocks/token/TestNotary.sol";

/// @notice The short way of plain movements and the long way of all others come to the same; a hold and its execution in
/// one call come to the same as in two.
contract TokenPlain is TokenScenario {
    bytes32 private constant REF = keccak256("trade 1");

    // ---- short and long ----

    /// @dev One frozen unit makes the payer's movements go the long way, and takes one unit from what is available.
    function testFuzz_both_ways_come_to_the_same(uint256 held, uint256 part, uint256 limit, bool sameDay) public {
        held = bound(held, 1, MONEY);
        part = bound(part, 0, held + 1);
        _setLimit(usd, alice.id, bound(limit, 0, MONEY + 1));
        _transfer(alice.wallet, bob.wallet, 0);
        uint256 before = vm.snapshotState();
        bytes32 short = _story(held, part, sameDay);
        vm.revertToState(before);
        _deposit(usd, alice.wallet, 1);
        _freezeAmount(usd, alice.wallet, 1);
        assertEq(short, _story(held, part, sameDay));
    }

    function _story(uint256 held, uint256 part, bool sameDay) private returns (bytes32) {
        bool[4] memory done;
        done[0] = _try(alice.wallet, abi.encodeCall(usd.holdAndCall, (address(notary), held, REF, "")));
        done[1] = _try(address(notary), abi.encodeCall(usd.execute, (alice.wallet, bob.wallet, part, REF)));
        uint256 day = sameDay ? _today() : _today() - 1;
        done[2] = _try(address(notary), abi.encodeCall(usd.release, (alice.wallet, part, REF, day)));
        done[3] = _try(
            address(notary), abi.encodeCall(usd.release, (alice.wallet, part < held ? held - part : held, REF, day))
        );
        return keccak256(
            abi.encode(
                done,
                usd.balanceOf(alice.wallet) - usd.frozen(alice.wallet),
                usd.available(alice.wallet),
                usd.balanceOf(bob.wallet),
                usd.held(alice.wallet),
                usd.heldFor(address(notary), alice.wallet),
                _spent(alice.id)
            )
        );
    }

    function _try(address caller, bytes memory call_) private returns (bool done) {
        vm.prank(caller);
        (done,) = address(usd).call(call_);
    }

    // ---- a hold and its execution in one ----

    function _consent(uint256 amount, uint256 nonce) private view returns (bytes memory) {
        return _signConsent(alice.key, usd, alice.wallet, address(notary), amount, REF, nonce, block.timestamp);
    }

    function _executeByConsent(address to, uint256 amount, uint256 nonce) private {
        bytes memory signature = _consent(amount, nonce);
        vm.prank(address(notary));
        usd.executeByConsent(alice.wallet, to, amount, REF, nonce, block.timestamp, signature);
    }

    function _expectEvents(address to, uint256 amount) private {
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.Held(address(notary), alice.wallet, REF, amount);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.HoldExecuted(address(notary), alice.wallet, to, amount, REF);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(alice.wallet, to, amount);
    }

    function test_executeByConsent_pays_and_leaves_no_hold() public {
        _expectEvents(bob.wallet, 500); // the long way: Bob's wallet is new here
        _executeByConsent(bob.wallet, 500, 1);
        _expectEvents(bob.wallet, 500);
        _executeByConsent(bob.wallet, 500, 2);
        assertEq(usd.balanceOf(bob.wallet), 1000);
        assertEq(usd.balanceOf(alice.wallet), MONEY - 1000);
        assertEq(usd.held(alice.wallet), 0);
        assertEq(_spent(alice.id), 1000);
        assertTrue(usd.consentSpent(alice.wallet, 1));
    }

    function test_executeByConsent_is_charged_like_a_hold_to_own_wallets_too() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _executeByConsent(second.addr, 500, 1);
        _executeByConsent(second.addr, 500, 2);
        _executeByConsent(alice.wallet, 500, 3);
        assertEq(_spent(alice.id), 1500);
        assertEq(usd.balanceOf(alice.wallet), MONEY - 1000);
        assertEq(usd.held(alice.wallet), 0);
    }

    function test_executeByConsent_takes_the_consent_of_one_hold() public {
        _executeByConsent(bob.wallet, 500, 1);
        bytes memory signature = _consent(500, 1);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, alice.wallet, 1));
        vm.prank(address(notary));
        usd.hold(alice.wallet, 500, REF, 1, block.timestamp, signature);
        signature = _consent(500, 2);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet));
        vm.prank(address(notary));
        usd.executeByConsent(alice.wallet, bob.wallet, 501, REF, 2, block.timestamp, signature);
        vm.expectRevert(
            abi.encodeWithSelector(IDepositToken.ConsentExpired.selector, block.timestamp - 1, block.timestamp)
        );
        vm.prank(address(notary));
        usd.executeByConsent(alice.wallet, bob.wallet, 500, REF, 2, block.timestamp - 1, signature);
    }

    function _expectRefusal(
        Path path,
        Reason reason,
        address about,
        uint256 has,
        uint256 needs,
        address to,
        uint256 amount
    ) private {
        bytes memory signature = _consent(amount, 9);
        vm.expectRevert(_refused(path, reason, about, has, needs));
        vm.prank(address(notary));
        usd.executeByConsent(alice.wallet, to, amount, REF, 9, block.timestamp, signature);
    }

    function test_executeByConsent_is_refused_as_the_hold_or_the_execution_would_be() public {
        _transfer(alice.wallet, bob.wallet, 1);
        uint256 most = MONEY - 1;
        _expectRefusal(Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, most, most + 1, bob.wallet, most + 1);
        _expectRefusal(Path.EXECUTE, Reason.PAYEE_UNKNOWN, address(0xDEAD), 0, 0, address(0xDEAD), 1);
        _setLimit(usd, alice.id, 11);
        _expectRefusal(Path.HOLD, Reason.DAILY_LIMIT, alice.wallet, 10, 11, bob.wallet, 11);
        _setLimit(usd, alice.id, LIMIT);
        _freeze(bob.id);
        _expectRefusal(Path.EXECUTE, Reason.PAYEE_FROZEN, bob.wallet, 0, 0, bob.wallet, 1);
        _freeze(alice.id);
        _expectRefusal(Path.HOLD, Reason.PAYER_FROZEN, alice.wallet, 0, 0, bob.wallet, 1);
        _pause(usd);
        _expectRefusal(Path.HOLD, Reason.PAUSED, address(usd), 0, 0, bob.wallet, 1);
        assertEq(usd.balanceOf(bob.wallet), 1);
        assertEq(usd.held(alice.wallet), 0);
    }

    function test_executeByConsent_is_for_active_notaries_and_of_others() public {
        vm.prank(pauser);
        usd.runOffNotary(address(notary));
        _expectRefusal(Path.HOLD, Reason.NOTARY_RUN_OFF, address(notary), 0, 0, bob.wallet, 1);
        vm.prank(pauser);
        usd.stopNotary(address(notary));
        _expectRefusal(Path.HOLD, Reason.NOTARY_STOPPED, address(notary), 0, 0, bob.wallet, 1);
        address both = address(new ContractWallet(alice.wallet));
        _registerNotary(usd, both);
        bytes memory signature = _signConsent(alice.key, usd, both, both, 1, REF, 1, block.timestamp);
        vm.expectRevert(_refused(Path.HOLD, Reason.SAME_ACCOUNT, both, 0, 0));
        vm.prank(both);
        usd.executeByConsent(both, bob.wallet, 1, REF, 1, block.timestamp, signature);
    }

    // ---- the pause that stands with each notary ----

    function test_a_pause_stops_every_notary_and_lets_every_notary_go_on() public {
        _hold(alice.wallet, 500);
        _transfer(alice.wallet, bob.wallet, 0);
        _pause(usd);
        TestNotary late = new TestNotary(address(usd));
        _registerNotary(usd, address(late));
        bytes memory refusal = _refused(Path.HOLD, Reason.PAUSED, address(usd), 0, 0);
        vm.startPrank(alice.wallet);
        vm.expectRevert(refusal);
        usd.holdAndCall(address(notary), 1, REF, "");
        vm.expectRevert(refusal);
        usd.holdAndCall(address(late), 1, REF, "");
        vm.stopPrank();
        vm.expectRevert(_refused(Path.EXECUTE, Reason.PAUSED, address(usd), 0, 0));
        vm.prank(address(notary));
        usd.execute(alice.wallet, bob.wallet, 1, REF);
        _unpause(usd);
        vm.startPrank(alice.wallet);
        usd.holdAndCall(address(notary), 1, REF, "");
        usd.holdAndCall(address(late), 1, REF, "");
        vm.stopPrank();
        assertEq(usd.held(alice.wallet), 502);
    }

    // ---- spenders ----

    function test_a_good_spender_goes_the_short_way_as_an_operator_goes_the_long() public {
        Party memory carol = _party("carol", 0);
        _transfer(alice.wallet, bob.wallet, 0);
        vm.startPrank(alice.wallet);
        usd.approve(carol.wallet, 300);
        usd.approve(operator, 300);
        vm.stopPrank();
        vm.prank(carol.wallet);
        usd.transferFrom(alice.wallet, bob.wallet, 300);
        vm.prank(operator);
        usd.transferFrom(alice.wallet, bob.wallet, 300);
        assertEq(usd.balanceOf(bob.wallet), 600);
        assertEq(_spent(alice.id), 600);
        assertEq(usd.allowance(alice.wallet, carol.wallet), 0);
        assertEq(usd.allowance(alice.wallet, operator), 0);
    }
}
