// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Interval} from "../../contracts/libraries/Interval.sol";
import {Stops} from "../../contracts/libraries/Stops.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {Test} from "./base/Test.sol";
import {Vm} from "./base/Vm.sol";

/// @notice The history that a participant's clocks skip.
contract RegistryStopsTest is RegistryBase {
    Party internal buyer;

    function setUp() public override {
        super.setUp();
        buyer = _onboard("buyer");
    }

    function _expectLast(uint256 count, uint256 start, uint256 end) private view {
        Interval[] memory stops = registry.stopsSince(buyer.id, 0);
        assertEq(stops.length, count, "count");
        assertEq(stops[count - 1].start, start, "start");
        assertEq(stops[count - 1].end, end, "end");
    }

    function test_none_at_first() external view {
        assertEq(registry.stopsSince(buyer.id, 0).length, 0);
        assertEq(registry.stopsSince(9, 0).length, 0);
    }

    function test_freeze_and_suspension_overlap_in_one_stop() external {
        _freeze(buyer.id);
        _expectLast(1, START, 0);
        vm.warp(START + 10);
        _suspend(buyer.id);
        _expectLast(1, START, 0);
        _unfreeze(buyer.id);
        _expectLast(1, START, 0);
        _reinstate(buyer.id);
        _expectLast(1, START, START + 10 + 2 * DELAY);
        assertFalse(registry.isStopped(buyer.id));
    }

    /// @dev A bank that suspends the wallet which must sign cannot make a deadline pass; money rules do not follow.
    function test_the_clock_stands_still_while_the_current_wallet_is_suspended() external {
        _suspendWallet(buyer.wallet);
        _expectLast(1, START, 0);
        assertFalse(registry.isStopped(buyer.id), "not a stop of money");
        _reinstateWallet(buyer.wallet);
        _expectLast(1, START, START + DELAY);
    }

    function test_another_wallets_suspension_stops_no_clock() external {
        Vm.Wallet memory second = _link(buyer, "second");
        _suspendWallet(second.addr);
        assertEq(registry.stopsSince(buyer.id, 0).length, 0);
    }

    function test_recovery_of_a_suspended_current_wallet_starts_the_clock_again() external {
        Vm.Wallet memory second = _link(buyer, "second");
        _suspendWallet(buyer.wallet);
        _recover(buyer.wallet, second.addr);
        _expectLast(1, START, START + DELAY);
    }

    function test_recovery_while_frozen_leaves_the_clock_standing() external {
        Vm.Wallet memory second = _link(buyer, "second");
        _suspendWallet(buyer.wallet);
        _freeze(buyer.id);
        _recover(buyer.wallet, second.addr);
        _expectLast(1, START, 0);
    }

    function test_stops_are_disjoint_and_ascending() external {
        _freeze(buyer.id);
        _unfreeze(buyer.id);
        vm.warp(block.timestamp + 1);
        uint256 second = block.timestamp;
        _suspend(buyer.id);
        _reinstate(buyer.id);
        Interval[] memory stops = registry.stopsSince(buyer.id, 0);
        assertEq(stops.length, 2);
        assertEq(stops[0].end, second - 1);
        assertEq(stops[1].start, second);
    }

    function test_stopping_again_within_the_second_goes_on() external {
        _freeze(buyer.id);
        _unfreeze(buyer.id);
        _freeze(buyer.id);
        _expectLast(1, START, 0);
    }

    function test_a_stop_of_no_time_leaves_no_trace() external {
        bytes memory call = abi.encodeCall(registry.unfreeze, (buyer.id, ORDER));
        _schedule(resolution, address(registry), call);
        vm.warp(START + DELAY);
        _freeze(buyer.id);
        _executeDelayed(resolution, address(registry), call);
        assertEq(registry.stopsSince(buyer.id, 0).length, 0);
    }

    function test_since_gives_what_ends_after_the_second_asked() external {
        _freeze(buyer.id);
        _unfreeze(buyer.id);
        uint40 end = uint40(block.timestamp);
        assertEq(registry.stopsSince(buyer.id, end - 1).length, 1);
        assertEq(registry.stopsSince(buyer.id, end).length, 0);
        vm.warp(block.timestamp + 5);
        _freeze(buyer.id);
        assertEq(registry.stopsSince(buyer.id, end).length, 1);
        assertEq(registry.stopsSince(buyer.id, type(uint40).max).length, 1, "an open stop never ends");
    }
}

/// @notice The library against a plain list of stopped seconds.
contract StopsTest is Test {
    using Stops for Interval[];

    Interval[] private _stops;

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_history_equals_a_plain_list_of_seconds(uint256 seed, uint40 from) external {
        uint256 start = 1000;
        bool[60] memory stoppedAt;
        bool stopped;
        for (uint256 t; t < 60; ++t) {
            vm.warp(start + t);
            // up to two changes a second: only the last one counts
            for (uint256 k; k < 2; ++k) {
                seed = uint256(keccak256(abi.encode(seed)));
                if (seed % 4 == 0) stopped = !stopped;
                _stops.sync(stopped);
            }
            stoppedAt[t] = stopped;
        }
        from = uint40(bound(from, start - 10, start + 70));
        Interval[] memory later = _stops.since(from);
        _expectWellFormed(later, from, stopped);
        for (uint256 t; t < 60; ++t) {
            uint256 second = start + t;
            if (second < from) continue;
            assertEq(_covers(later, second), stoppedAt[t], vm.toString(second));
        }
    }

    function _expectWellFormed(Interval[] memory later, uint40 from, bool stopped) private pure {
        for (uint256 i; i < later.length; ++i) {
            bool last = i == later.length - 1;
            if (later[i].end == 0) {
                assertTrue(last && stopped, "only the last one is open, and only while stopped");
            } else {
                assertGt(later[i].end, later[i].start);
                assertGt(later[i].end, from);
            }
            if (!last) assertLt(later[i].end, later[i + 1].start, "touching stops are one");
        }
    }

    function _covers(Interval[] memory stops, uint256 second) private pure returns (bool) {
        for (uint256 i; i < stops.length; ++i) {
            if (second >= stops[i].start && (stops[i].end == 0 || second < stops[i].end)) return true;
        }
        return false;
    }
}
