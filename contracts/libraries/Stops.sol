// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {Interval} from "./Interval.sol";

/// @notice The history of somebody's stops: intervals [start, end) in unix seconds, ascending, disjoint, never empty
/// once closed; the last one may be open (end 0).
library Stops {
    /// @notice Brings the history in line with whether its owner is stopped now. Does nothing where it already is.
    function sync(Interval[] storage stops, bool stopped) internal {
        uint256 n = stops.length;
        uint40 nowSeconds = uint40(block.timestamp);
        bool open = n != 0 && stops[n - 1].end == 0;
        if (open == stopped) return;
        if (open) {
            // stopped and released within one second: no time has passed
            // slither-disable-next-line incorrect-equality (the very second is meant: one interval goes on)
            if (stops[n - 1].start == nowSeconds) stops.pop();
            else stops[n - 1].end = nowSeconds;
            // slither-disable-next-line incorrect-equality (the very second is meant: one interval goes on)
        } else if (n != 0 && stops[n - 1].end == nowSeconds) {
            // released and stopped again within one second: the stop goes on
            stops[n - 1].end = 0;
        } else {
            stops.push(Interval(nowSeconds, 0));
        }
    }

    /// @notice The intervals that end after `from`, open ones included; found by bisection, for histories are long
    /// and clocks are recent.
    function since(Interval[] storage stops, uint40 from) internal view returns (Interval[] memory later) {
        uint256 n = stops.length;
        // slither-disable-next-line uninitialized-local (starts at zero)
        uint256 low;
        uint256 high = n;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            uint40 end = stops[middle].end;
            if (end == 0 || end > from) high = middle;
            else low = middle + 1;
        }
        later = new Interval[](n - low);
        for (uint256 i = low; i < n; ++i) {
            later[i - low] = stops[i];
        }
    }

    /// @notice The times that either history covers, as one history: one merge walk.
    function union(Interval[] memory a, Interval[] memory b) internal pure returns (Interval[] memory all) {
        all = new Interval[](a.length + b.length);
        uint256 n;
        (uint256 i, uint256 k) = (0, 0);
        while (i < a.length || k < b.length) {
            bool fromA = k == b.length || (i < a.length && a[i].start <= b[k].start);
            Interval memory next = fromA ? a[i++] : b[k++];
            if (n == 0) {
                all[n++] = next;
                continue;
            }
            Interval memory last = all[n - 1];
            if (last.end == 0) break; // it lasts: nothing comes after it
            if (last.end < next.start) all[n++] = next;
            else if (next.end == 0 || next.end > last.end) last.end = next.end;
        }
        assembly ("memory-safe") {
            mstore(all, n)
        }
    }
}

// slither-disable-end timestamp
// slither-disable-end assembly
