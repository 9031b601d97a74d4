// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Attestation, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {OrderBase} from "./base/OrderBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice Batches skip what has moved on or is refused, and never what ran out of gas.
contract EscrowBatchTest is OrderBase {
    function _accepted(Terms memory t) private returns (Terms memory) {
        _funded(t);
        _attest(t, 1, SHIPPED);
        return t;
    }

    function _list(Terms memory a, Terms memory b, Terms memory c) private pure returns (Terms[] memory list) {
        list = new Terms[](3);
        (list[0], list[1], list[2]) = (a, b, c);
    }

    function test_release_many_skips_what_moved_on() external {
        Terms[] memory list =
            _list(_accepted(_prefundAtOnce()), _accepted(_prefundAtOnce()), _accepted(_prefundAtOnce()));
        escrow.release(list[1], 0);
        bytes memory reason = _wrongState(list[1], IOrderBook.State.Released);
        vm.expectEmit(address(escrow));
        emit IOrderBook.ItemSkipped(escrow.orderId(list[1]), 0, reason);
        escrow.releaseMany(list, new uint256[](3));
        for (uint256 i; i < 3; ++i) {
            _assertState(list[i], IOrderBook.State.Released);
        }
        assertEq(usd.balanceOf(seller.wallet), 3 * AMOUNT, "each once");
    }

    function test_release_many_skips_a_refused_payee() external {
        Party memory first = seller;
        Terms memory a = _accepted(_prefundAtOnce());
        seller = _client("another seller");
        Terms memory b = _accepted(_prefundAtOnce());
        Terms memory c = _accepted(_prefund()); // under inspection
        _freeze(first.id);
        bytes memory reason = abi.encodeWithSelector(
            IDepositToken.Refused.selector, Path.EXECUTE, Reason.PAYEE_FROZEN, first.wallet, 0, 0
        );
        vm.expectEmit(address(escrow));
        emit IOrderBook.ItemSkipped(escrow.orderId(a), 0, reason);
        escrow.releaseMany(_list(a, b, c), new uint256[](3));
        _assertState(a, IOrderBook.State.Accepted);
        _assertState(b, IOrderBook.State.Released);
        _assertState(c, IOrderBook.State.Accepted);
    }

    /// @dev Each item runs with the rights of who calls the batch.
    function test_the_buyer_releases_many_under_inspection() external {
        Terms[] memory list = _list(_accepted(_prefund()), _accepted(_prefund()), _accepted(_prefundAtOnce()));
        vm.prank(buyer.wallet);
        escrow.releaseMany(list, new uint256[](3));
        assertEq(usd.balanceOf(seller.wallet), 3 * AMOUNT, "all");
    }

    function _attestations(Terms[] memory list)
        private
        view
        returns (Attestation[] memory attestations, bytes[][] memory signatures)
    {
        attestations = new Attestation[](list.length);
        signatures = new bytes[][](list.length);
        for (uint256 i; i < list.length; ++i) {
            attestations[i] = _says(list[i], 2, SHIPPED);
            signatures[i] = _signed(attestations[i]);
        }
    }

    function test_attest_many_releases_and_skips() external {
        Terms[] memory list = _list(_funded(_prefundAtOnce()), _opened(_prefund()), _opened(_onAttest()));
        (Attestation[] memory attestations, bytes[][] memory signatures) = _attestations(list);
        bytes memory reason = abi.encodeWithSelector(IOrderBook.NotFunded.selector, escrow.orderId(list[1]), 0);
        vm.expectEmit(address(escrow));
        emit IOrderBook.ItemSkipped(escrow.orderId(list[1]), 0, reason);
        escrow.attestMany(list, attestations, signatures);
        _assertState(list[0], IOrderBook.State.Released);
        _assertState(list[1], IOrderBook.State.Open);
        _assertState(list[2], IOrderBook.State.Due);
    }

    function test_attest_many_leaves_accepted_where_the_payee_is_refused() external {
        Terms[] memory list = _list(_funded(_prefundAtOnce()), _funded(_prefundAtOnce()), _opened(_onAttest()));
        (Attestation[] memory attestations, bytes[][] memory signatures) = _attestations(list);
        _freeze(seller.id);
        escrow.attestMany(list, attestations, signatures);
        _assertState(list[0], IOrderBook.State.Accepted);
        _assertState(list[1], IOrderBook.State.Accepted);
        _assertState(list[2], IOrderBook.State.Due);
    }

    function test_lists_of_other_lengths() external {
        Terms[] memory list = _list(_accepted(_prefundAtOnce()), _accepted(_prefund()), _accepted(_prefund()));
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.WrongBatch.selector, 3, 2));
        escrow.releaseMany(list, new uint256[](2));
        _assertState(list[0], IOrderBook.State.Accepted);
    }

    /// @dev With any gas limit: all of it, or none. A skip for want of gas would leave due money behind.
    function test_out_of_gas_is_never_a_skip() external {
        Terms[] memory list =
            _list(_accepted(_prefundAtOnce()), _accepted(_prefundAtOnce()), _accepted(_prefundAtOnce()));
        bytes memory call = abi.encodeCall(escrow.releaseMany, (list, new uint256[](3)));
        uint256 succeeded;
        for (uint256 gas_ = 50_000; gas_ < 250_000; gas_ += 2000) {
            uint256 id = vm.snapshotState();
            (bool ok,) = address(escrow).call{gas: gas_}(call);
            for (uint256 i; i < 3; ++i) {
                _assertState(list[i], ok ? IOrderBook.State.Released : IOrderBook.State.Accepted);
            }
            if (ok) ++succeeded;
            vm.revertToState(id);
        }
        assertGt(succeeded, 0);
    }

    /// @dev An item may cost so much that what a call leaves behind (a 64th) would pay for the event of a skip.
    function test_out_of_gas_of_a_costly_item_is_never_a_skip() external {
        uint256 n = 60;
        Vm.Wallet[] memory many = new Vm.Wallet[](n);
        address[] memory keys = new address[](n);
        for (uint256 i; i < n; ++i) {
            Vm.Wallet memory w = _key(string.concat("one of many ", vm.toString(i)));
            uint256 j = i;
            for (; j > 0 && many[j - 1].addr > w.addr; --j) {
                (many[j], keys[j]) = (many[j - 1], keys[j - 1]);
            }
            (many[j], keys[j]) = (w, w.addr);
        }
        Terms[] memory list = new Terms[](1);
        list[0] = _prefundAtOnce();
        vm.prank(notaryPublic.wallet);
        list[0].attesterSet = attesterSets.createSet(2, keys);
        _funded(list[0]);
        Attestation[] memory attestations = new Attestation[](1);
        attestations[0] = _says(list[0], 1, SHIPPED);
        bytes[][] memory signatures = new bytes[][](1);
        signatures[0] = new bytes[](n);
        for (uint256 i; i < n; ++i) {
            signatures[0][i] = _signedBy(attestations[0], many[i]);
        }
        bytes memory call = abi.encodeCall(escrow.attestMany, (list, attestations, signatures));
        uint256 succeeded;
        for (uint256 gas_ = 200_000; gas_ < 700_000; gas_ += 5000) {
            uint256 id = vm.snapshotState();
            (bool ok,) = address(escrow).call{gas: gas_}(call);
            _assertState(list[0], ok ? IOrderBook.State.Released : IOrderBook.State.Funded);
            if (ok) ++succeeded;
            vm.revertToState(id);
        }
        assertGt(succeeded, 0);
    }
}
