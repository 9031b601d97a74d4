// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {DepositToken} from "../../contracts/DepositToken.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {TokenRare} from "../../contracts/libraries/TokenRare.sol";
import {BadInputTable} from "./base/BadInputTable.sol";
import {TokenScenario} from "./base/TokenScenario.sol";

/// @notice What anybody does with a DepositToken, function by function.
contract BadInputToken is TokenScenario, BadInputTable {
    uint256 private constant MAX = type(uint256).max;
    uint256 private constant TOO_LARGE = uint256(type(uint88).max) + 1;
    address private constant NOBODY = address(0);
    address private constant NO_CODE = address(0xC0DE);

    function setUp() public override {
        super.setUp();
        subject = address(usd);
    }

    // ---- ERC-20 ----

    function test_transfer() external {
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.transfer, (NOBODY, 1)),
            _refused(Path.TRANSFER, Reason.PAYEE_UNKNOWN, NOBODY, 0, 0)
        );
        uint256[3] memory amounts = [MONEY + 1, TOO_LARGE, MAX];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                alice.wallet,
                abi.encodeCall(usd.transfer, (bob.wallet, amounts[i])),
                _refused(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY, amounts[i])
            );
        }
    }

    function test_transferFrom() external {
        _refuses(
            bob.wallet,
            abi.encodeCall(usd.transferFrom, (NOBODY, bob.wallet, 1)),
            _refused(Path.TRANSFER, Reason.PAYER_UNKNOWN, NOBODY, 0, 0)
        );
        vm.prank(alice.wallet);
        usd.approve(bob.wallet, 5);
        _refuses(
            bob.wallet,
            abi.encodeCall(usd.transferFrom, (alice.wallet, NOBODY, 1)),
            _refused(Path.TRANSFER, Reason.PAYEE_UNKNOWN, NOBODY, 0, 0)
        );
        _refuses(
            bob.wallet,
            abi.encodeCall(usd.transferFrom, (alice.wallet, bob.wallet, 6)),
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, bob.wallet, 5, 6)
        );
        _refuses(
            bob.wallet,
            abi.encodeCall(usd.transferFrom, (alice.wallet, bob.wallet, MAX)),
            _refused(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY, MAX)
        );
    }

    function test_approve() external {
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.approve, (NOBODY, 1)),
            abi.encodeWithSelector(IERC20Errors.ERC20InvalidSpender.selector, NOBODY)
        );
    }

    function test_permit() external {
        uint256 deadline = block.timestamp;
        bytes memory good = _permit(alice.key, bob.wallet, deadline);
        bytes[5] memory forged = _forgeries(good, _permit(bob.key, bob.wallet, deadline));
        for (uint256 i = 1; i < 5; i += 3) {
            _refuses(bob.wallet, _permitCall(alice.wallet, bob.wallet, deadline, forged[i]), _invalidSigner());
        }
        _refuses(bob.wallet, _permitCall(NOBODY, bob.wallet, deadline, good), _invalidSigner());
        (bytes32 r, bytes32 s,) = _split(good);
        bytes memory noV = abi.encodePacked(r, s, uint8(0));
        _refuses(bob.wallet, _permitCall(alice.wallet, bob.wallet, deadline, noV), _invalidSigner());
        _refuses(
            bob.wallet,
            _permitCall(alice.wallet, NOBODY, deadline, _permit(alice.key, NOBODY, deadline)),
            abi.encodeWithSelector(IERC20Errors.ERC20InvalidSpender.selector, NOBODY)
        );
        _refuses(
            bob.wallet,
            _permitCall(alice.wallet, bob.wallet, deadline - 1, _permit(alice.key, bob.wallet, deadline - 1)),
            abi.encodeWithSelector(TokenRare.ERC2612ExpiredSignature.selector, deadline - 1)
        );
    }

    function _invalidSigner() private pure returns (bytes4) {
        return TokenRare.ERC2612InvalidSigner.selector;
    }

    function _permit(uint256 key, address spender, uint256 deadline) private view returns (bytes memory) {
        bytes32 typehash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 structHash = keccak256(abi.encode(typehash, alice.wallet, spender, 5, 0, deadline));
        return _sign(key, _digest(_domain("US dollar deposit", address(usd)), structHash));
    }

    function _permitCall(address owner, address spender, uint256 deadline, bytes memory signature)
        private
        view
        returns (bytes memory)
    {
        (bytes32 r, bytes32 s, uint8 v) = _split(signature);
        return abi.encodeCall(usd.permit, (owner, spender, 5, deadline, v, r, s));
    }

    // ---- paying ----

    function test_pay() external {
        bytes32 ref = "ref";
        _refuses(alice.wallet, abi.encodeCall(usd.pay, (bob.wallet, 0, ref, "")), IDepositToken.ZeroAmount.selector);
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.pay, (bob.wallet, 1, bytes32(0), "")),
            IDepositToken.ReferenceMissing.selector
        );
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.pay, (NOBODY, 1, ref, "")),
            _refused(Path.TRANSFER, Reason.PAYEE_UNKNOWN, NOBODY, 0, 0)
        );
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.pay, (bob.wallet, MAX, ref, "")),
            _refused(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY, MAX)
        );
    }

    function test_payBatch() external {
        _refuses(alice.wallet, abi.encodeCall(usd.payBatch, (_batch(0))), IDepositToken.BatchEmpty.selector);
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.payBatch, (_batch(501))),
            abi.encodeWithSelector(IDepositToken.BatchTooLong.selector, 501, 500)
        );
        for (uint256 place; place < 3; ++place) {
            IDepositToken.Payment[] memory batch = _batch(3);
            batch[place].amount = 0;
            _refusesBatch(batch, abi.encodePacked(IDepositToken.ZeroAmount.selector));
            batch = _batch(3);
            batch[place].ref = 0;
            _refusesBatch(batch, abi.encodePacked(IDepositToken.ReferenceMissing.selector));
            batch = _batch(3);
            batch[place].to = NOBODY;
            _refusesBatch(batch, _refused(Path.TRANSFER, Reason.PAYEE_UNKNOWN, NOBODY, 0, 0));
            batch = _batch(3);
            batch[place].amount = MAX;
            _refusesBatch(
                batch, _refused(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY - place, MAX)
            );
            batch = _batch(3);
            batch[place].ref = batch[(place + 1) % 3].ref;
            _refusesBatch(batch, abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, batch[place].ref));
        }
    }

    function _batch(uint256 size) private view returns (IDepositToken.Payment[] memory batch) {
        batch = new IDepositToken.Payment[](size);
        for (uint256 i; i < size; ++i) {
            batch[i] = IDepositToken.Payment(bob.wallet, 1, bytes32(0x1000 + i), "");
        }
    }

    function _refusesBatch(IDepositToken.Payment[] memory batch, bytes memory refusal) private {
        _refuses(alice.wallet, abi.encodeCall(usd.payBatch, (batch)), refusal);
    }

    function test_voidReference() external {
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.voidReference, (alice.id, bytes32(0))),
            IDepositToken.ReferenceMissing.selector
        );
        _refuses(
            NO_CODE,
            abi.encodeCall(usd.voidReference, (0, bytes32("ref"))),
            abi.encodeWithSelector(IDepositToken.NotOwnReference.selector, 0, NO_CODE)
        );
        for (uint32 unknown; unknown < 2; ++unknown) {
            uint32 id = unknown * type(uint32).max;
            _refuses(issuer, abi.encodeCall(usd.voidReference, (id, bytes32("ref"))), _unknown(id));
        }
    }

    function _unknown(uint32 participant) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, participant);
    }

    // ---- holding ----

    function test_hold() external {
        _refusesConsents(false);
    }

    function test_executeByConsent() external {
        _refusesConsents(true);
        bytes memory good = _consent(alice.wallet, 5, "ref", block.timestamp);
        _refuses(
            address(notary),
            abi.encodeCall(usd.executeByConsent, (alice.wallet, NOBODY, 5, "ref", 7, block.timestamp, good)),
            _refused(Path.EXECUTE, Reason.PAYEE_UNKNOWN, NOBODY, 0, 0)
        );
    }

    function _refusesConsents(bool executes) private {
        uint256 deadline = block.timestamp;
        bytes memory good = _consent(alice.wallet, 5, "ref", deadline);
        bytes memory byBob = _signConsent(bob.key, usd, alice.wallet, address(notary), 5, "ref", 7, deadline);
        bytes[5] memory forged = _forgeries(good, byBob);
        for (uint256 i; i < 5; ++i) {
            _refuses(
                address(notary),
                _consentCall(executes, alice.wallet, 5, deadline, forged[i]),
                abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet)
            );
        }
        _refuses(
            address(notary),
            _consentCall(executes, NOBODY, 5, deadline, good),
            abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, NOBODY)
        );
        _refusesDeadlines(executes);
        _refusesAmounts(executes, deadline);
        _refuses(
            NO_CODE,
            _consentCall(executes, alice.wallet, 5, deadline, good),
            abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet)
        );
    }

    function _refusesDeadlines(bool executes) private {
        uint256 deadline = block.timestamp;
        _refuses(
            address(notary),
            _consentCall(executes, alice.wallet, 5, deadline - 1, _consent(alice.wallet, 5, "ref", deadline - 1)),
            abi.encodeWithSelector(IDepositToken.ConsentExpired.selector, deadline - 1, deadline)
        );
        uint256 latest = block.timestamp + 1096 days;
        uint256[2] memory far = [latest + 1, MAX];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                address(notary),
                _consentCall(executes, alice.wallet, 5, far[i], _consent(alice.wallet, 5, "ref", far[i])),
                abi.encodeWithSelector(IDepositToken.SignatureDeadlineTooFar.selector, far[i], latest)
            );
        }
    }

    function _refusesAmounts(bool executes, uint256 deadline) private {
        _refuses(
            address(notary),
            _consentCall(executes, alice.wallet, 0, deadline, _consent(alice.wallet, 0, "ref", deadline)),
            IDepositToken.ZeroAmount.selector
        );
        _refuses(
            address(notary),
            _consentCall(executes, alice.wallet, MAX, deadline, _consent(alice.wallet, MAX, "ref", deadline)),
            _refused(Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY, MAX)
        );
    }

    function _consent(address payer, uint256 amount, bytes32 ref, uint256 deadline)
        private
        view
        returns (bytes memory)
    {
        return _signConsent(alice.key, usd, payer, address(notary), amount, ref, 7, deadline);
    }

    function _consentCall(bool executes, address payer, uint256 amount, uint256 deadline, bytes memory signature)
        private
        view
        returns (bytes memory)
    {
        if (!executes) return abi.encodeCall(usd.hold, (payer, amount, "ref", 7, deadline, signature));
        return abi.encodeCall(usd.executeByConsent, (payer, bob.wallet, amount, "ref", 7, deadline, signature));
    }

    function test_holdAndCall() external {
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.holdAndCall, (address(notary), 0, "ref", "")),
            IDepositToken.ZeroAmount.selector
        );
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.holdAndCall, (address(usd), 1, "ref", "")),
            abi.encodeWithSelector(IDepositToken.InvalidNotary.selector, address(usd))
        );
        address[3] memory none = [NOBODY, NO_CODE, address(registry)];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                alice.wallet,
                abi.encodeCall(usd.holdAndCall, (none[i], 1, "ref", "")),
                _refused(Path.HOLD, Reason.NOT_NOTARY, none[i], 0, 0)
            );
        }
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.holdAndCall, (address(notary), MAX, "ref", "")),
            _refused(Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY, MAX)
        );
    }

    function test_execute() external {
        _hold(alice.wallet, 5);
        _refuses(
            address(notary),
            abi.encodeCall(usd.execute, (alice.wallet, NOBODY, 5, "ref")),
            _refused(Path.EXECUTE, Reason.PAYEE_UNKNOWN, NOBODY, 0, 0)
        );
        _refuses(
            address(notary),
            abi.encodeCall(usd.execute, (NOBODY, bob.wallet, 5, "ref")),
            _refused(Path.EXECUTE, Reason.INSUFFICIENT_HELD, NOBODY, 0, 5)
        );
        _refuses(
            address(notary),
            abi.encodeCall(usd.execute, (alice.wallet, bob.wallet, MAX, "ref")),
            _refused(Path.EXECUTE, Reason.INSUFFICIENT_HELD, alice.wallet, 5, MAX)
        );
    }

    function test_release() external {
        _hold(alice.wallet, 5);
        _refuses(
            address(notary),
            abi.encodeCall(usd.release, (alice.wallet, MAX, "ref", MAX)),
            _refused(Path.RELEASE, Reason.INSUFFICIENT_HELD, alice.wallet, 5, MAX)
        );
        _refuses(
            address(notary),
            abi.encodeCall(usd.release, (NOBODY, 1, "ref", 0)),
            _refused(Path.RELEASE, Reason.INSUFFICIENT_HELD, NOBODY, 0, 1)
        );
    }

    function test_executeNet() external {
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](0);
        _refuses(address(notary), abi.encodeCall(usd.executeNet, (sources)), IDepositToken.ZeroAmount.selector);
        sources = new IDepositToken.NetSource[](1);
        sources[0].payer = alice.wallet;
        _refuses(address(notary), abi.encodeCall(usd.executeNet, (sources)), IDepositToken.ZeroAmount.selector);
        sources[0].legs = new IDepositToken.NetLeg[](257);
        _refuses(
            address(notary),
            abi.encodeCall(usd.executeNet, (sources)),
            abi.encodeWithSelector(IDepositToken.BatchTooLong.selector, 257, 256)
        );
        sources[0].legs = new IDepositToken.NetLeg[](1);
        sources[0].legs[0] = IDepositToken.NetLeg(bob.wallet, 0);
        _refuses(address(notary), abi.encodeCall(usd.executeNet, (sources)), IDepositToken.ZeroAmount.selector);
        sources[0].legs[0].amount = TOO_LARGE;
        _refuses(
            address(notary),
            abi.encodeCall(usd.executeNet, (sources)),
            abi.encodeWithSelector(IDepositToken.AmountTooLarge.selector, TOO_LARGE)
        );
        sources[0].legs[0] = IDepositToken.NetLeg(NOBODY, 5);
        _refuses(
            address(notary),
            abi.encodeCall(usd.executeNet, (sources)),
            _refused(Path.EXECUTE, Reason.PAYEE_UNKNOWN, NOBODY, 0, 0)
        );
    }

    function test_cancelConsent() external {
        vm.prank(alice.wallet);
        usd.cancelConsent(MAX);
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.cancelConsent, (MAX)),
            abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, alice.wallet, MAX)
        );
    }

    function test_cancelByOrder() external {
        _hold(alice.wallet, 5);
        _refuses(
            address(notary),
            abi.encodeCall(usd.cancelByOrder, (alice.wallet, 5, "ref", 0)),
            IDepositToken.OrderHashMissing.selector
        );
        _refuses(
            address(notary),
            abi.encodeCall(usd.cancelByOrder, (alice.wallet, 0, "ref", ORDER)),
            IDepositToken.ZeroAmount.selector
        );
        _refuses(
            address(notary),
            abi.encodeCall(usd.cancelByOrder, (alice.wallet, MAX, "ref", ORDER)),
            _refused(Path.CANCEL_BY_ORDER, Reason.INSUFFICIENT_HELD, alice.wallet, 5, MAX)
        );
    }
}
