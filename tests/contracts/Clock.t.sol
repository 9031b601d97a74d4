// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Clock} from "../../contracts/libraries/Clock.sol";
import {Interval} from "../../contracts/libraries/Interval.sol";
import {Stops} from "../../contracts/libraries/Stops.sol";
import {Test} from "./base/Test.sol";

/// @notice The time that does not count.
contract ClockTest is Test {
    uint256 private constant HORIZON = 40;

    function _lists(Interval[] memory a, Interval[] memory b) private pure returns (Interval[][] memory lists) {
        lists = new Interval[][](3); // the third stays empty
        (lists[0], lists[1]) = (a, b);
    }

    function _one(uint40 start, uint40 end) private pure returns (Interval[] memory list) {
        list = new Interval[](1);
        list[0] = Interval(start, end);
    }

    function _two(uint40 start, uint40 end, uint40 start2, uint40 end2) private pure returns (Interval[] memory list) {
        list = new Interval[](2);
        (list[0], list[1]) = (Interval(start, end), Interval(start2, end2));
    }

    function _none() private pure returns (Interval[] memory) {
        return new Interval[](0);
    }

    function _expect(Interval[] memory a, Interval[] memory b, uint256 start, uint256 end, uint256 total) private pure {
        assertEq(Clock.stopped(_lists(a, b), start, end), total, "stopped");
        assertEq(Clock.stopped(_lists(b, a), start, end), total, "whoever is named first");
    }

    function test_nobody_stopped() external pure {
        _expect(_none(), _none(), 10, 20, 0);
        assertEq(Clock.stopped(new Interval[][](0), 10, 20), 0, "no owner");
    }

    function test_a_stop_is_clipped_to_the_clock() external pure {
        _expect(_one(5, 12), _none(), 10, 20, 2);
        _expect(_one(18, 25), _none(), 10, 20, 2);
        _expect(_one(5, 25), _none(), 10, 20, 10);
        _expect(_one(5, 10), _none(), 10, 20, 0);
        _expect(_one(20, 25), _none(), 10, 20, 0);
    }

    function test_a_stop_that_lasts_counts_to_now() external pure {
        _expect(_one(13, 0), _none(), 10, 20, 7);
        _expect(_one(1, 0), _one(15, 0), 10, 20, 10);
    }

    function test_overlapping_stops_count_once() external pure {
        _expect(_one(11, 15), _one(13, 18), 10, 20, 7);
        _expect(_one(11, 18), _one(13, 15), 10, 20, 7);
        _expect(_one(11, 13), _one(13, 15), 10, 20, 4);
        _expect(_two(11, 12, 14, 16), _two(12, 13, 15, 19), 10, 20, 7);
    }

    function test_no_time_no_stop() external pure {
        _expect(_one(1, 0), _none(), 10, 10, 0);
    }

    /// @dev Against counting the seconds one by one.
    function testFuzz_union(uint40[4] memory a, uint40[4] memory b, uint256 start, uint256 end) external pure {
        start = bound(start, 0, HORIZON);
        end = bound(end, start, HORIZON);
        Interval[] memory first = _ascending(a);
        Interval[] memory second = _ascending(b);
        uint256 expected;
        for (uint256 second_ = start; second_ < end; ++second_) {
            if (_covers(first, second_) || _covers(second, second_)) ++expected;
        }
        _expect(first, second, start, end, expected);
    }

    /// @dev The union of two histories is a history: ascending, disjoint, and covers what either covers.
    function testFuzz_union_of_histories(uint40[4] memory a, uint40[4] memory b) external pure {
        Interval[] memory first = _ascending(a);
        Interval[] memory second = _ascending(b);
        Interval[] memory all = Stops.union(_ascending(a), _ascending(b));
        for (uint256 t; t < HORIZON; ++t) {
            assertEq(_covers(all, t), _covers(first, t) || _covers(second, t), "covers");
        }
        for (uint256 i = 1; i < all.length; ++i) {
            assertTrue(all[i - 1].end != 0 && all[i - 1].end < all[i].start, "ascending, and apart");
        }
    }

    function test_union_of_histories_joins_what_touches() external pure {
        Interval[] memory all = Stops.union(_two(1, 3, 5, 7), _two(3, 5, 9, 0));
        assertEq(all.length, 2);
        assertEq(all[0].start + all[0].end, 8);
        assertEq(all[1].start + all[1].end, 9);
        assertEq(Stops.union(_none(), _none()).length, 0);
        assertEq(Stops.union(_one(1, 0), _two(2, 3, 4, 0)).length, 1);
    }

    /// @dev Two disjoint intervals from four gaps; the last may be open.
    function _ascending(uint40[4] memory gaps) private pure returns (Interval[] memory list) {
        uint40 t;
        uint40[4] memory ends;
        for (uint256 i; i < 4; ++i) {
            t += uint40(bound(gaps[i], 1, 9));
            ends[i] = t;
        }
        return _two(ends[0], ends[1], ends[2], gaps[3] % 3 == 0 ? 0 : ends[3]);
    }

    function _covers(Interval[] memory list, uint256 second) private pure returns (bool) {
        for (uint256 i; i < list.length; ++i) {
            if (list[i].start <= second && (list[i].end == 0 || second < list[i].end)) return true;
        }
        return false;
    }
}
