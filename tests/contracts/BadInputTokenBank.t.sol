// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Initializable} from "@openzeppelin/contracts-upgradeable/proxy/utils/Initializable.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

import {DepositToken} from "../../contracts/DepositToken.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {IRecoverable} from "../../contracts/interfaces/IRecoverable.sol";
import {ISponsorships} from "../../contracts/interfaces/ISponsorships.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {BadInputTable} from "./base/BadInputTable.sol";
import {TokenScenario} from "./base/TokenScenario.sol";

/// @notice What the bank alone does with a DepositToken, function by function.
contract BadInputTokenBank is TokenScenario, BadInputTable {
    uint256 private constant MAX = type(uint256).max;
    uint256 private constant TOO_LARGE = uint256(type(uint88).max) + 1;
    address private constant NOBODY = address(0);
    address private constant NO_CODE = address(0xC0DE);

    function setUp() public override {
        super.setUp();
        _beSwift();
        vm.startPrank(admin);
        governance.grantRole(_roleId("UPGRADER"), SWIFT, 0);
        vm.stopPrank();
        subject = address(usd);
    }

    // ---- deposits and redemption ----

    function test_mint() external {
        _refuses(issuer, abi.encodeCall(usd.mint, (bytes32(0), bob.wallet, 1)), IDepositToken.ReferenceMissing.selector);
        _refuses(issuer, abi.encodeCall(usd.mint, ("ref", bob.wallet, 0)), IDepositToken.ZeroAmount.selector);
        _refuses(
            issuer,
            abi.encodeCall(usd.mint, ("ref", NOBODY, 1)),
            _refused(Path.MINT, Reason.PAYEE_UNKNOWN, NOBODY, 0, 0)
        );
        _refuses(
            issuer,
            abi.encodeCall(usd.mint, ("ref", bob.wallet, MAX)),
            _refused(Path.MINT, Reason.MINT_CEILING, issuer, CEILING - MONEY, MAX)
        );
    }

    function test_requestRedemption() external {
        _refuses(
            alice.wallet, abi.encodeCall(usd.requestRedemption, (0, "ref", "to")), IDepositToken.ZeroAmount.selector
        );
        _refuses(
            alice.wallet, abi.encodeCall(usd.requestRedemption, (1, 0, "to")), IDepositToken.ReferenceMissing.selector
        );
        _refuses(
            alice.wallet, abi.encodeCall(usd.requestRedemption, (1, "ref", 0)), IDepositToken.ReferenceMissing.selector
        );
        _refuses(
            alice.wallet,
            abi.encodeCall(usd.requestRedemption, (MAX, "ref", "to")),
            _refused(Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY, MAX)
        );
    }

    function test_instructRedemption() external {
        _refusesNoRedemption(abi.encodeCall(usd.instructRedemption, (0, 0)), IDepositToken.RedemptionStatus.REQUESTED);
    }

    function test_settleRedemption() external {
        _refusesNoRedemption(
            abi.encodeCall(usd.settleRedemption, (0, 0, "fiat")), IDepositToken.RedemptionStatus.INSTRUCTED
        );
        _refuses(
            issuer, abi.encodeCall(usd.settleRedemption, (alice.id, "ref", 0)), IDepositToken.ReferenceMissing.selector
        );
    }

    function test_returnRedemption() external {
        _refusesNoRedemption(
            abi.encodeCall(usd.returnRedemption, (0, 0, "proof")), IDepositToken.RedemptionStatus.REQUESTED
        );
        bytes32 ref = _request(alice.wallet, 5);
        _instruct(alice.wallet);
        _refuses(
            issuer, abi.encodeCall(usd.returnRedemption, (alice.id, ref, 0)), IDepositToken.EvidenceMissing.selector
        );
    }

    function _refusesNoRedemption(bytes memory call_, IDepositToken.RedemptionStatus expected) private {
        _refuses(
            issuer,
            call_,
            abi.encodeWithSelector(
                IDepositToken.RedemptionNotIn.selector, expected, IDepositToken.RedemptionStatus.NONE
            )
        );
    }

    // ---- compliance ----

    function test_freezeAmount() external {
        _refuses(
            compliance, abi.encodeCall(usd.freezeAmount, (alice.wallet, 0, ORDER)), IDepositToken.ZeroAmount.selector
        );
        _refuses(
            compliance, abi.encodeCall(usd.freezeAmount, (alice.wallet, 1, 0)), IDepositToken.OrderHashMissing.selector
        );
        uint256[2] memory amounts = [TOO_LARGE, MAX];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                compliance,
                abi.encodeCall(usd.freezeAmount, (alice.wallet, amounts[i], ORDER)),
                abi.encodeWithSelector(IDepositToken.AmountTooLarge.selector, amounts[i])
            );
        }
        _refuses(
            compliance,
            abi.encodeCall(usd.freezeAmount, (NOBODY, 1, ORDER)),
            abi.encodeWithSelector(IDepositToken.UnknownParticipantOfWallet.selector, NOBODY)
        );
    }

    function test_unfreezeAmount() external {
        _freezeAmount(usd, alice.wallet, 5);
        _refuses(SWIFT, abi.encodeCall(usd.unfreezeAmount, (alice.wallet, 0, ORDER)), IDepositToken.ZeroAmount.selector);
        _refuses(
            SWIFT, abi.encodeCall(usd.unfreezeAmount, (alice.wallet, 1, 0)), IDepositToken.OrderHashMissing.selector
        );
        _refuses(
            SWIFT,
            abi.encodeCall(usd.unfreezeAmount, (alice.wallet, MAX, ORDER)),
            abi.encodeWithSelector(IDepositToken.FrozenTooLittle.selector, 5, MAX)
        );
        _refuses(
            SWIFT,
            abi.encodeCall(usd.unfreezeAmount, (NOBODY, 1, ORDER)),
            abi.encodeWithSelector(IDepositToken.FrozenTooLittle.selector, 0, 1)
        );
    }

    function test_seize() external {
        _refuses(
            SWIFT, abi.encodeCall(usd.seize, (alice.wallet, bob.wallet, 0, 0, ORDER)), IDepositToken.ZeroAmount.selector
        );
        _refuses(
            SWIFT,
            abi.encodeCall(usd.seize, (alice.wallet, bob.wallet, 1, 0, 0)),
            IDepositToken.OrderHashMissing.selector
        );
        _refuses(
            SWIFT,
            abi.encodeCall(usd.seize, (alice.wallet, NOBODY, 1, 0, ORDER)),
            _refused(Path.SEIZE, Reason.PAYEE_UNKNOWN, NOBODY, 0, 0)
        );
        _refuses(
            SWIFT,
            abi.encodeCall(usd.seize, (NOBODY, bob.wallet, 1, 0, ORDER)),
            _refused(Path.SEIZE, Reason.INSUFFICIENT_UNHELD, NOBODY, 0, 1)
        );
        _refuses(
            SWIFT,
            abi.encodeCall(usd.seize, (alice.wallet, bob.wallet, MAX, MAX, ORDER)),
            _refused(Path.SEIZE, Reason.INSUFFICIENT_UNHELD, alice.wallet, MONEY, MAX)
        );
    }

    function test_recover() external {
        _refuses(
            SWIFT,
            abi.encodeCall(usd.recover, (alice.wallet, bob.wallet, ORDER)),
            abi.encodeWithSelector(IRecoverable.OnlyRegistry.selector, SWIFT)
        );
        _refuses(
            address(registry),
            abi.encodeCall(usd.recover, (alice.wallet, alice.wallet, ORDER)),
            _refused(Path.RECOVER, Reason.SAME_ACCOUNT, alice.wallet, 0, 0)
        );
    }

    function test_rescueHold() external {
        _hold(alice.wallet, 5);
        _refuses(
            SWIFT,
            abi.encodeCall(usd.rescueHold, (address(notary), alice.wallet, 5, 0)),
            IDepositToken.OrderHashMissing.selector
        );
        _refuses(
            SWIFT,
            abi.encodeCall(usd.rescueHold, (NOBODY, alice.wallet, 5, ORDER)),
            abi.encodeWithSelector(IDepositToken.NotaryNotStopped.selector, NOBODY)
        );
        vm.prank(pauser);
        usd.stopNotary(address(notary));
        _refuses(
            SWIFT,
            abi.encodeCall(usd.rescueHold, (address(notary), alice.wallet, 0, ORDER)),
            IDepositToken.ZeroAmount.selector
        );
        _refuses(
            SWIFT,
            abi.encodeCall(usd.rescueHold, (address(notary), alice.wallet, MAX, ORDER)),
            _refused(Path.RELEASE, Reason.INSUFFICIENT_HELD, alice.wallet, 5, MAX)
        );
    }

    function test_pause() external {
        _pause(usd);
        _refuses(pauser, abi.encodeCall(usd.pause, ()), IDepositToken.AlreadyPaused.selector);
    }

    function test_unpause() external {
        _refuses(SWIFT, abi.encodeCall(usd.unpause, ()), IDepositToken.NotPaused.selector);
    }

    // ---- governance ----

    function test_decreaseDailyLimit() external {
        uint256[3] memory limits = [LIMIT, TOO_LARGE, MAX];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                compliance,
                abi.encodeCall(usd.decreaseDailyLimit, (alice.id, limits[i])),
                abi.encodeWithSelector(IDepositToken.LimitNotLower.selector, alice.id, LIMIT, limits[i])
            );
        }
        _refuses(
            compliance,
            abi.encodeCall(usd.decreaseDailyLimit, (0, 0)),
            abi.encodeWithSelector(IDepositToken.LimitNotLower.selector, 0, 0, 0)
        );
    }

    function test_setDailyLimit() external {
        _refuses(
            SWIFT,
            abi.encodeCall(usd.setDailyLimit, (alice.id, TOO_LARGE)),
            abi.encodeWithSelector(IDepositToken.AmountTooLarge.selector, TOO_LARGE)
        );
        _refuses(SWIFT, abi.encodeCall(usd.setDailyLimit, (0, 1)), _unknown(0));
        _refuses(SWIFT, abi.encodeCall(usd.setDailyLimit, (type(uint32).max, 1)), _unknown(type(uint32).max));
    }

    function test_setCustomerLimit() external {
        uint32[2] memory ids = [0, alice.id];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                bob.wallet,
                abi.encodeCall(usd.setCustomerLimit, (ids[i], 1)),
                abi.encodeWithSelector(ISponsorships.NotSponsor.selector, bob.wallet, bob.id)
            );
        }
    }

    function test_setSponsorCeiling() external {
        _refuses(
            SWIFT,
            abi.encodeCall(usd.setSponsorCeiling, (alice.id, MAX)),
            abi.encodeWithSelector(IDepositToken.AmountTooLarge.selector, MAX)
        );
        _refuses(SWIFT, abi.encodeCall(usd.setSponsorCeiling, (0, 1)), _unknown(0));
    }

    function test_setRetailTier() external {
        uint256[2][2] memory tiers = [[TOO_LARGE, 1], [uint256(1), TOO_LARGE]];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                SWIFT,
                abi.encodeCall(usd.setRetailTier, (tiers[i][0], tiers[i][1])),
                abi.encodeWithSelector(IDepositToken.AmountTooLarge.selector, TOO_LARGE)
            );
        }
    }

    function test_setMintCeiling() external {
        _refuses(
            SWIFT,
            abi.encodeCall(usd.setMintCeiling, (issuer, MAX)),
            abi.encodeWithSelector(IDepositToken.AmountTooLarge.selector, MAX)
        );
        _refuses(
            SWIFT,
            abi.encodeCall(usd.setMintCeiling, (NOBODY, 1)),
            abi.encodeWithSelector(IDepositToken.InvalidIssuer.selector, NOBODY)
        );
    }

    function test_setMintRate() external {
        _refuses(
            SWIFT,
            abi.encodeCall(usd.setMintRate, (issuer, MAX, 1 days)),
            abi.encodeWithSelector(IDepositToken.AmountTooLarge.selector, MAX)
        );
        uint256[3] memory periods = [uint256(0), 366 days + 1, MAX];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                SWIFT,
                abi.encodeCall(usd.setMintRate, (issuer, 1, periods[i])),
                abi.encodeWithSelector(IDepositToken.InvalidMintPeriod.selector, periods[i], 366 days)
            );
        }
        _refuses(
            SWIFT,
            abi.encodeCall(usd.setMintRate, (NOBODY, 1, 1 days)),
            abi.encodeWithSelector(IDepositToken.InvalidIssuer.selector, NOBODY)
        );
    }

    function test_setReserve() external {
        _refuses(
            SWIFT,
            abi.encodeCall(usd.setReserve, (NO_CODE)),
            abi.encodeWithSelector(IDepositToken.InvalidReserve.selector, NO_CODE)
        );
    }

    function test_registerNotary() external {
        address[2] memory none = [NOBODY, NO_CODE];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                SWIFT,
                abi.encodeCall(usd.registerNotary, (none[i])),
                abi.encodeWithSelector(IDepositToken.InvalidNotary.selector, none[i])
            );
        }
        _refuses(
            SWIFT,
            abi.encodeCall(usd.registerNotary, (address(notary))),
            abi.encodeWithSelector(IDepositToken.NotaryAlreadyRegistered.selector, address(notary))
        );
    }

    function test_runOffNotary() external {
        _refusesNotaries(pauser, usd.runOffNotary.selector);
    }

    function test_stopNotary() external {
        _refusesNotaries(pauser, usd.stopNotary.selector);
    }

    function test_resumeNotary() external {
        _refusesNotaries(SWIFT, usd.resumeNotary.selector);
    }

    function _refusesNotaries(address caller, bytes4 selector) private {
        address[3] memory none = [NOBODY, NO_CODE, address(usd)];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                caller,
                abi.encodeWithSelector(selector, none[i]),
                abi.encodeWithSelector(IDepositToken.InvalidNotary.selector, none[i])
            );
        }
    }

    function _unknown(uint32 participant) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, participant);
    }

    // ---- making ----

    function test_initialize() external {
        bytes memory again = abi.encodeCall(usd.initialize, (address(governance), "US dollar deposit", "USD", "USD", 2));
        _refuses(admin, again, Initializable.InvalidInitialization.selector);
        subject = address(new DepositToken(address(registry)));
        _refuses(admin, again, Initializable.InvalidInitialization.selector);
    }

    function test_setAuthority() external {
        _refuses(
            admin,
            abi.encodeCall(usd.setAuthority, (NO_CODE)),
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, admin)
        );
        _refuses(
            address(governance),
            abi.encodeCall(usd.setAuthority, (NO_CODE)),
            abi.encodeWithSelector(IAccessManaged.AccessManagedInvalidAuthority.selector, NO_CODE)
        );
    }

    function test_upgradeToAndCall() external {
        address[3] memory none = [NOBODY, NO_CODE, address(registry)];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                SWIFT,
                abi.encodeCall(usd.upgradeToAndCall, (none[i], "")),
                abi.encodeWithSelector(ERC1967Utils.ERC1967InvalidImplementation.selector, none[i])
            );
        }
    }
}
