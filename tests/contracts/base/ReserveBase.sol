// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../../contracts/interfaces/IDepositToken.sol";
import {IReserve, ReserveAttestation, ReserveLine} from "../../../contracts/interfaces/IReserve.sol";
import {Path, Reason} from "../../../contracts/libraries/Reason.sol";
import {TokenScenario} from "./TokenScenario.sol";
import {Vm} from "./Vm.sol";

/// @notice Three auditors of whom two must sign, ascending, beside the one of the base, who is removed.
abstract contract ReserveBase is TokenScenario {
    Vm.Wallet[3] internal three;

    function setUp() public virtual override {
        super.setUp();
        three[0] = _key("auditor one");
        three[1] = _key("auditor two");
        three[2] = _key("auditor three");
        _ascend(0, 1);
        _ascend(1, 2);
        _ascend(0, 1);
        for (uint256 i = 0; i < 3; i++) {
            _govern(address(reserve), abi.encodeCall(reserve.addAuditor, (three[i].addr)));
        }
        _govern(address(reserve), abi.encodeCall(reserve.setThreshold, (2)));
        _removeAuditor(auditor.addr);
    }

    function _ascend(uint256 i, uint256 j) private {
        Vm.Wallet memory first = three[i];
        if (first.addr < three[j].addr) return;
        three[i] = three[j];
        three[j] = first;
    }

    function _removeAuditor(address who) internal {
        vm.prank(compliance);
        reserve.removeAuditor(who);
    }

    // ---- attesting ----

    /// @dev By the auditors at these places of `three`.
    function _signed(ReserveAttestation memory a, uint256 i, uint256 j) internal view returns (bytes[] memory both) {
        both = new bytes[](2);
        (both[0], both[1]) = (_signReserve(three[i], a), _signReserve(three[j], a));
    }

    function _attest(ReserveAttestation memory a) internal {
        reserve.attestReserve(a, _signed(a, 0, 1));
    }

    /// @dev In USD, by the first two auditors.
    function _attest(uint256 amount) internal {
        _attest(_statement("USD", amount));
    }

    /// @dev By the first two auditors; the rest of the revert data is as given.
    function _refusesToAttest(ReserveAttestation memory a, bytes memory expected) internal {
        bytes[] memory signatures = _signed(a, 0, 1);
        vm.expectRevert(expected);
        reserve.attestReserve(a, signatures);
    }

    function _freshness() internal view returns (IReserve.Freshness) {
        return reserve.backing("USD").freshness;
    }

    function _expectFresh(bool fresh) internal view {
        assertEq(
            uint256(_freshness()), uint256(fresh ? IReserve.Freshness.FRESH : IReserve.Freshness.STALE), "freshness"
        );
    }

    // ---- minting ----

    /// @dev Mints for Bob as the issuer, or is refused as `check` foretold.
    function _mints(uint256 amount, Reason expected) internal {
        Reason reason = _agree(Path.MINT, issuer, address(0), bob.wallet, amount);
        assertEq(uint256(reason), uint256(expected), "reason");
    }

    function _mint(uint256 amount) internal {
        vm.prank(issuer);
        usd.mint(bytes32(_next()), bob.wallet, amount);
    }
}
