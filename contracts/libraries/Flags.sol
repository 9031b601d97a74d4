// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What sets a participant apart. It stands in the participant's word, so that those without pay for no reads.
library Flags {
    uint8 internal constant SPONSORED = 1; // has a sponsor, whose suspension it feels
    uint8 internal constant PAIR_RULES = 2; // pays and is paid only across permitted pairs of jurisdictions
    uint8 internal constant CLEARANCE = 4; // moves money only with the bank's clearance of that very call
    uint8 internal constant RETAIL = 8; // has the ceilings of the retail tier: every participant of that kind
    uint8 internal constant SUSPENDED_BY_SPONSOR = 16; // until its sponsor reinstates it

    /// @notice Those that compliance sets and lifts; the others say what the participant is, or what its sponsor did.
    uint8 internal constant SETTABLE = PAIR_RULES | CLEARANCE;

    /// @notice Those that the token acts on; a sponsor's state is in the standing that the registry answers.
    uint8 internal constant OF_TOKEN = PAIR_RULES | CLEARANCE | RETAIL;
}
