// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)
// slither-disable-start unused-return (what is left out of the answer is not asked for)

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IMandates} from "../interfaces/IMandates.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {Clearances} from "./Clearances.sol";
import {Consents} from "./Consents.sol";
import {PlainMovements} from "./PlainMovements.sol";
import {Path, Standing} from "./Reason.sol";
import {References} from "./References.sol";
import {Signatures} from "./Signatures.sol";
import {TokenClearances} from "./TokenClearances.sol";
import {TokenDomain} from "./TokenDomain.sol";
import {TokenRare} from "./TokenRare.sol";
import {TokenRoles} from "./TokenRoles.sol";
import {MandateWord, TokenState, TokenStorage} from "./TokenStorage.sol";

/// @title The deposit token's mandates
/// @dev Runs by DELEGATECALL in the token's storage and is documented in IMandates. Who may use a mandate and how much of
/// it is asked first; the movement then asks all that a hold and its execution ask.
library TokenMandates {
    bytes32 private constant MANDATE_TYPE = keccak256(
        "Mandate(address payer,address notary,bytes32 ruleId,uint256 capPerPayment,uint256 capPerPeriod,uint256 period,uint256 start,uint256 end)"
    );
    bytes32 private constant REGISTER_TYPE = keccak256(
        "RegisterMandate(Mandate mandate,uint256 nonce,uint256 deadline)Mandate(address payer,address notary,bytes32 ruleId,uint256 capPerPayment,uint256 capPerPeriod,uint256 period,uint256 start,uint256 end)"
    );

    // ------------------------------------------------------------------------------------------------ giving one

    function registerMandate(IMandates.Mandate calldata mandate) external {
        if (msg.sender != mandate.payer) revert IMandates.NotMandatePayer(msg.sender, mandate.payer);
        _register(mandate, mandateId(mandate), Clearances.isOpenFor(mandate.payer));
    }

    function registerMandateBySignature(
        IMandates.Mandate calldata mandate,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        Consents.requireInTime(deadline);
        Consents.spend(TokenStorage.load(), mandate.payer, nonce);
        bytes32 id = mandateId(mandate);
        bytes32 digest = TokenDomain.digest(keccak256(abi.encode(REGISTER_TYPE, id, nonce, deadline)));
        bool clears = Clearances.rides(signature);
        bool signed = clears
            ? TokenClearances.isSigned(mandate.payer, digest, signature)
            : Signatures.isValid(mandate.payer, digest, signature);
        if (!signed) revert IMandates.InvalidMandateSignature(mandate.payer);
        _register(mandate, id, clears);
    }

    /// @dev The wallet must be good now: the word of a lost or unlinked one is void.
    function _register(IMandates.Mandate calldata mandate, bytes32 id, bool clears) private {
        TokenState storage $ = TokenStorage.load();
        MandateWord storage word = $.mandates[id];
        if (word.status != IMandates.MandateStatus.NONE) revert IMandates.MandateExists(id, word.status);
        _validate($, mandate);
        (Standing standing, uint32 participant) = _registry().standingOf(mandate.payer);
        if (standing != Standing.GOOD) revert IMandates.MandatePayerRefused(mandate.payer, uint8(standing));
        (word.status, word.participant, word.cleared) = (IMandates.MandateStatus.ACTIVE, participant, clears);
        emit IMandates.MandateRegistered(id, mandate.payer, mandate.notary, mandate.ruleId, participant);
    }

    function _validate(TokenState storage $, IMandates.Mandate calldata m) private view {
        bool isNotary = $.notaryStates[m.notary].status == IDepositToken.NotaryStatus.ACTIVE;
        if (!isNotary || m.notary == address(this)) revert IMandates.InvalidMandate("notary");
        if (m.ruleId == 0) revert IMandates.InvalidMandate("ruleId");
        if (m.capPerPayment == 0 || m.capPerPayment > m.capPerPeriod) revert IMandates.InvalidMandate("capPerPayment");
        if (m.capPerPeriod > type(uint88).max) revert IMandates.InvalidMandate("capPerPeriod");
        if (m.period == 0) revert IMandates.InvalidMandate("period");
        if (m.start > m.end) revert IMandates.InvalidMandate("start");
        if (block.timestamp > m.end || m.end > type(uint40).max) revert IMandates.InvalidMandate("end");
    }

    function revokeMandate(bytes32 id) external {
        MandateWord storage word = TokenStorage.load().mandates[id];
        if (word.status != IMandates.MandateStatus.ACTIVE) revert IMandates.MandateNotActive(id, word.status);
        (uint32 own,, IParticipantRegistry.WalletStatus status) = _registry().walletOf(msg.sender);
        bool isOwn = own == word.participant && status == IParticipantRegistry.WalletStatus.LINKED;
        if (!isOwn && !TokenRoles.mayCall(msg.sender, IDepositToken.freezeAmount.selector)) {
            revert IMandates.NotMandateOwner(id, msg.sender);
        }
        word.status = IMandates.MandateStatus.REVOKED;
        emit IMandates.MandateRevoked(id, msg.sender);
    }

    // ------------------------------------------------------------------------------------------------ using it

    function executeByMandate(IMandates.Mandate calldata mandate, address to, uint256 amount, bytes32 ref) external {
        if (amount == 0) revert IDepositToken.ZeroAmount();
        TokenState storage $ = TokenStorage.load();
        address payer = mandate.payer;
        (uint32 participant, bool clears) = _count($, mandate, amount, ref);
        References.spend($, participant, ref);
        IParticipantRegistry registry = _registry();
        if (!PlainMovements.transferHeld($, registry, payer, to, amount)) {
            if (clears) Clearances.open(payer); // until the hold stands
            TokenRare.move(registry, Path.HOLD, msg.sender, payer, address(0), amount);
            TokenRare.move(registry, Path.EXECUTE, msg.sender, payer, to, amount);
        }
        emit IDepositToken.Held(msg.sender, payer, ref, amount);
        emit IDepositToken.HoldExecuted(msg.sender, payer, to, amount, ref);
        emit IERC20.Transfer(payer, to, amount);
    }

    /// @dev Counts the amount against both caps.
    function _count(TokenState storage $, IMandates.Mandate calldata m, uint256 amount, bytes32 ref)
        private
        returns (uint32 participant, bool clears)
    {
        if (msg.sender != m.notary) revert IMandates.NotMandateNotary(msg.sender, m.notary);
        bytes32 id = mandateId(m);
        MandateWord memory word = $.mandates[id];
        if (word.status != IMandates.MandateStatus.ACTIVE) revert IMandates.MandateNotActive(id, word.status);
        if (!_inForce(m)) revert IMandates.MandateNotInForce(m.start, m.end, block.timestamp);
        if (amount > m.capPerPayment) revert IMandates.MandateCapPerPayment(m.capPerPayment, amount);
        uint256 left = _left(m, word);
        if (amount > left) revert IMandates.MandateCapPerPeriod(left, amount);

        word.spent = uint88(m.capPerPeriod - left + amount);
        word.period = _periodOf(m);
        $.mandates[id] = word;
        emit IMandates.PaidByMandate(id, ref, amount, word.period, word.spent);
        return (word.participant, word.cleared);
    }

    function mandateState(IMandates.Mandate calldata mandate) external view returns (IMandates.MandateStatus, uint256) {
        MandateWord memory word = TokenStorage.load().mandates[mandateId(mandate)];
        bool serves = word.status == IMandates.MandateStatus.ACTIVE && _inForce(mandate);
        return (word.status, serves ? _left(mandate, word) : 0);
    }

    function mandateId(IMandates.Mandate calldata mandate) public pure returns (bytes32) {
        return keccak256(abi.encode(MANDATE_TYPE, mandate));
    }

    // ------------------------------------------------------------------------------------------------ small things

    function _inForce(IMandates.Mandate calldata m) private view returns (bool) {
        return m.start <= block.timestamp && block.timestamp <= m.end;
    }

    /// @dev Of a mandate in force.
    function _left(IMandates.Mandate calldata m, MandateWord memory word) private view returns (uint256) {
        // slither-disable-next-line incorrect-equality (no balance that others could move)
        return word.period == _periodOf(m) ? m.capPerPeriod - word.spent : m.capPerPeriod;
    }

    function _periodOf(IMandates.Mandate calldata m) private view returns (uint40) {
        return uint40((block.timestamp - m.start) / m.period);
    }

    /// @dev By a call, as the token has it in its code.
    function _registry() private view returns (IParticipantRegistry) {
        return IParticipantRegistry(IDepositToken(address(this)).registry());
    }
}

// slither-disable-end timestamp
// slither-disable-end unused-return
