// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20Errors, IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {TitleDocument} from "../../contracts/assets/TitleDocument.sol";
import {UnitToken} from "../../contracts/assets/UnitToken.sol";
import {IRecoverable} from "../../contracts/interfaces/IRecoverable.sol";
import {ITitleDocument} from "../../contracts/interfaces/ITitleDocument.sol";
import {IUnitToken} from "../../contracts/interfaces/IUnitToken.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {Vm} from "./base/Vm.sol";

contract UnitTokenTest is RegistryBase {
    UnitToken internal units;
    address internal alice = address(0xA11CE);
    address internal bob = address(0xB0B);

    function setUp() public override {
        super.setUp();
        units = new UnitToken(address(registry), address(governance), "Copper warrants", "CU");
        _wire("UnitToken", address(units));
        _registerAsset(address(units), false);
    }

    function _issue(address to, uint256 amount) private {
        vm.prank(registrar);
        units.issue(to, amount);
    }

    function test_names_itself_and_counts_whole_units() external view {
        assertEq(units.name(), "Copper warrants");
        assertEq(units.symbol(), "CU");
        assertEq(units.decimals(), 0);
        assertEq(units.version(), "1.0.0");
        assertEq(units.registry(), address(registry));
    }

    function test_only_the_registrar_issues_and_retires() external {
        vm.expectEmit(address(units));
        emit IUnitToken.UnitsIssued(alice, 5);
        _issue(alice, 5);
        assertEq(units.balanceOf(alice), 5);
        assertEq(units.totalSupply(), 5);
        bytes memory unauthorized = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice);
        vm.startPrank(alice);
        vm.expectRevert(unauthorized);
        units.issue(alice, 1);
        vm.expectRevert(unauthorized);
        units.retire(alice, 1);
    }

    function test_retire_takes_own_units_or_an_allowance() external {
        _issue(alice, 5);
        _issue(registrar, 3);
        vm.prank(registrar);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, registrar, 0, 2));
        units.retire(alice, 2);
        vm.prank(alice);
        units.approve(registrar, 2);
        vm.expectEmit(address(units));
        emit IUnitToken.UnitsRetired(alice, 2);
        vm.prank(registrar);
        units.retire(alice, 2);
        vm.prank(registrar);
        units.retire(registrar, 3);
        assertEq(units.balanceOf(alice), 3);
        assertEq(units.totalSupply(), 3);
    }

    function test_permit_binds_chain_and_contract() external {
        Vm.Wallet memory holder = _key("holder");
        _issue(holder.addr, 5);
        bytes32 typehash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 structHash = keccak256(abi.encode(typehash, holder.addr, bob, 5, 0, block.timestamp));
        bytes32 digest = _digest(_domain("Copper warrants", address(units)), structHash);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(holder.privateKey, digest);
        units.permit(holder.addr, bob, 5, block.timestamp, v, r, s);
        vm.prank(bob);
        assertTrue(units.transferFrom(holder.addr, bob, 5));
        assertEq(units.balanceOf(bob), 5);
    }

    function test_recovery_moves_all_units_and_only_the_registry_may() external {
        Party memory buyer = _onboard("buyer");
        Vm.Wallet memory second = _link(buyer, "second");
        _issue(buyer.wallet, 7);
        vm.expectRevert(abi.encodeWithSelector(IRecoverable.OnlyRegistry.selector, address(this)));
        units.recover(buyer.wallet, second.addr, ORDER);
        bytes memory call = abi.encodeCall(registry.recoverWallet, (buyer.wallet, second.addr, ORDER));
        _schedule(resolution, address(registry), call);
        vm.warp(block.timestamp + DELAY);
        vm.expectEmit(address(units));
        emit IUnitToken.UnitsRecovered(buyer.wallet, second.addr, 7, ORDER);
        _executeDelayed(resolution, address(registry), call);
        assertEq(units.balanceOf(buyer.wallet), 0);
        assertEq(units.balanceOf(second.addr), 7);
    }

    function test_recovery_of_a_wallet_without_units_says_nothing() external {
        Party memory buyer = _onboard("buyer");
        Vm.Wallet memory second = _link(buyer, "second");
        vm.recordLogs();
        vm.prank(address(registry));
        units.recover(buyer.wallet, second.addr, ORDER);
        assertEq(vm.getRecordedLogs().length, 0);
    }
}

