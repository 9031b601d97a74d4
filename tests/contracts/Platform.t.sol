// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {Base} from "./Base.sol";
import {Vm} from "./base/Vm.sol";

/// @notice What only the contracts together can show.
contract PlatformTest is Base {
    bytes32 private constant IMPLEMENTATION_SLOT = bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1);

    function test_everything_is_wired() external view {
        address[] memory assets = registry.assets();
        assertEq(assets.length, 4);
        assertTrue(registry.isDepositToken(address(usd)) && registry.isDepositToken(address(eur)));
        assertFalse(registry.isDepositToken(address(units)) || registry.isDepositToken(address(titles)));
        address[2] memory notaries = [address(escrow), address(settlement)];
        for (uint256 i; i < 2; ++i) {
            assertEq(uint8(usd.notaryStatus(notaries[i])), uint8(IDepositToken.NotaryStatus.ACTIVE));
            assertEq(uint8(eur.notaryStatus(notaries[i])), uint8(IDepositToken.NotaryStatus.ACTIVE));
        }
        (uint256 ceiling,) = usd.mintCeiling(issuer);
        assertEq(ceiling, CEILING);
    }

    /// @dev What deployment records keep of them.
    function test_notaries_and_attester_sets_say_their_version() external view {
        assertEq(escrow.version(), "1.0.0");
        assertEq(settlement.version(), "1.0.0");
        assertEq(attesterSets.version(), "1.0.0");
    }

    /// @dev EIP-170, without viaIR.
    function test_every_contract_fits() external view {
        address[8] memory deployed = [
            _implementation(address(registry)),
            _implementation(address(usd)),
            address(escrow),
            address(settlement),
            settlement.netting(),
            address(attesterSets),
            address(units),
            address(titles)
        ];
        for (uint256 i; i < deployed.length; ++i) {
            assertGt(deployed[i].code.length, 0, vm.toString(i));
            assertLt(deployed[i].code.length, 24_576, vm.toString(i));
        }
    }

    function _implementation(address proxy) private view returns (address) {
        return address(uint160(uint256(vm.load(proxy, IMPLEMENTATION_SLOT))));
    }

    /// @dev One transaction moves money of both currencies, units and titles; the thief is left with nothing.
    function test_a_lost_wallet_is_recovered_everywhere_at_once() external {
        Party memory buyer = _client("buyer", usd, 500);
        Party memory thief = _client("thief");
        _deposit(eur, buyer.wallet, 300);
        _issueUnits(buyer.wallet, 20);
        _issueTitle(buyer.wallet, 7);
        _freezeAmount(usd, buyer.wallet, 100);
        Vm.Wallet memory second = _link(buyer, "second");
        _suspendWallet(buyer.wallet);
        _recover(buyer.wallet, second.addr);

        assertEq(usd.balanceOf(buyer.wallet) + eur.balanceOf(buyer.wallet) + units.balanceOf(buyer.wallet), 0);
        assertEq(usd.balanceOf(second.addr), 500);
        assertEq(usd.available(second.addr), 400, "the freeze came along");
        assertEq(eur.available(second.addr), 300);
        assertEq(units.balanceOf(second.addr), 20);
        assertEq(titles.ownerOf(7), second.addr);
        assertEq(
            uint8(usd.check(Path.TRANSFER, buyer.wallet, buyer.wallet, thief.wallet, 0)),
            uint8(Reason.PAYER_WALLET_LOST),
            "the lost key signs for nothing"
        );
        vm.prank(second.addr);
        assertTrue(usd.transfer(thief.wallet, 400), "the successor pays within the same limit");
    }
}
