// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {NetBase} from "./base/NetBase.sol";
import {Vm} from "./base/Vm.sol";
import {ContractWallet} from "./mocks/token/ContractWallet.sol";

/// @dev executeNet: gross legs are asked, nets move.
contract TokenNetTest is NetBase {
    // ---- what moves ----

    /// @dev Nobody has a cent, and everybody has paid.
    function test_a_ring_needs_no_money() public {
        _deposit(usd, carol.wallet, 1); // so that its word knows whose it is
        IDepositToken.NetSource[] memory ring = _ring(bob, carol, dave, 500);
        vm.recordLogs();
        _net(ring);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 3 + 3 + 1, "a leg each, a position each, and no Transfer");
        assertEq(logs[0].topics[0], IDepositToken.LegNetted.selector);
        assertEq(logs[3].topics[0], IDepositToken.NetSettled.selector);
        assertEq(logs[6].topics[0], IDepositToken.NetExecuted.selector);
        assertEq(logs[6].data, abi.encode(3, 0));
        assertEq(usd.balanceOf(bob.wallet) + usd.balanceOf(dave.wallet), 0);
        assertEq(usd.balanceOf(carol.wallet), 1);
        assertEq(_spent(bob.id) + _spent(carol.id) + _spent(dave.id), 0, "a net of nothing is charged nothing");
        assertTrue(usd.consentSpent(bob.wallet, ring[0].nonce) && usd.consentSpent(dave.wallet, ring[2].nonce));
    }

    function test_only_nets_move() public {
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](2);
        sources[0] = _consent(alice, _legs(bob, 700, carol, 100));
        sources[1] = _consent(bob, _legs(alice, 200));
        vm.recordLogs();
        _net(sources);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 3 + 3 + 1 + 2);
        assertEq(logs[7].topics[0], IERC20.Transfer.selector);
        assertEq(logs[7].data, abi.encode(500));
        assertEq(logs[8].data, abi.encode(100));
        assertEq(usd.balanceOf(alice.wallet), MONEY - 600);
        assertEq(usd.balanceOf(bob.wallet), 500);
        assertEq(usd.balanceOf(carol.wallet), 100);
        assertEq(_spent(alice.id), 600, "its net outflow");
        assertEq(_spent(bob.id), 0);
    }

    function test_the_events_say_who_paid_what_for_which_trade() public {
        _hold(alice.wallet, 300);
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](1);
        sources[0] = _held(alice, _today(), _legs(bob, 300));
        vm.expectEmit(address(usd));
        emit IDepositToken.HoldNetted(address(notary), alice.wallet, sources[0].ref, 300, _today());
        vm.expectEmit(address(usd));
        emit IDepositToken.LegNetted(alice.wallet, bob.wallet, sources[0].ref, 300);
        vm.expectEmit(address(usd));
        emit IDepositToken.NetSettled(address(notary), alice.wallet, 300, 0, 300);
        vm.expectEmit(address(usd));
        emit IDepositToken.NetSettled(address(notary), bob.wallet, 0, 300, 0);
        vm.expectEmit(address(usd));
        emit IDepositToken.NetExecuted(address(notary), 1, 1);
        vm.expectEmit(address(usd));
        emit IERC20.Transfer(alice.wallet, bob.wallet, 300);
        vm.prank(address(notary));
        usd.executeNet(sources);
        assertEq(usd.held(alice.wallet), 0);
        assertEq(usd.heldFor(address(notary), alice.wallet), 0);
    }

    function test_paying_oneself_comes_to_nothing() public {
        _net(_one(_consent(alice, _legs(alice, MONEY))));
        assertEq(usd.balanceOf(alice.wallet), MONEY);
        assertEq(_spent(alice.id), 0);
    }

    // ---- amounts ----

    function test_the_net_outflow_just_enough_and_one_short() public {
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](2);
        sources[0] = _consent(alice, _legs(bob, MONEY + 50));
        sources[1] = _consent(bob, _legs(alice, 49));
        _expectRefused(sources, Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY + 49, MONEY + 50);
        sources[1] = _consent(bob, _legs(alice, 50));
        _net(sources);
        assertEq(usd.balanceOf(bob.wallet), MONEY);
        assertEq(usd.balanceOf(alice.wallet), 0);
    }

    function test_what_another_notary_holds_is_not_available() public {
        vm.prank(alice.wallet);
        usd.requestRedemption(400, "redemption", "payout");
        _expectRefused(
            _one(_consent(alice, _legs(bob, MONEY - 399))),
            Path.HOLD,
            Reason.INSUFFICIENT_AVAILABLE,
            alice.wallet,
            MONEY - 400,
            MONEY - 399
        );
        _net(_one(_consent(alice, _legs(bob, MONEY - 400))));
        assertEq(usd.held(alice.wallet), 400);
    }

    function test_a_hold_in_full_and_one_beyond() public {
        _hold(alice.wallet, 300);
        IDepositToken.NetSource[] memory sources = _one(_held(alice, _today(), _legs(bob, 301)));
        _expectRefused(sources, Path.EXECUTE, Reason.INSUFFICIENT_HELD, alice.wallet, 300, 301);
        IDepositToken.NetSource[] memory twice = new IDepositToken.NetSource[](2);
        (twice[0], twice[1]) = (_held(alice, _today(), _legs(bob, 200)), _held(alice, _today(), _legs(bob, 101)));
        _expectRefused(twice, Path.EXECUTE, Reason.INSUFFICIENT_HELD, alice.wallet, 300, 301);
        twice[1] = _held(alice, _today(), _legs(bob, 100));
        _net(twice);
        assertEq(usd.balanceOf(bob.wallet), 300);
    }

    /// @dev Held money goes its way whatever is frozen, as when it is executed alone.
    function test_a_freeze_does_not_bind_what_was_held_before() public {
        _hold(alice.wallet, MONEY);
        _freezeAmount(usd, alice.wallet, MONEY);
        _net(_one(_held(alice, _today(), _legs(bob, MONEY))));
        assertEq(usd.balanceOf(bob.wallet), MONEY);
    }

    /// @dev Bob has nothing and 100 of it is frozen: what comes in fills that first, and is not passed on through a net.
    function test_a_freeze_catches_what_comes_in() public {
        _freezeAmount(usd, bob.wallet, 100);
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](2);
        sources[0] = _consent(alice, _legs(bob, 150));
        sources[1] = _consent(bob, _legs(carol, 51));
        _expectRefused(sources, Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, bob.wallet, 50, 51);
        sources[1] = _consent(bob, _legs(carol, 50));
        _net(sources);
        assertEq(usd.balanceOf(bob.wallet), 100);
        assertEq(usd.available(bob.wallet), 0);
    }

    // ---- limits ----

    function test_the_limit_just_enough_and_one_short() public {
        _setLimit(usd, alice.id, 100);
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](2);
        sources[0] = _consent(alice, _legs(bob, 1000));
        sources[1] = _consent(bob, _legs(alice, 899));
        _expectRefused(sources, Path.HOLD, Reason.DAILY_LIMIT, alice.wallet, 100, 101);
        sources[1] = _consent(bob, _legs(alice, 900));
        _net(sources);
        assertEq(_spent(alice.id), 100);
    }

    /// @dev A hold was charged gross; the net gives the difference back, today.
    function test_a_hold_of_today_gives_back_the_difference() public {
        _hold(alice.wallet, 1000);
        assertEq(_spent(alice.id), 1000);
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](2);
        sources[0] = _held(alice, _today(), _legs(bob, 1000));
        sources[1] = _consent(bob, _legs(alice, 700));
        _net(sources);
        assertEq(_spent(alice.id), 300);
    }

    function test_a_hold_of_yesterday_gives_nothing_back_and_is_not_charged_again() public {
        _hold(alice.wallet, 1000);
        uint256 day = _today();
        vm.warp(block.timestamp + 1 days);
        _transfer(alice.wallet, bob.wallet, 40);
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](3);
        sources[0] = _held(alice, day, _legs(bob, 1000));
        sources[1] = _consent(bob, _legs(alice, 100));
        sources[2] = _consent(alice, _legs(carol, 150));
        _net(sources);
        assertEq(_spent(alice.id), 40 + 50, "what goes out beyond the old hold");
    }

    /// @dev What comes in pays for the hold of today first: the other was charged on its day.
    function test_holds_of_two_days() public {
        _hold(alice.wallet, 100);
        uint256 yesterday = _today();
        vm.warp(block.timestamp + 1 days);
        _hold(alice.wallet, 200);
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](3);
        sources[0] = _held(alice, yesterday, _legs(bob, 100));
        sources[1] = _held(alice, _today(), _legs(bob, 200));
        sources[2] = _consent(bob, _legs(alice, 150));
        _net(sources);
        assertEq(_spent(alice.id), 50);
        sources = _one(_consent(bob, _legs(alice, 150)));
        _net(sources);
        assertEq(_spent(alice.id), 50, "to be paid gives nothing back");
    }

    /// @dev As `execute`, which asks no limit.
    function test_a_limit_lowered_since_stops_no_hold() public {
        _hold(alice.wallet, 1000);
        _setLimit(usd, alice.id, 1);
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](2);
        sources[0] = _held(alice, _today(), _legs(bob, 1000));
        sources[1] = _consent(bob, _legs(alice, 1));
        _net(sources);
        assertEq(_spent(alice.id), 999);
        _expectRefused(_one(_consent(alice, _legs(bob, 1))), Path.HOLD, Reason.DAILY_LIMIT, alice.wallet, 0, 1);
    }

    /// @dev Limits are the institution's: its wallets count together.
    function test_wallets_of_one_participant_net_together() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        Party memory other = Party(alice.id, second.addr, second.privateKey, alice.identity);
        _setLimit(usd, alice.id, 100);
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](2);
        sources[0] = _consent(alice, _legs(bob, 500));
        sources[1] = _consent(bob, _legs(other, 399));
        _expectRefused(sources, Path.HOLD, Reason.DAILY_LIMIT, alice.wallet, 100, 101);
        sources[1] = _consent(bob, _legs(other, 400));
        _net(sources);
        assertEq(_spent(alice.id), 100);
        assertEq(usd.balanceOf(second.addr), 400);
    }

    // ---- who ----

    function test_a_stopped_payee_with_a_net_of_nothing() public {
        IDepositToken.NetSource[] memory ring = _ring(bob, carol, dave, 500);
        _freeze(carol.id);
        _expectRefused(ring, Path.EXECUTE, Reason.PAYEE_FROZEN, carol.wallet, 0, 0);
    }

    function test_a_stopped_payer_with_a_net_of_nothing() public {
        IDepositToken.NetSource[] memory ring = _ring(bob, carol, dave, 500);
        _freeze(bob.id);
        _expectRefused(ring, Path.HOLD, Reason.PAYER_FROZEN, bob.wallet, 0, 0);
    }

    /// @dev A lapsed KYC is no stop for what is held; it is one for a consent.
    function test_a_lapsed_payer_pays_out_of_its_hold_only() public {
        _hold(alice.wallet, 100);
        uint256 day = _today();
        _expireKyc(alice.id);
        vm.prank(onboarder);
        registry.renewKyc(bob.id, uint40(block.timestamp + 1), "again");
        _expectRefused(_one(_consent(alice, _legs(bob, 100))), Path.HOLD, Reason.PAYER_KYC_EXPIRED, alice.wallet, 0, 0);
        _net(_one(_held(alice, day, _legs(bob, 100))));
        assertEq(usd.balanceOf(bob.wallet), 100);
    }

    function test_an_unknown_payee() public {
        address stranger = address(0xBAD);
        IDepositToken.NetLeg[] memory legs = new IDepositToken.NetLeg[](1);
        legs[0] = IDepositToken.NetLeg(stranger, 1);
        _expectRefused(_one(_consent(alice, legs)), Path.EXECUTE, Reason.PAYEE_UNKNOWN, stranger, 0, 0);
    }

    function test_a_lost_wallet_pays_from_its_successor() public {
        _hold(alice.wallet, 300);
        uint256 day = _today();
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _suspendWallet(alice.wallet);
        _recover(alice.wallet, second.addr);
        _expectRefused(_one(_consent(alice, _legs(bob, 1))), Path.HOLD, Reason.PAYER_WALLET_LOST, alice.wallet, 0, 0);
        _expectRefused(_one(_consent(bob, _legs(alice, 1))), Path.EXECUTE, Reason.PAYEE_WALLET_LOST, alice.wallet, 0, 0);
        IDepositToken.NetSource[] memory sources = _one(_held(alice, day, _legs(bob, 300)));
        vm.expectEmit(address(usd));
        emit IDepositToken.HoldNetted(address(notary), second.addr, sources[0].ref, 300, day);
        vm.prank(address(notary));
        usd.executeNet(sources);
        assertEq(usd.balanceOf(bob.wallet), 300);
        assertEq(usd.balanceOf(second.addr), MONEY - 300);
        assertEq(usd.held(second.addr), 0);
    }

    function test_paused() public {
        _hold(alice.wallet, 100);
        IDepositToken.NetSource[] memory sources = _one(_held(alice, _today(), _legs(bob, 100)));
        _pause(usd);
        _expectRefused(sources, Path.EXECUTE, Reason.PAUSED, address(usd), 0, 0);
        _expectRefused(_one(_consent(alice, _legs(bob, 1))), Path.HOLD, Reason.PAUSED, address(usd), 0, 0);
    }

    function test_a_notary_in_run_off_pays_out_of_holds_only() public {
        _hold(alice.wallet, 100);
        vm.prank(pauser);
        usd.runOffNotary(address(notary));
        _expectRefused(_one(_consent(alice, _legs(bob, 1))), Path.HOLD, Reason.NOTARY_RUN_OFF, address(notary), 0, 0);
        _net(_one(_held(alice, _today(), _legs(bob, 100))));
        assertEq(usd.balanceOf(bob.wallet), 100);
    }

    function test_a_stopped_notary_and_no_notary() public {
        _hold(alice.wallet, 100);
        IDepositToken.NetSource[] memory sources = _one(_held(alice, _today(), _legs(bob, 100)));
        vm.prank(pauser);
        usd.stopNotary(address(notary));
        _expectRefused(sources, Path.EXECUTE, Reason.NOTARY_STOPPED, address(notary), 0, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IDepositToken.Refused.selector, Path.EXECUTE, Reason.NOT_NOTARY, address(this), 0, 0)
        );
        usd.executeNet(sources);
    }

    // ---- consents ----

    function test_a_consent_serves_once() public {
        IDepositToken.NetSource[] memory twice = new IDepositToken.NetSource[](2);
        twice[0] = _consent(alice, _legs(bob, 100));
        twice[1] = twice[0];
        bytes memory spent = abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, alice.wallet, twice[0].nonce);
        _expectRevert(twice, spent);
        _net(_one(twice[0]));
        _expectRevert(_one(twice[0]), spent);
    }

    function test_a_contract_consents_by_its_owner() public {
        Vm.Wallet memory owner = _key("owner");
        address wallet = address(new ContractWallet(owner.addr));
        bytes memory link = _signLink(owner.privateKey, alice.identity, wallet, block.timestamp);
        vm.prank(onboarder);
        registry.linkWallet(alice.id, wallet, block.timestamp, link);
        _deposit(usd, wallet, 100);
        Party memory payer = Party(alice.id, wallet, owner.privateKey, alice.identity);
        _net(_one(_consent(payer, _legs(bob, 100))));
        assertEq(usd.balanceOf(bob.wallet), 100);
    }

    function test_a_consent_that_was_cancelled_or_has_expired() public {
        IDepositToken.NetSource[] memory sources = _one(_consent(alice, _legs(bob, 100)));
        vm.prank(alice.wallet);
        usd.cancelConsent(sources[0].nonce);
        _expectRevert(
            sources, abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, alice.wallet, sources[0].nonce)
        );
        sources = _one(_consent(alice, _legs(bob, 100)));
        vm.warp(sources[0].deadline + 1);
        _expectRevert(
            sources, abi.encodeWithSelector(IDepositToken.ConsentExpired.selector, sources[0].deadline, block.timestamp)
        );
    }

    /// @dev Signed over the sum of the legs and the reference, for this notary.
    function test_a_consent_to_something_else() public {
        bytes memory invalid = abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet);
        IDepositToken.NetSource[] memory sources = _one(_consent(alice, _legs(bob, 60, carol, 40)));
        sources[0].legs[1].amount = 41;
        _expectRevert(sources, invalid);
        sources[0].legs[1].amount = 40;
        sources[0].ref = "another";
        _expectRevert(sources, invalid);
        sources = _one(_consent(alice, _legs(bob, 100)));
        sources[0].signature = _consent(bob, _legs(bob, 100)).signature;
        _expectRevert(sources, invalid);
        sources[0].signature = hex"01";
        _expectRevert(sources, invalid);
    }

    // ---- bad input ----

    function test_nothing() public {
        bytes memory zero = abi.encodeWithSelector(IDepositToken.ZeroAmount.selector);
        _expectRevert(new IDepositToken.NetSource[](0), zero);
        _expectRevert(_one(_consent(alice, new IDepositToken.NetLeg[](0))), zero);
        _expectRevert(_one(_consent(alice, _legs(bob, 1, carol, 0))), zero);
    }

    function test_too_much() public {
        uint256 most = type(uint88).max;
        _expectRevert(
            _one(_consent(alice, _legs(bob, most + 1))),
            abi.encodeWithSelector(IDepositToken.AmountTooLarge.selector, most + 1)
        );
        IDepositToken.NetSource[] memory ring = _ring(bob, carol, dave, most);
        _net(ring); // on paper only: no money of that size moves
        assertEq(usd.totalSupply(), MONEY);
    }

    function test_256_legs_and_one_more() public {
        IDepositToken.NetLeg[] memory legs = new IDepositToken.NetLeg[](257);
        for (uint256 i; i < 257; ++i) {
            legs[i] = IDepositToken.NetLeg(bob.wallet, 1);
        }
        _expectRevert(
            _one(_consent(alice, legs)), abi.encodeWithSelector(IDepositToken.BatchTooLong.selector, 257, 256)
        );
        assembly {
            mstore(legs, 256)
        }
        _net(_one(_consent(alice, legs)));
        assertEq(usd.balanceOf(bob.wallet), 256);
    }

    // ---- any net ----

    /// @dev D6: where each payment could be made alone, all of them come to the same; and never is more charged.
    function testFuzz_D6_a_net_comes_to_what_its_payments_come_to(uint256 seed) public {
        for (uint256 i; i < parties.length; ++i) {
            _deposit(usd, parties[i].wallet, 1e9);
        }
        IDepositToken.NetSource[] memory sources = _random(seed, 1e6, true);
        uint256 before = vm.snapshotState();
        _oneByOne(sources);
        (uint256[] memory balances, uint256[] memory spent) = _books();
        assertTrue(vm.revertToState(before));
        _net(sources);
        (uint256[] memory netBalances, uint256[] memory netSpent) = _books();
        for (uint256 i; i < parties.length; ++i) {
            assertEq(netBalances[i], balances[i], "balance");
            assertLe(netSpent[i], spent[i], "limit");
            assertEq(usd.heldFor(address(notary), parties[i].wallet), 0, "held");
        }
    }

    /// @dev checkNet foretells what executeNet does: scarce money, low limits, freezes, stops.
    function testFuzz_check_foretells(uint256 seed) public {
        for (uint256 i; i < parties.length; ++i) {
            uint256 r = uint256(keccak256(abi.encode(seed, "state", i)));
            if (r % 3 > 0) _deposit(usd, parties[i].wallet, 1 + (r >> 8 & 0xfff));
            if (r % 4 == 0) _setLimit(usd, parties[i].id, r >> 24 & 0xfff);
            if (r % 5 == 0) _freezeAmount(usd, parties[i].wallet, 1 + (r >> 40 & 0xff));
            if (r % 31 == 0) _freeze(parties[i].id);
        }
        IDepositToken.NetSource[] memory sources = _random(seed, 2000, false);
        (Reason reason, address about) = usd.checkNet(address(notary), sources);
        vm.prank(address(notary));
        (bool done, bytes memory result) = address(usd).call(abi.encodeCall(usd.executeNet, (sources)));
        assertEq(done, reason == Reason.OK, vm.toString(uint256(reason)));
        if (done) return;
        assertEq(bytes32(bytes4(result)), bytes32(IDepositToken.Refused.selector));
        (, Reason refused, address account,,) = abi.decode(_tail(result), (Path, Reason, address, uint256, uint256));
        assertEq(uint8(refused), uint8(reason));
        assertEq(account, about);
    }
}
