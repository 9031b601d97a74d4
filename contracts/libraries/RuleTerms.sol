// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Recurrence} from "./Calendar.sol";
import {RuleId} from "./Ids.sol";

/// @notice One node of a trigger. What `source`, `key` and `value` mean, NodeKind says; what is not named there is 0.
struct Node {
    uint8 kind;
    address source;
    bytes32 key;
    uint256 value;
}

/// @notice Who gets a share: a participant at its current wallet, or at one of its wallets (or its successor).
struct Payee {
    uint32 participant;
    address wallet; // 0: the current one
    uint16 share; // of 10,000; rounded down, the last payee takes the rest
}

/// @notice A standing instruction of one wallet.
struct Rule {
    address payer;
    address token;
    bytes32 ruleReference; // the payer's own; sets equal rules apart
    Node[] trigger; // 0..16; none: whenever a period is due
    uint8 action; // ActionKind
    uint88 amount; // minor units
    Payee[] payees; // 1..8
    Recurrence schedule; // when its periods fall due; INTERVAL: from `start` on
    bool catchUp; // missed periods are paid one by one, oldest first; else only the last one
    uint40 start; // no period due before it counts
    uint40 end; // last second in which anything is paid
    uint88 capPerPayment; // of the mandate: each payee's share is a payment
    uint88 capPerPeriod;
    uint40 capPeriod; // seconds
    address[] approvers; // 1..16 distinct
    uint8 threshold; // how many of them arm it
}

/// @notice EIP-712 struct hashes of what is signed about rules. The type strings are final.
library RuleTerms {
    bytes32 internal constant NODE_TYPEHASH = keccak256("Node(uint8 kind,address source,bytes32 key,uint256 value)");
    bytes32 internal constant PAYEE_TYPEHASH = keccak256("Payee(uint32 participant,address wallet,uint16 share)");
    bytes32 internal constant RECURRENCE_TYPEHASH =
        keccak256("Recurrence(uint8 every,uint8 month,uint8 day,uint32 second,uint40 length)");
    bytes32 internal constant RULE_TYPEHASH = keccak256(
        "Rule(address payer,address token,bytes32 ruleReference,Node[] trigger,uint8 action,uint88 amount,Payee[] payees,Recurrence schedule,bool catchUp,uint40 start,uint40 end,uint88 capPerPayment,uint88 capPerPeriod,uint40 capPeriod,address[] approvers,uint8 threshold)Node(uint8 kind,address source,bytes32 key,uint256 value)Payee(uint32 participant,address wallet,uint16 share)Recurrence(uint8 every,uint8 month,uint8 day,uint32 second,uint40 length)"
    );
    bytes32 internal constant APPROVAL_TYPEHASH =
        keccak256("RuleApproval(bytes32 ruleId,uint32 round,uint40 deadline)");

    /// @notice The rule's id. It names no contract, so a contract that takes another's place finds the same references
    /// spent.
    function id(Rule calldata r) internal pure returns (RuleId) {
        bytes memory first = abi.encode(
            RULE_TYPEHASH,
            r.payer,
            r.token,
            r.ruleReference,
            _hash(r.trigger),
            r.action,
            r.amount,
            _hash(r.payees),
            keccak256(abi.encode(RECURRENCE_TYPEHASH, r.schedule))
        );
        bytes memory second = abi.encode(
            r.catchUp,
            r.start,
            r.end,
            r.capPerPayment,
            r.capPerPeriod,
            r.capPeriod,
            keccak256(abi.encodePacked(r.approvers)),
            r.threshold
        );
        return RuleId.wrap(keccak256(bytes.concat(first, second)));
    }

    function _hash(Node[] calldata nodes) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](nodes.length);
        for (uint256 i; i < hashes.length; ++i) {
            hashes[i] = keccak256(abi.encode(NODE_TYPEHASH, nodes[i]));
        }
        return keccak256(abi.encodePacked(hashes));
    }

    function _hash(Payee[] calldata payees) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](payees.length);
        for (uint256 i; i < hashes.length; ++i) {
            hashes[i] = keccak256(abi.encode(PAYEE_TYPEHASH, payees[i]));
        }
        return keccak256(abi.encodePacked(hashes));
    }

    /// @notice The payment reference of one payee's share in one period. Those of 32 periods share a word of the token's
    /// references.
    function referenceOf(RuleId rule, uint256 period, uint256 payee) internal pure returns (bytes32) {
        uint256 serial = period * 8 + payee;
        return bytes32(uint256(keccak256(abi.encode(rule, serial >> 8))) & ~uint256(0xff) | serial & 0xff);
    }

    function approvalHash(RuleId rule, uint32 round, uint40 deadline) internal pure returns (bytes32) {
        return keccak256(abi.encode(APPROVAL_TYPEHASH, rule, round, deadline));
    }
}
