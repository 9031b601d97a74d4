// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorizations} from "../../contracts/interfaces/IAuthorizations.sol";
import {IClearances} from "../../contracts/interfaces/IClearances.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IMandates} from "../../contracts/interfaces/IMandates.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {BadInputTable} from "./base/BadInputTable.sol";
import {ClearanceBase} from "./base/ClearanceBase.sol";

/// @notice What a payer signs ahead for a DepositToken, function by function. Mandates field by field: TokenMandate.t.sol.
contract BadInputTokenSigned is ClearanceBase, BadInputTable {
    uint256 private constant MAX = type(uint256).max;
    address private constant NOBODY = address(0);
    string private constant MANDATE =
        "Mandate(address payer,address notary,bytes32 ruleId,uint256 capPerPayment,uint256 capPerPeriod,uint256 period,uint256 start,uint256 end)";

    function setUp() public override {
        super.setUp();
        subject = address(usd);
    }

    function _mandate() private view returns (IMandates.Mandate memory) {
        return IMandates.Mandate({
            payer: alice.wallet,
            notary: address(notary),
            ruleId: "rent",
            capPerPayment: 600,
            capPerPeriod: 1000,
            period: 1 days,
            start: block.timestamp,
            end: block.timestamp + 10 days
        });
    }

    // ---- authorizations ----

    function test_transferWithAuthorization() external {
        _refusesAuthorizations("TransferWithAuthorization", _transferCall);
    }

    function test_receiveWithAuthorization() external {
        _refusesAuthorizations("ReceiveWithAuthorization", _receiveCall);
        Authorization memory a = _authorization(alice.wallet, NOBODY, 5);
        _refuses(
            bob.wallet,
            _receiveCall(a, ""),
            abi.encodeWithSelector(IAuthorizations.CallerNotPayee.selector, bob.wallet, NOBODY)
        );
    }

    /// @dev Brought by the payee, who may bring either kind.
    function _refusesAuthorizations(
        string memory kind,
        function(Authorization memory, bytes memory) pure returns (bytes memory) call_
    ) private {
        Authorization memory a = _authorization(alice.wallet, bob.wallet, 5);
        bytes32 digest = _authorizationDigest(kind, a);
        bytes[5] memory forged = _forgeries(_sign(alice.key, digest), _sign(bob.key, digest));
        for (uint256 i; i < 5; ++i) {
            _refuses(
                bob.wallet,
                call_(a, forged[i]),
                abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, alice.wallet)
            );
        }
        a.from = NOBODY;
        _refuses(
            bob.wallet,
            call_(a, forged[4]),
            abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, NOBODY)
        );
        a = _authorization(alice.wallet, bob.wallet, 0);
        _refusesSigned(kind, call_, a, abi.encodePacked(IDepositToken.ZeroAmount.selector));
        a = _authorization(alice.wallet, bob.wallet, MAX);
        _refusesSigned(kind, call_, a, _refused(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY, MAX));
        a = _authorization(alice.wallet, bob.wallet, 5);
        a.ref = 0;
        _refusesSigned(kind, call_, a, abi.encodePacked(IDepositToken.ReferenceMissing.selector));
        a = _authorization(alice.wallet, bob.wallet, 5);
        a.validBefore = block.timestamp;
        _refusesSigned(
            kind,
            call_,
            a,
            abi.encodeWithSelector(IAuthorizations.AuthorizationExpired.selector, block.timestamp, block.timestamp)
        );
        (a.validAfter, a.validBefore) = (MAX, MAX);
        _refusesSigned(
            kind,
            call_,
            a,
            abi.encodeWithSelector(IAuthorizations.AuthorizationNotYetValid.selector, MAX, block.timestamp)
        );
    }

    function _refusesSigned(
        string memory kind,
        function(Authorization memory, bytes memory) pure returns (bytes memory) call_,
        Authorization memory a,
        bytes memory refusal
    ) private {
        _refuses(bob.wallet, call_(a, _sign(alice.key, _authorizationDigest(kind, a))), refusal);
    }

    function test_cancelAuthorization() external {
        bytes32 structHash = keccak256(
            abi.encode(keccak256("CancelAuthorization(address authorizer,bytes32 nonce)"), alice.wallet, bytes32(0))
        );
        bytes32 digest = _digest(_domainOf(usd), structHash);
        bytes[5] memory forged = _forgeries(_sign(alice.key, digest), _sign(bob.key, digest));
        for (uint256 i; i < 5; ++i) {
            _refuses(
                bob.wallet,
                abi.encodeCall(usd.cancelAuthorization, (alice.wallet, 0, forged[i])),
                abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, alice.wallet)
            );
        }
        _refuses(
            bob.wallet,
            abi.encodeCall(usd.cancelAuthorization, (NOBODY, 0, "")),
            abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, NOBODY)
        );
        assertFalse(usd.authorizationState(alice.wallet, 0));
    }

    // ---- clearances ----

    function _refusesClearance(bytes memory call_, uint256 deadline, bytes memory clearance, bytes memory refusal)
        private
    {
        _refuses(alice.wallet, abi.encodeCall(usd.cleared, (call_, deadline, clearance)), refusal);
    }

    function test_cleared() external {
        uint256 now_ = block.timestamp;
        bytes memory pay = abi.encodeCall(usd.pay, (bob.wallet, 5, "ref", ""));
        bytes[3] memory none = [bytes(""), hex"010203", abi.encodeCall(usd.transfer, (bob.wallet, 5))];
        for (uint256 i; i < 3; ++i) {
            _refusesClearance(
                none[i],
                now_,
                _clear(alice.wallet, keccak256(none[i])),
                abi.encodeWithSelector(IClearances.NotClearable.selector, i < 2 ? bytes4(0) : usd.transfer.selector)
            );
        }
        bytes32 digest = _clearanceDigest(usd, alice.wallet, keccak256(pay), now_);
        bytes[5] memory forged = _forgeries(_sign(screener.privateKey, digest), _sign(bob.key, digest));
        for (uint256 i; i < 5; ++i) {
            _refusesClearance(
                pay,
                now_,
                abi.encodePacked(screener.addr, forged[i]),
                abi.encodeWithSelector(IClearances.InvalidClearance.selector, screener.addr)
            );
        }
        _refusesClearance(pay, now_, "", abi.encodeWithSelector(IClearances.InvalidClearance.selector, NOBODY));
        _refusesClearance(
            pay,
            now_,
            abi.encodePacked(NOBODY, forged[4]),
            abi.encodeWithSelector(IClearances.InvalidClearance.selector, NOBODY)
        );
        _refusesClearance(
            pay, now_ - 1, "", abi.encodeWithSelector(IClearances.ClearanceExpired.selector, now_ - 1, now_)
        );
        _refusesClearance(
            pay, MAX, "", abi.encodeWithSelector(IDepositToken.SignatureDeadlineTooFar.selector, MAX, now_ + 1096 days)
        );
        assertEq(usd.balanceOf(bob.wallet), 0);
    }

    // ---- giving a mandate ----

    function test_registerMandate() external {
        IMandates.Mandate memory m = _mandate();
        address[3] memory none = [NOBODY, address(0xC0DE), address(usd)];
        for (uint256 i; i < 3; ++i) {
            m.notary = none[i];
            _refusesMandate(m, "notary");
        }
        m = _mandate();
        m.ruleId = 0;
        _refusesMandate(m, "ruleId");
        m = _mandate();
        m.capPerPayment = 0;
        _refusesMandate(m, "capPerPayment");
        m.capPerPayment = MAX;
        _refusesMandate(m, "capPerPayment");
        m = _mandate();
        m.capPerPeriod = MAX;
        _refusesMandate(m, "capPerPeriod");
        m = _mandate();
        m.period = 0;
        _refusesMandate(m, "period");
        m = _mandate();
        m.start = MAX;
        _refusesMandate(m, "start");
        m = _mandate();
        m.end = MAX;
        _refusesMandate(m, "end");
        (m.start, m.end) = (0, 0);
        _refusesMandate(m, "end");
        m = _mandate();
        m.payer = NOBODY;
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.registerMandate, (m)),
            abi.encodeWithSelector(IMandates.NotMandatePayer.selector, alice.wallet, NOBODY)
        );
    }

    function _refusesMandate(IMandates.Mandate memory m, string memory field) private {
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.registerMandate, (m)),
            abi.encodeWithSelector(IMandates.InvalidMandate.selector, field)
        );
    }

    function test_registerMandateBySignature() external {
        uint256 now_ = block.timestamp;
        IMandates.Mandate memory m = _mandate();
        bytes[5] memory forged = _forgeries(_signMandate(alice.key, m, now_), _signMandate(bob.key, m, now_));
        for (uint256 i; i < 5; ++i) {
            _refuses(
                bob.wallet,
                abi.encodeCall(usd.registerMandateBySignature, (m, 7, now_, forged[i])),
                abi.encodeWithSelector(IMandates.InvalidMandateSignature.selector, alice.wallet)
            );
        }
        _refuses(
            bob.wallet,
            abi.encodeCall(usd.registerMandateBySignature, (m, 7, now_ - 1, _signMandate(alice.key, m, now_ - 1))),
            abi.encodeWithSelector(IDepositToken.ConsentExpired.selector, now_ - 1, now_)
        );
        _refuses(
            bob.wallet,
            abi.encodeCall(usd.registerMandateBySignature, (m, 7, MAX, _signMandate(alice.key, m, MAX))),
            abi.encodeWithSelector(IDepositToken.SignatureDeadlineTooFar.selector, MAX, now_ + 1096 days)
        );
        m.payer = NOBODY;
        _refuses(
            bob.wallet,
            abi.encodeCall(usd.registerMandateBySignature, (m, 7, now_, forged[4])),
            abi.encodeWithSelector(IMandates.InvalidMandateSignature.selector, NOBODY)
        );
    }

    function _signMandate(uint256 key, IMandates.Mandate memory m, uint256 deadline)
        private
        view
        returns (bytes memory)
    {
        bytes32 typehash = keccak256(
            abi.encodePacked("RegisterMandate(Mandate mandate,uint256 nonce,uint256 deadline)", MANDATE)
        );
        bytes32 structHash = keccak256(abi.encode(typehash, usd.mandateId(m), 7, deadline));
        return _sign(key, _digest(_domain("US dollar deposit", address(usd)), structHash));
    }

    // ---- what becomes of it ----

    function test_revokeMandate() external {
        bytes32[2] memory none = [bytes32(0), bytes32("never given")];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                alice.wallet,
                abi.encodeCall(usd.revokeMandate, (none[i])),
                abi.encodeWithSelector(IMandates.MandateNotActive.selector, none[i], IMandates.MandateStatus.NONE)
            );
        }
    }

    function test_executeByMandate() external {
        IMandates.Mandate memory m = _mandate();
        _refusesPayment(
            m,
            1,
            "ref",
            abi.encodeWithSelector(IMandates.MandateNotActive.selector, usd.mandateId(m), IMandates.MandateStatus.NONE)
        );
        vm.prank(alice.wallet);
        usd.registerMandate(m);
        _refusesPayment(m, 0, "ref", abi.encodePacked(IDepositToken.ZeroAmount.selector));
        _refusesPayment(m, 1, 0, abi.encodePacked(IDepositToken.ReferenceMissing.selector));
        _refusesPayment(m, MAX, "ref", abi.encodeWithSelector(IMandates.MandateCapPerPayment.selector, 600, MAX));
        _refuses(
            address(notary),
            abi.encodeCall(usd.executeByMandate, (m, NOBODY, 1, "ref")),
            _refused(Path.EXECUTE, Reason.PAYEE_UNKNOWN, NOBODY, 0, 0)
        );
    }

    function _refusesPayment(IMandates.Mandate memory m, uint256 amount, bytes32 ref, bytes memory refusal) private {
        _refuses(address(notary), abi.encodeCall(usd.executeByMandate, (m, bob.wallet, amount, ref)), refusal);
    }
}
