// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {RuleId} from "../libraries/Ids.sol";
import {Rule} from "../libraries/RuleTerms.sol";
import {IMandates} from "./IMandates.sol";

/// @title Standing instructions
/// @notice A rule pays out of one wallet whenever its period is due and its trigger is true. The payer's word is the
/// mandate (IMandates) that `mandateOf` derives from the rule: it names the rule's id, and so every term. M of N approvers
/// arm the rule; then anyone executes it, once per period. The payer pauses or cancels at once.
///
/// Once per period. Periods are done in order and never again, here by the rule's word, and in the token by the reference
/// of each payee's share, which outlives this contract: a share whose reference is spent already (paid by a contract before
/// this one, or voided by the payer to leave it out) is passed over.
///
/// All or nothing. Where the trigger is false, nothing is above the floor, a payee is refused or a cap reached, the call
/// reverts and the period stays due: with `catchUp` until it is paid, else until the next one is due.
///
/// Trust. The registry, the tokens and notaries registered with it; approvers for when a rule runs, never for where money
/// goes or how much. Keepers bear bounded gas: 16 nodes, 8 payees, and nothing is asked but registered contracts.
/// @dev Terms are passed with each call; storage keeps one word per rule. Times are unix seconds, amounts minor units.
interface IPaymentRules {
    enum RuleState {
        NONE,
        ARMED,
        PAUSED,
        CANCELLED
    }

    struct RuleView {
        RuleState state;
        uint32 round; // of approvals: each pause voids those before it
        uint16 approvals; // of this round that came by transaction; bit i: approvers[i]
        uint40 next; // no period before it is done any more; 0: none was
    }

    struct ApproverSignature {
        address approver;
        uint40 deadline; // last second in which it may be used
        bytes signature;
    }

    struct Move {
        address to;
        uint256 amount;
        bytes32 ref;
    }

    /// @param problem what `execute` would revert with; empty: it would pay `moves`
    struct Preview {
        uint256 period;
        uint256 dueAt;
        bool[] nodes; // the answer of each, in the order of the trigger
        bool met; // the trigger's answer
        Move[] moves; // what would move, as far as amounts and payees are known
        bytes problem;
    }

    struct Due {
        bool due; // armed, its second has come, and the trigger is true
        uint256 period;
        uint256 dueAt;
    }

    event RuleApproved(RuleId indexed ruleId, uint32 round, address indexed approver);
    event RuleArmed(RuleId indexed ruleId, address indexed payer, address indexed token, bytes32 ruleReference);
    event RulePaused(RuleId indexed ruleId, uint32 round, address by);
    event RuleCancelled(RuleId indexed ruleId, address by);
    /// @dev The token's PaidByMandate say what was paid to whom; their sum is `amount`. 0: all of it was passed over.
    event RuleExecuted(RuleId indexed ruleId, uint256 indexed period, uint256 payments, uint256 amount);

    error InvalidRule(string field);
    error TriggerTooLarge(uint256 nodes, uint256 most);
    error InvalidTrigger(uint256 node, string problem);
    error RuleInState(RuleId ruleId, RuleState state);
    error NotApprover(address caller);
    error ApproverTwice(address approver);
    error ApprovalExpired(uint40 deadline, uint256 nowSeconds);
    error SignatureDeadlineTooFar(uint256 deadline, uint256 latest);
    error InvalidApproval(address approver);
    error TooFewApprovals(uint256 approvals, uint256 threshold);
    error NotRulePayer(address caller, address payer);
    error PeriodOver(uint256 period, uint256 next);
    error PeriodNotNext(uint256 period, uint256 next);
    error PeriodNotDue(uint256 period, uint256 dueAt, uint256 nowSeconds);
    error RuleEnded(uint40 end, uint256 dueAt, uint256 nowSeconds);
    /// @param answers bit i: what node i says
    error TriggerNotMet(RuleId ruleId, uint256 answers);
    error NothingToMove(RuleId ruleId, uint256 measured, uint256 bound);
    error PayeeIsPayer(address payer);
    error OnlyItself(address caller);
    /// @dev Never reaches a caller: `preview` catches it.
    error Simulated();

    // ---- arming and stopping ----

    /// @notice By an approver: counts in this round.
    function approve(Rule calldata rule) external;
    /// @notice NONE or PAUSED → ARMED, by anyone with enough approvals of this round, by transaction or signature over
    /// RuleApproval(bytes32 ruleId,uint32 round,uint40 deadline). A rule that never was armed is looked at first.
    /// @dev Refused (InvalidRule, TriggerTooLarge, InvalidTrigger): an unknown token or payer; no payees or more than 8,
    /// shares that are not 10,000 together or one of 0, an unknown payee or a wallet of another, the payer among them; an
    /// amount of 0 but for the floor of a sweep; several payees of a top-up; catchUp of what depends on balances; a schedule
    /// that does not return; start before 1970-01-08 or after end, end over; approvers none, above 16, zero or twice; a
    /// threshold of 0 or above their number; caps as for mandates. A trigger that is no tree, asks an unregistered contract
    /// or gets no answer, or carries what its kind does not use.
    function arm(Rule calldata rule, ApproverSignature[] calldata signatures) external;
    /// @notice ARMED → PAUSED, at once, by any linked wallet of the payer's participant. Approvals start anew.
    function pause(Rule calldata rule) external;
    /// @notice → CANCELLED, at once and for ever, by any linked wallet of the payer's participant.
    function cancel(Rule calldata rule) external;

    // ---- paying ----

    /// @notice Does one period: the next that is not done, or without catchUp the last that is due.
    function execute(Rule calldata rule, uint256 period) external;

    /// @notice What `execute` of the next period would do now. It tries and takes back, so call it off chain (eth_call).
    function preview(Rule calldata rule) external returns (Preview memory);
    /// @notice The same of a period of one's own choice.
    function previewPeriod(Rule calldata rule, uint256 period) external returns (Preview memory);

    // ---- views ----

    /// @notice For keepers. What tokens would refuse is not looked at.
    function due(Rule[] calldata rules) external view returns (Due[] memory);
    function stateOf(RuleId id) external view returns (RuleView memory);
    function ruleId(Rule calldata rule) external pure returns (RuleId);
    /// @notice What the payer has to register with the token.
    function mandateOf(Rule calldata rule) external view returns (IMandates.Mandate memory);
    function approvalDigest(RuleId id, uint32 round, uint40 deadline) external view returns (bytes32);
    /// @notice The payment reference of a payee's share, by its place.
    function referenceOf(RuleId id, uint256 period, uint256 payee) external pure returns (bytes32);
    /// @notice When a period falls due; 0 for one that never does.
    function dueAt(Rule calldata rule, uint256 period) external pure returns (uint256);
    function registry() external view returns (address);
    function version() external pure returns (string memory);
}
