// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Clock} from "../../contracts/libraries/Clock.sol";
import {Interval} from "../../contracts/libraries/Interval.sol";

/// @dev Bounded: one stop, or two histories of one equal stop each. Longer ones are fuzzed in tests/contracts/Clock.t.sol.
contract ClockProof {
    function _one(uint40 a, uint40 b) private pure returns (Interval[][] memory lists) {
        lists = new Interval[][](1);
        lists[0] = new Interval[](1);
        lists[0][0] = Interval(a, b);
    }

    function _lists(uint40 a, uint40 b, uint40 c, uint40 d) private pure returns (Interval[][] memory lists) {
        lists = new Interval[][](2);
        lists[0] = new Interval[](1);
        lists[1] = new Interval[](1);
        lists[0][0] = Interval(a, b);
        lists[1][0] = Interval(c, d);
    }

    /// Stopped time never exceeds the span, so a clock never runs backwards.
    function check_stopped_time_is_bounded(uint40 a, uint40 b, uint40 start, uint40 end) external pure {
        uint256 stopped = Clock.stopped(_one(a, b), start, end);
        assert(start < end ? stopped <= end - start : stopped == 0);
    }

    /// Overlapping stops count once: two equal histories stop for as long as one.
    function check_overlapping_stops_count_once(uint40 a, uint40 b, uint40 start, uint40 end) external pure {
        if (b != 0 && b <= a) return;
        uint256 alone = Clock.stopped(_one(a, b), start, end);
        assert(Clock.stopped(_lists(a, b, a, b), start, end) == alone);
        uint256 to = b == 0 || b > end ? end : b;
        uint256 from = a > start ? a : start;
        assert(alone == (to > from && start < end ? to - from : 0));
    }

    /// As time goes on, elapsed time (now - start - stopped) never falls and never leaps.
    function check_elapsed_time_never_falls(uint40 a, uint40 b, uint40 start, uint40 end) external pure {
        if (end < start || end == type(uint40).max) return;
        if (b != 0 && b <= a) return;
        uint256 now_ = uint256(end) - start - Clock.stopped(_one(a, b), start, end);
        uint256 later = uint256(end) + 1 - start - Clock.stopped(_one(a, b), start, uint256(end) + 1);
        assert(later >= now_ && later <= now_ + 1);
    }
}
