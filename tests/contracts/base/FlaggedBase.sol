// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {NetBase} from "./NetBase.sol";

/// @notice The parties of NetBase, and those whom flags set apart: a sponsor with a customer, a Swiss company, a retail
/// customer. Each has a limit, the retail tier allows TIER_LIMIT a day and a balance of TIER_BALANCE.
abstract contract FlaggedBase is NetBase {
    uint256 internal constant TIER_LIMIT = 10_000;
    uint256 internal constant TIER_BALANCE = 50_000;
    uint16 internal constant DE = 276;
    uint16 internal constant CH = 756;

    Party internal sponsor;
    Party internal client; // of the sponsor
    Party internal swiss;
    Party internal retail;

    function setUp() public virtual override {
        super.setUp();
        _govern(address(usd), abi.encodeCall(usd.setRetailTier, (TIER_LIMIT, TIER_BALANCE)));
        sponsor = _sponsor("sponsor");
        client = _equipped(_customer(sponsor, "client", IParticipantRegistry.Kind.CORPORATE), LIMIT);
        IParticipantRegistry.Profile memory profile = _profile("swiss");
        profile.jurisdiction = CH;
        swiss = _equipped(_register(profile, "swiss"), LIMIT);
        profile = _profile("retail");
        profile.kind = IParticipantRegistry.Kind.RETAIL;
        retail = _equipped(_register(profile, "retail"), TIER_LIMIT);
    }

    function _equipped(Party memory party, uint256 limit) private returns (Party memory) {
        _setLimit(usd, party.id, limit);
        keyOf[party.wallet] = party.key;
        return party;
    }

    function _setRetailTier(uint256 dailyLimit, uint256 maxBalance) internal {
        _govern(address(usd), abi.encodeCall(usd.setRetailTier, (dailyLimit, maxBalance)));
    }
}
