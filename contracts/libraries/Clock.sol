// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Interval} from "./Interval.sol";

/// @notice Time that does not count: a freeze, a suspension or a pause moves a deadline, never an entitlement.
library Clock {
    /// @notice Seconds of [start, end] that at least one of `lists` covers: overlapping stops count once.
    /// @param lists each ascending and disjoint; an interval with end 0 lasts.
    /// @dev One merge walk: the heads are taken in the order of their starts, so what was `reached` is covered or free
    /// for good and only the part beyond it is new.
    function stopped(Interval[][] memory lists, uint256 start, uint256 end) internal pure returns (uint256 total) {
        uint256[] memory heads = new uint256[](lists.length);
        uint256 reached = start;
        while (reached < end) {
            (bool found, uint256 list) = _earliest(lists, heads);
            if (!found) break;
            Interval memory stop = lists[list][heads[list]++];
            uint256 from = stop.start > reached ? stop.start : reached;
            uint256 to = stop.end == 0 || stop.end > end ? end : stop.end;
            if (to > from) {
                total += to - from;
                reached = to;
            }
        }
    }

    function _earliest(Interval[][] memory lists, uint256[] memory heads)
        private
        pure
        returns (bool found, uint256 list)
    {
        uint256 least = type(uint256).max;
        for (uint256 i; i < lists.length; ++i) {
            if (heads[i] == lists[i].length) continue;
            uint256 start = lists[i][heads[i]].start;
            if (start < least) (least, list, found) = (start, i, true);
        }
    }
}
