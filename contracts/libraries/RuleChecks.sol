// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {IPaymentRules} from "../interfaces/IPaymentRules.sol";
import {ActionKind} from "./ActionKind.sol";
import {Calendar, Recurrence} from "./Calendar.sol";
import {Payee, Rule} from "./RuleTerms.sol";
import {Triggers} from "./Triggers.sol";

/// @notice Whether a rule can ever do what it says; asked once, before it is armed for the first time.
library RuleChecks {
    using Calendar for Recurrence;

    uint256 internal constant MOST_PAYEES = 8;
    uint256 internal constant MOST_APPROVERS = 16;
    uint256 internal constant WHOLE = 10_000;

    function validate(Rule calldata r, address registry) internal view {
        if (!IParticipantRegistry(registry).isDepositToken(r.token)) revert IPaymentRules.InvalidRule("token");
        if (_participantOf(registry, r.payer) == 0) revert IPaymentRules.InvalidRule("payer");
        if (!r.schedule.isValid()) revert IPaymentRules.InvalidRule("schedule");
        // weeks and intervals count from there without falling below 0
        if (r.start < 7 days || r.start > r.end) revert IPaymentRules.InvalidRule("start");
        if (block.timestamp > r.end) revert IPaymentRules.InvalidRule("end");
        _validateAction(r);
        _validatePayees(r, registry);
        _validateCaps(r);
        _validateApprovers(r);
        Triggers.validate(r.trigger, registry, r.token);
    }

    /// @dev What is swept or topped up depends on a balance of now: there is nothing to catch up.
    function _validateAction(Rule calldata r) private pure {
        if (r.action > ActionKind.TOP_UP) revert IPaymentRules.InvalidRule("action");
        if (r.amount == 0 && r.action != ActionKind.SWEEP_ABOVE) revert IPaymentRules.InvalidRule("amount");
        if (r.catchUp && r.action != ActionKind.PAY) revert IPaymentRules.InvalidRule("catchUp");
        if (r.action == ActionKind.TOP_UP && r.payees.length != 1) revert IPaymentRules.InvalidRule("payees");
    }

    function _validatePayees(Rule calldata r, address registry) private view {
        uint256 count = r.payees.length;
        if (count == 0 || count > MOST_PAYEES) revert IPaymentRules.InvalidRule("payees");
        // slither-disable-next-line uninitialized-local (starts at zero)
        uint256 sum;
        for (uint256 i; i < count; ++i) {
            Payee calldata p = r.payees[i];
            if (p.share == 0) revert IPaymentRules.InvalidRule("share");
            sum += p.share;
            bool known = p.wallet == address(0)
                ? IParticipantRegistry(registry).currentWallet(p.participant) != address(0)
                : p.participant != 0 && _participantOf(registry, p.wallet) == p.participant;
            if (!known) revert IPaymentRules.InvalidRule("payees");
            if (p.wallet == r.payer) revert IPaymentRules.PayeeIsPayer(r.payer);
        }
        if (sum != WHOLE) revert IPaymentRules.InvalidRule("share");
    }

    function _validateCaps(Rule calldata r) private pure {
        if (r.capPerPayment == 0 || r.capPerPayment > r.capPerPeriod) {
            revert IPaymentRules.InvalidRule("capPerPayment");
        }
        if (r.capPeriod == 0) revert IPaymentRules.InvalidRule("capPeriod");
    }

    function _validateApprovers(Rule calldata r) private pure {
        uint256 count = r.approvers.length;
        if (count == 0 || count > MOST_APPROVERS) revert IPaymentRules.InvalidRule("approvers");
        if (r.threshold == 0 || r.threshold > count) revert IPaymentRules.InvalidRule("threshold");
        for (uint256 i; i < count; ++i) {
            if (r.approvers[i] == address(0)) revert IPaymentRules.InvalidRule("approvers");
            for (uint256 j; j < i; ++j) {
                if (r.approvers[j] == r.approvers[i]) revert IPaymentRules.ApproverTwice(r.approvers[i]);
            }
        }
    }

    function _participantOf(address registry, address wallet) private view returns (uint32 participant) {
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (participant,,) = IParticipantRegistry(registry).walletOf(wallet);
    }
}

// slither-disable-end timestamp
