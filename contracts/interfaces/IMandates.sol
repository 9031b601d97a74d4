// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Standing consents of a deposit token
/// @notice A mandate lets one notary pay out of one wallet, for one rule, within a cap per payment and a cap per period.
/// The token itself counts both, so a notary that goes wrong takes no more than what its payers capped. Amounts are minor
/// units, times unix seconds.
///
/// It is registered once, by the payer or its signature, and revoked at once and for ever, by any linked wallet of the
/// payer's participant or by compliance. Each payment spends its reference in the payer's participant, like any other:
/// neither a second notary nor a later mandate pays for it again. It never follows a successor: with the wallet lost, so is
/// its mandate.
// slither-disable-next-line missing-inheritance (its code, run by the contract that has that face)
interface IMandates {
    enum MandateStatus {
        NONE,
        ACTIVE,
        REVOKED
    }

    /// @notice Its id is the EIP-712 struct hash of these terms; whoever uses it passes them again.
    struct Mandate {
        address payer; // the wallet that pays
        address notary; // the contract that may pay by it
        bytes32 ruleId; // what for, in the notary's words
        uint256 capPerPayment;
        uint256 capPerPeriod;
        uint256 period; // seconds: windows [start + n * period, start + (n + 1) * period)
        uint256 start; // first second in which it serves
        uint256 end; // last one
    }

    event MandateRegistered(
        bytes32 indexed mandateId, address indexed payer, address indexed notary, bytes32 ruleId, uint32 participant
    );
    event MandateRevoked(bytes32 indexed mandateId, address by);
    /// @notice What was paid by a mandate, and for which reference. Held, HoldExecuted and Transfer follow.
    /// @param spent of the cap of the period, this payment included
    event PaidByMandate(bytes32 indexed mandateId, bytes32 indexed ref, uint256 amount, uint256 period, uint256 spent);

    error InvalidMandate(string field);
    error MandateExists(bytes32 mandateId, MandateStatus status);
    error MandateNotActive(bytes32 mandateId, MandateStatus status);
    /// @notice The wallet may not give a mandate now; `standing` is the registry's answer.
    error MandatePayerRefused(address payer, uint8 standing);
    error InvalidMandateSignature(address payer);
    error NotMandatePayer(address caller, address payer);
    error NotMandateNotary(address caller, address notary);
    error NotMandateOwner(bytes32 mandateId, address caller);
    error MandateNotInForce(uint256 start, uint256 end, uint256 nowSeconds);
    error MandateCapPerPayment(uint256 cap, uint256 amount);
    /// @param left of the cap in this period
    error MandateCapPerPeriod(uint256 left, uint256 amount);

    /// @notice By the payer itself.
    /// @dev Refused (InvalidMandate): a notary that is not ACTIVE, or the token itself; no ruleId; a cap or period of 0, a
    /// cap per payment above that per period or one above uint88; start after end, or end over.
    function registerMandate(Mandate calldata mandate) external;
    /// @notice By anyone, with the payer's signature over
    /// RegisterMandate(Mandate mandate,uint256 nonce,uint256 deadline)Mandate(address payer,address notary,bytes32 ruleId,uint256 capPerPayment,uint256 capPerPeriod,uint256 period,uint256 start,uint256 end)
    /// @param nonce as that of a consent: `cancelConsent` voids the signature.
    /// @param deadline the last second in which it may be registered.
    function registerMandateBySignature(
        Mandate calldata mandate,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;
    /// @notice At once and for ever: by a linked wallet of the payer's participant, or compliance. Works while paused or
    /// frozen.
    // slither-disable-next-line shadowing-local (the function of that name is not called here)
    function revokeMandate(bytes32 mandateId) external;
    /// @notice By the mandate's notary: holds and at once executes, in one movement as of `executeByConsent`, and spends
    /// `ref` of the payer's participant.
    function executeByMandate(Mandate calldata mandate, address to, uint256 amount, bytes32 ref) external;
    /// @return status
    /// @return left minor units of the cap of the present period; 0 unless ACTIVE and in force
    function mandateState(Mandate calldata mandate) external view returns (MandateStatus status, uint256 left);
    function mandateId(Mandate calldata mandate) external view returns (bytes32);
}
