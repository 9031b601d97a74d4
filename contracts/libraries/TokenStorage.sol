// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IMandates} from "../interfaces/IMandates.sol";
import {AccountWord} from "./AccountWord.sol";
import {Interval} from "./Interval.sol";
import {LimitWord} from "./LimitWord.sol";
import {MintRate} from "./MintRates.sol";

/// @notice What an issuer may have minted beyond what it has redeemed.
struct MintCeiling {
    uint128 ceiling;
    uint128 outstanding;
}

/// @notice What a retail customer may pay out a day and hold, in minor units. Zero lets nothing pass.
struct RetailTier {
    uint88 dailyLimit;
    uint88 maxBalance;
}

/// @dev `paused` is the token's pause, kept with each notary so that its calls read one word: PlainMovements compares it
/// whole.
struct NotaryState {
    IDepositToken.NotaryStatus status;
    bool paused;
}

/// @notice A mandate without its terms. `spent` is of the cap of `period`, counted from the mandate's start.
struct MandateWord {
    IMandates.MandateStatus status;
    uint32 participant; // of the payer
    uint88 spent;
    uint40 period;
    bool cleared; // by the bank, when it was registered
}

/// @custom:storage-location erc7201:pyjpm.storage.DepositToken
struct TokenState {
    // read on every movement that a pause stops
    uint88 totalSupply;
    bool paused;
    uint8 decimals;
    mapping(address wallet => AccountWord) accounts;
    mapping(uint32 participant => LimitWord) limits;
    // a bit per reference; a voided one is spent too
    mapping(uint32 participant => mapping(uint256 refWord => uint256 bits)) spentReferences;
    mapping(uint32 participant => mapping(uint256 refWord => uint256 bits)) voidedReferences;
    // amount uint88 and a bit that stays, so that the next hold does not pay for a new word
    mapping(address notary => mapping(address wallet => uint256)) heldBy;
    mapping(address notary => NotaryState) notaryStates;
    mapping(address payer => mapping(uint256 nonceWord => uint256 bits)) spentConsents;
    mapping(address wallet => uint256) frozen;
    mapping(address owner => mapping(address spender => uint256)) allowances;
    mapping(address owner => uint256) permitNonces;
    mapping(bytes32 depositRef => bool) minted;
    mapping(address issuer => MintCeiling) ceilings;
    mapping(uint32 participant => mapping(bytes32 ref => IDepositToken.Redemption)) redemptions;
    address[] notaries;
    Interval[] pauses;
    bytes32 nameHash;
    string name;
    string symbol;
    string currency;
    // what backs it; 0: nothing, so nothing is minted
    address reserve;
    mapping(address issuer => MintRate) mintRates;
    mapping(bytes32 mandateId => MandateWord) mandates;
    RetailTier retailTier;
    // what a sponsor may set as a customer's daily limit
    mapping(uint32 sponsor => uint256) sponsorCeilings;
    mapping(address authorizer => mapping(uint256 nonceWord => uint256 bits)) spentAuthorizations;
    mapping(address payer => mapping(bytes32 digest => bool)) spentClearances;
    // where compliance lowered a customer's daily limit: its sponsor does not raise it again
    mapping(uint32 participant => bool) limitHeldDown;
}

library TokenStorage {
    /// @dev keccak256(abi.encode(uint256(keccak256("pyjpm.storage.DepositToken")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 internal constant LOCATION = 0x1212fb73c77968703949f97a9d6c7d4a4a5b8b79c65639b55b4b42b0c92a2b00;

    function load() internal pure returns (TokenState storage $) {
        assembly ("memory-safe") {
            $.slot := LOCATION
        }
    }
}

// slither-disable-end assembly
