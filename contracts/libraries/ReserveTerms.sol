// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IReserve, ReserveAttestation, ReserveLine} from "../interfaces/IReserve.sol";

/// @notice What an attestation of a reserve must be in itself, and its EIP-712 struct hash. The type string is final.
library ReserveTerms {
    bytes32 private constant LINE_TYPEHASH =
        keccak256("ReserveLine(bytes32 assetClass,bytes32 custodian,uint256 amount)");
    bytes32 private constant ATTESTATION_TYPEHASH = keccak256(
        "ReserveAttestation(bytes3 currency,ReserveLine[] lines,uint40 asOf,uint40 validUntil,bytes32 documentHash,uint64 sequence,uint40 deadline)ReserveLine(bytes32 assetClass,bytes32 custodian,uint256 amount)"
    );

    uint256 internal constant MAX_LINES = 32;
    uint256 internal constant MAX_VALIDITY = 1096 days;

    function hash(ReserveAttestation calldata a) internal pure returns (bytes32) {
        bytes32[] memory lines = new bytes32[](a.lines.length);
        for (uint256 i; i < lines.length; ++i) {
            ReserveLine calldata line = a.lines[i];
            lines[i] = keccak256(abi.encode(LINE_TYPEHASH, line.assetClass, line.custodian, line.amount));
        }
        return keccak256(
            abi.encode(
                ATTESTATION_TYPEHASH,
                a.currency,
                keccak256(abi.encodePacked(lines)),
                a.asOf,
                a.validUntil,
                a.documentHash,
                a.sequence,
                a.deadline
            )
        );
    }

    /// @notice Asks times and report. One that would be out of date at once is refused, for it could only stop minting.
    function requireInDate(ReserveAttestation calldata a) internal view {
        if (block.timestamp > a.deadline) revert IReserve.ReserveAttestationExpired(a.deadline, block.timestamp);
        if (a.deadline > block.timestamp + MAX_VALIDITY) revert IReserve.InvalidReserveAttestation("deadline");
        if (a.documentHash == 0) revert IReserve.InvalidReserveAttestation("documentHash");
        uint256 asOf = a.asOf;
        if (asOf == 0 || asOf > block.timestamp) revert IReserve.InvalidReserveAttestation("asOf");
        if (a.validUntil < block.timestamp || a.validUntil > asOf + MAX_VALIDITY) {
            revert IReserve.InvalidReserveAttestation("validUntil");
        }
    }

    /// @notice Asks the lines: each named, none twice. An amount of 0 is an answer too; the sum fits a balance.
    /// @return sum minor units
    function total(ReserveAttestation calldata a) internal pure returns (uint88 sum) {
        uint256 n = a.lines.length;
        if (n == 0 || n > MAX_LINES) revert IReserve.ReserveLinesOutOfRange(n, MAX_LINES);
        for (uint256 i; i < n; ++i) {
            ReserveLine calldata line = a.lines[i];
            if (line.assetClass == 0) revert IReserve.InvalidReserveAttestation("assetClass");
            if (line.custodian == 0) revert IReserve.InvalidReserveAttestation("custodian");
            if (i != 0 && !_before(a.lines[i - 1], line)) revert IReserve.ReserveLinesNotAscending(i);
            uint256 most = type(uint88).max - sum;
            if (line.amount > most) revert IReserve.AmountTooLarge(line.amount);
            sum += uint88(line.amount);
        }
    }

    function _before(ReserveLine calldata a, ReserveLine calldata b) private pure returns (bool) {
        return a.assetClass < b.assetClass || (a.assetClass == b.assetClass && a.custodian < b.custodian);
    }
}

// slither-disable-end timestamp
