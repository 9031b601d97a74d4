// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Initializable} from "@openzeppelin/contracts-upgradeable/proxy/utils/Initializable.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

import {PlatformProxy} from "../../contracts/PlatformProxy.sol";
import {Reserve} from "../../contracts/Reserve.sol";
import {IReserve, ReserveAttestation, ReserveLine} from "../../contracts/interfaces/IReserve.sol";
import {Reason} from "../../contracts/libraries/Reason.sol";
import {BadInputTable} from "./base/BadInputTable.sol";
import {ReserveBase} from "./base/ReserveBase.sol";

/// @notice Reserve, function by function.
contract BadInputReserve is ReserveBase, BadInputTable {
    address private constant NOBODY = address(0);
    address private constant NO_CODE = address(0xC0DE);

    function setUp() public override {
        super.setUp();
        _beSwift();
        vm.startPrank(admin);
        governance.grantRole(_roleId("UPGRADER"), SWIFT, 0);
        vm.stopPrank();
        subject = address(reserve);
    }

    // ---- attesting ----

    function _refusesSigned(ReserveAttestation memory a, bytes memory refusal) private {
        _refuses(alice.wallet, abi.encodeCall(reserve.attestReserve, (a, _signed(a, 0, 1))), refusal);
    }

    function _field(string memory name) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IReserve.InvalidReserveAttestation.selector, name);
    }

    function test_attestReserve_terms() external {
        ReserveAttestation memory a = _statement("USD", 5);
        a.currency = 0;
        _refusesSigned(a, abi.encodeWithSelector(IReserve.UnknownReserveCurrency.selector, bytes3(0)));
        a = _statement("USD", 5);
        a.documentHash = 0;
        _refusesSigned(a, _field("documentHash"));
        a = _statement("USD", 5);
        a.asOf = 0;
        _refusesSigned(a, _field("asOf"));
        a.asOf = uint40(block.timestamp) + 1;
        _refusesSigned(a, _field("asOf"));
        a = _statement("USD", 5);
        a.validUntil = 0;
        _refusesSigned(a, _field("validUntil"));
        a.validUntil = type(uint40).max;
        _refusesSigned(a, _field("validUntil"));
        a = _statement("USD", 5);
        a.deadline = uint40(block.timestamp) - 1;
        _refusesSigned(
            a, abi.encodeWithSelector(IReserve.ReserveAttestationExpired.selector, a.deadline, block.timestamp)
        );
        a.deadline = type(uint40).max;
        _refusesSigned(a, _field("deadline"));
        a = _statement("USD", 5);
        a.sequence = 0;
        _refusesSigned(a, abi.encodePacked(IReserve.ReserveAttestationSuperseded.selector));
    }

    function test_attestReserve_lines() external {
        ReserveAttestation memory a = _statement("USD", 5);
        a.lines = new ReserveLine[](0);
        _refusesSigned(a, abi.encodeWithSelector(IReserve.ReserveLinesOutOfRange.selector, 0, 32));
        a.lines = new ReserveLine[](33);
        _refusesSigned(a, abi.encodeWithSelector(IReserve.ReserveLinesOutOfRange.selector, 33, 32));
        a = _statement("USD", type(uint256).max);
        _refusesSigned(a, abi.encodeWithSelector(IReserve.AmountTooLarge.selector, type(uint256).max));
        a = _statement("USD", 5);
        a.lines[0].assetClass = 0;
        _refusesSigned(a, _field("assetClass"));
        a = _statement("USD", 5);
        a.lines[0].custodian = 0;
        _refusesSigned(a, _field("custodian"));
        a.lines = new ReserveLine[](2);
        (a.lines[0], a.lines[1]) = (ReserveLine("A", "B", 1), ReserveLine("A", "B", 1));
        _refusesSigned(a, abi.encodeWithSelector(IReserve.ReserveLinesNotAscending.selector, 1));
    }

    function test_attestReserve_signatures() external {
        ReserveAttestation memory a = _statement("USD", 5);
        _refusesSignatures(a, new bytes[](0), abi.encodeWithSelector(IReserve.NotEnoughAttestations.selector, 0, 2));
        _refusesSignatures(a, new bytes[](2), abi.encodeWithSelector(IReserve.InvalidAuditor.selector, NOBODY));
        bytes[] memory signatures = _signed(a, 0, 0);
        address first = three[0].addr;
        _refusesSignatures(a, signatures, abi.encodeWithSelector(IReserve.SignersNotAscending.selector, first, first));

        signatures = _signed(a, 0, 1);
        bytes memory good = _tailOf(signatures[0]);
        bytes[5] memory forged = _forgeries(good, _tailOf(signatures[1]));
        for (uint256 i; i < 5; ++i) {
            signatures[0] = abi.encodePacked(first, forged[i]);
            _refusesSignatures(a, signatures, abi.encodeWithSelector(IReserve.InvalidAuditorSignature.selector, first));
        }
        signatures[0] = abi.encodePacked(address(1), good);
        _refusesSignatures(a, signatures, abi.encodeWithSelector(IReserve.NotAnAuditor.selector, address(1)));
    }

    function _refusesSignatures(ReserveAttestation memory a, bytes[] memory signatures, bytes memory refusal) private {
        _refuses(alice.wallet, abi.encodeCall(reserve.attestReserve, (a, signatures)), refusal);
    }

    /// @dev Without the address of the signer.
    function _tailOf(bytes memory signature) private pure returns (bytes memory tail) {
        tail = new bytes(signature.length - 20);
        for (uint256 i; i < tail.length; ++i) {
            tail[i] = signature[i + 20];
        }
    }

    // ---- governance ----

    function test_addAuditor() external {
        _refuses(
            SWIFT,
            abi.encodeCall(reserve.addAuditor, (NOBODY)),
            abi.encodeWithSelector(IReserve.InvalidAuditor.selector, NOBODY)
        );
        _refuses(
            SWIFT,
            abi.encodeCall(reserve.addAuditor, (three[0].addr)),
            abi.encodeWithSelector(IReserve.AuditorKnown.selector, three[0].addr)
        );
    }

    function test_removeAuditor() external {
        _refuses(
            compliance,
            abi.encodeCall(reserve.removeAuditor, (NOBODY)),
            abi.encodeWithSelector(IReserve.NotAnAuditor.selector, NOBODY)
        );
    }

    /// @dev Nobody, and more than there are, lets nothing pass.
    function test_setThreshold() external {
        _attest(type(uint88).max);
        uint8[3] memory bad = [0, 4, type(uint8).max];
        for (uint256 i; i < 3; ++i) {
            vm.prank(SWIFT);
            reserve.setThreshold(bad[i]);
            _mints(1, Reason.RESERVE_STALE);
            ReserveAttestation memory a = _statement("USD", 5);
            _refusesSigned(a, abi.encodeWithSelector(IReserve.NotEnoughAttestations.selector, 2, bad[i]));
        }
    }

    function test_setCycle() external {
        _refuses(
            SWIFT,
            abi.encodeCall(reserve.setCycle, ("USD", type(uint40).max)),
            abi.encodeWithSelector(IReserve.CycleTooLong.selector, type(uint40).max, 1096 days)
        );
        _refuses(
            SWIFT,
            abi.encodeCall(reserve.setCycle, (bytes3(0), 1 days)),
            abi.encodeWithSelector(IReserve.UnknownReserveCurrency.selector, bytes3(0))
        );
    }

    function test_registerToken() external {
        address[3] memory none = [NOBODY, NO_CODE, address(registry)];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                SWIFT,
                abi.encodeCall(reserve.registerToken, (none[i])),
                abi.encodeWithSelector(IReserve.InvalidReserveToken.selector, none[i])
            );
        }
        _refuses(
            SWIFT,
            abi.encodeCall(reserve.registerToken, (address(usd))),
            abi.encodeWithSelector(IReserve.ReserveTokenKnown.selector, address(usd))
        );
    }

    // ---- making ----

    function test_initialize() external {
        address implementation = address(new Reserve());
        address[] memory one = new address[](1);
        one[0] = three[0].addr;
        bytes memory again = abi.encodeCall(reserve.initialize, (address(governance), one, 1));
        _refuses(admin, again, Initializable.InvalidInitialization.selector);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedInvalidAuthority.selector, NO_CODE));
        new PlatformProxy(implementation, abi.encodeCall(reserve.initialize, (NO_CODE, one, 1)));
        one[0] = NOBODY;
        vm.expectRevert(abi.encodeWithSelector(IReserve.InvalidAuditor.selector, NOBODY));
        new PlatformProxy(implementation, abi.encodeCall(reserve.initialize, (address(governance), one, 1)));
        subject = implementation;
        _refuses(admin, again, Initializable.InvalidInitialization.selector);
    }

    function test_setAuthority() external {
        _refuses(
            address(governance),
            abi.encodeCall(reserve.setAuthority, (NO_CODE)),
            abi.encodeWithSelector(IAccessManaged.AccessManagedInvalidAuthority.selector, NO_CODE)
        );
    }

    function test_upgradeToAndCall() external {
        address[3] memory none = [NOBODY, NO_CODE, address(registry)];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                SWIFT,
                abi.encodeCall(reserve.upgradeToAndCall, (none[i], "")),
                abi.encodeWithSelector(ERC1967Utils.ERC1967InvalidImplementation.selector, none[i])
            );
        }
    }
}
