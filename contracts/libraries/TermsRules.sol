// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IOrderBook} from "../interfaces/IOrderBook.sol";
import {AttesterSet} from "./AttesterSet.sol";
import {Milestone, Mode, Terms} from "./OrderTerms.sol";

/// @notice What terms must be so that an order can be opened. Every clause keeps an order from being stuck, or a party
/// from judging its own case.
library TermsRules {
    uint256 internal constant MAX_MILESTONES = 16;
    uint256 internal constant MAX_AHEAD = 1096 days;
    uint256 internal constant MAX_DURATION = 366 days;
    uint256 internal constant WHOLE = 10_000; // basis points

    /// @param set the attester set that the terms name, as it is now.
    function requireValid(Terms memory t, AttesterSet set) internal view {
        uint256 epoch = set.epoch();
        if (epoch == 0) revert IOrderBook.InvalidTerms("attesterSet");
        if (t.floorEpoch > epoch) revert IOrderBook.InvalidTerms("floorEpoch");
        uint256 threshold = t.threshold;
        if (threshold == 0 || threshold > set.minimumSize()) revert IOrderBook.InvalidTerms("threshold");
        if (t.fallbackSplit > WHOLE) revert IOrderBook.InvalidTerms("fallbackSplit");
        uint256 grace = t.submitGrace;
        if (grace > MAX_DURATION) revert IOrderBook.InvalidTerms("submitGrace");
        uint256 n = t.milestones.length;
        if (n == 0 || n > MAX_MILESTONES) revert IOrderBook.InvalidTerms("milestones");
        uint32 administrator = set.administrator();
        for (uint256 i; i < n; ++i) {
            Milestone memory m = t.milestones[i];
            _requireParties(t, m.payer, administrator);
            _requireMilestone(m, t.negativeStatuses);
            _requireTimes(m, grace);
        }
    }

    /// @dev Nobody judges its own case: neither the arbiter nor who keeps the list of attesters is buyer, seller or
    /// payer.
    function _requireParties(Terms memory t, uint256 payer, uint256 administrator) private pure {
        (uint256 buyer, uint256 seller, uint256 arbiter) = (t.buyer, t.seller, t.arbiter);
        if (buyer == seller) revert IOrderBook.InvalidTerms("seller");
        if (payer == 0 || payer == seller) revert IOrderBook.InvalidTerms("payer");
        if (arbiter == buyer || arbiter == seller || arbiter == payer) revert IOrderBook.InvalidTerms("arbiter");
        if (administrator == buyer || administrator == seller || administrator == payer) {
            revert IOrderBook.AttesterSetOfParty(t.attesterSet, uint32(administrator));
        }
    }

    function _requireMilestone(Milestone memory m, uint256 negativeStatuses) private pure {
        if (m.amount == 0) revert IOrderBook.InvalidTerms("amount");
        uint256 required = m.requiredStatus;
        if (required == 0 || (negativeStatuses >> required) & 1 != 0) {
            revert IOrderBook.InvalidTerms("requiredStatus");
        }
        uint256 inspection = m.inspection;
        if (inspection > MAX_DURATION) revert IOrderBook.InvalidTerms("inspection");
        if (m.partialDelivery && inspection != 0) revert IOrderBook.InvalidTerms("partialDelivery");
        uint256 rulingWithin = m.rulingWithin;
        if (rulingWithin == 0 || rulingWithin > MAX_DURATION) revert IOrderBook.InvalidTerms("rulingWithin");
    }

    /// @dev A date is refused once it is over, for such an order could only be cancelled; attestBy may be over as long
    /// as its grace is not. payWithin binds ON_ATTEST only: PREFUND has nothing to pay after acceptance.
    function _requireTimes(Milestone memory m, uint256 grace) private view {
        uint256 attestBy = m.attestBy;
        if (attestBy > block.timestamp + MAX_AHEAD || attestBy + grace < block.timestamp) {
            revert IOrderBook.InvalidTerms("attestBy");
        }
        bool prefund = m.mode == Mode.PREFUND;
        uint256 fundBy = m.fundBy;
        if (prefund ? fundBy > attestBy || fundBy < block.timestamp : fundBy != 0) {
            revert IOrderBook.InvalidTerms("fundBy");
        }
        uint256 payWithin = m.payWithin;
        if (payWithin > MAX_DURATION || (!prefund && payWithin == 0)) revert IOrderBook.InvalidTerms("payWithin");
    }
}

// slither-disable-end timestamp