contract TitleDocumentTest is RegistryBase {
    TitleDocument internal titles;
    address internal alice = address(0xA11CE);
    address internal bob = address(0xB0B);
    bytes32 internal constant DOCUMENT = keccak256("bill of lading 7");

    function setUp() public override {
        super.setUp();
        titles = new TitleDocument(address(registry), address(governance), "Bills of lading", "BL");
        _wire("TitleDocument", address(titles));
        _registerAsset(address(titles), false);
    }

    function _issue(address to, uint256 id) private {
        vm.prank(registrar);
        titles.issue(to, id, DOCUMENT);
    }

    function _issueMany(address to, uint256 first, uint256 count) private {
        for (uint256 i; i < count; ++i) {
            _issue(to, first + i);
        }
    }

    function test_issue_binds_the_document_for_ever() external {
        vm.expectEmit(address(titles));
        emit ITitleDocument.TitleIssued(alice, 7, DOCUMENT);
        _issue(alice, 7);
        assertEq(titles.ownerOf(7), alice);
        assertEq(titles.documentHash(7), DOCUMENT);
        assertEq(titles.titlesOf(alice)[0], 7);
        assertEq(titles.version(), "1.0.0");
        assertEq(titles.registry(), address(registry));
        vm.startPrank(registrar);
        vm.expectRevert(abi.encodeWithSelector(ITitleDocument.AlreadyIssued.selector, 7));
        titles.issue(bob, 7, DOCUMENT);
        vm.expectRevert(ITitleDocument.DocumentHashMissing.selector);
        titles.issue(bob, 8, 0);
    }

    function test_only_the_registrar_issues_and_retires() external {
        _issue(alice, 7);
        bytes memory unauthorized = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice);
        vm.startPrank(alice);
        vm.expectRevert(unauthorized);
        titles.issue(alice, 8, DOCUMENT);
        vm.expectRevert(unauthorized);
        titles.retire(7);
    }

    function test_retire_needs_the_holders_approval_and_ends_the_id() external {
        _issue(alice, 7);
        vm.prank(registrar);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, registrar, 7));
        titles.retire(7);
        vm.prank(alice);
        titles.approve(registrar, 7);
        vm.expectEmit(address(titles));
        emit ITitleDocument.TitleRetired(alice, 7);
        vm.prank(registrar);
        titles.retire(7);
        assertEq(titles.titlesOf(alice).length, 0);
        assertEq(titles.documentHash(7), DOCUMENT, "the hash stays");
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 7));
        titles.ownerOf(7);
        vm.expectRevert(abi.encodeWithSelector(ITitleDocument.AlreadyIssued.selector, 7));
        _issue(alice, 7);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 8));
        vm.prank(registrar);
        titles.retire(8);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_lists_follow_ownership(uint256 seed) external {
        address[3] memory holders = [alice, bob, address(0xCA401)];
        _issueMany(alice, 1, 6);
        for (uint256 i; i < 24; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 id = 1 + seed % 6;
            address from = titles.ownerOf(id);
            vm.prank(from);
            titles.transferFrom(from, holders[(seed >> 8) % 3], id);
        }
        uint256 listed;
        for (uint256 h; h < 3; ++h) {
            uint256[] memory ids = titles.titlesOf(holders[h]);
            assertEq(ids.length, titles.balanceOf(holders[h]));
            listed += ids.length;
            for (uint256 i; i < ids.length; ++i) {
                assertEq(titles.ownerOf(ids[i]), holders[h]);
            }
        }
        assertEq(listed, 6);
    }

    function test_a_title_sent_to_its_holder_stays_listed_once() external {
        _issue(alice, 7);
        vm.prank(alice);
        titles.transferFrom(alice, alice, 7);
        assertEq(titles.titlesOf(alice).length, 1);
        assertEq(titles.ownerOf(7), alice);
    }

    function test_recovery_moves_every_title_and_voids_approvals() external {
        Party memory buyer = _onboard("buyer");
        Vm.Wallet memory second = _link(buyer, "second");
        _issueMany(buyer.wallet, 1, 5);
        _issue(second.addr, 6);
        vm.prank(buyer.wallet);
        titles.approve(bob, 3);
        vm.expectRevert(abi.encodeWithSelector(IRecoverable.OnlyRegistry.selector, address(this)));
        titles.recover(buyer.wallet, second.addr, ORDER);
        bytes memory call = abi.encodeCall(registry.recoverWallet, (buyer.wallet, second.addr, ORDER));
        _schedule(resolution, address(registry), call);
        vm.warp(block.timestamp + DELAY);
        vm.expectEmit(address(titles));
        emit ITitleDocument.TitlesRecovered(buyer.wallet, second.addr, 5, ORDER);
        _executeDelayed(resolution, address(registry), call);
        assertEq(titles.balanceOf(buyer.wallet), 0);
        assertEq(titles.titlesOf(buyer.wallet).length, 0);
        assertEq(titles.titlesOf(second.addr).length, 6);
        for (uint256 id = 1; id <= 6; ++id) {
            assertEq(titles.ownerOf(id), second.addr);
        }
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, bob, 3));
        vm.prank(bob);
        titles.transferFrom(second.addr, bob, 3);
    }

    /// @dev Filling a wallet must not make it unrecoverable: the bound holds for arrivals, not for the recovery.
    function test_a_full_wallet_takes_no_more_and_is_recovered_within_a_block() external {
        Party memory buyer = _onboard("buyer");
        Vm.Wallet memory second = _link(buyer, "second");
        uint256 most = titles.MOST();
        _issueMany(buyer.wallet, 1, most);
        _issue(second.addr, 1000);
        vm.prank(second.addr);
        vm.expectRevert(abi.encodeWithSelector(ITitleDocument.TooManyTitles.selector, buyer.wallet, most));
        titles.transferFrom(second.addr, buyer.wallet, 1000);
        bytes memory call = abi.encodeCall(registry.recoverWallet, (buyer.wallet, second.addr, ORDER));
        _schedule(resolution, address(registry), call);
        vm.warp(block.timestamp + DELAY);
        uint256 before = gasleft();
        _executeDelayed(resolution, address(registry), call);
        assertLt(before - gasleft(), 15_000_000);
        assertEq(titles.balanceOf(second.addr), most + 1);
    }
}
