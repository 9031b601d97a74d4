// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {OrderAmendments} from "../../contracts/OrderAmendments.sol";
import {OrderEscrow} from "../../contracts/OrderEscrow.sol";
import {IAttesterSets} from "../../contracts/interfaces/IAttesterSets.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {OrderId} from "../../contracts/libraries/Ids.sol";
import {Attestation, Milestone, Mode, OrderTerms, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice – → Open: who may open which terms, with whose signatures.
contract EscrowOpenTest is OrderBase {
    function _refuseTerms(Terms memory t, string memory field) private {
        bytes memory buyerSignature = _signTerms(t, buyer);
        bytes memory sellerSignature = _signTerms(t, seller);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.InvalidTerms.selector, field));
        escrow.open(t, buyerSignature, sellerSignature);
    }

    function _refuse(Terms memory t, bytes memory buyerSignature, bytes memory sellerSignature, uint32 of_) private {
        bytes32 id = OrderId.unwrap(escrow.orderId(t));
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.InvalidPartySignature.selector, id, of_));
        escrow.open(t, buyerSignature, sellerSignature);
    }

    // ---- the signed structures, worked out here from their type strings ----

    function test_order_id_is_the_eip712_struct_hash() external {
        Milestone[] memory list = new Milestone[](3);
        for (uint256 i; i < 3; ++i) {
            list[i] = _milestone(i == 1 ? Mode.ON_ATTEST : Mode.PREFUND);
            list[i].amount += uint88(i);
            list[i].partialDelivery = i == 2;
        }
        Terms memory t = _terms(list);
        bytes32[] memory hashes = new bytes32[](3);
        for (uint256 i; i < 3; ++i) {
            hashes[i] = keccak256(abi.encode(OrderTerms.MILESTONE_TYPEHASH, list[i]));
        }
        bytes memory head = abi.encode(
            OrderTerms.TERMS_TYPEHASH, t.buyer, t.seller, t.token, t.orderReference, t.documentRoot, t.arbiter
        );
        bytes memory tail = abi.encode(
            t.attesterSet,
            t.floorEpoch,
            t.threshold,
            t.fallbackSplit,
            t.submitGrace,
            t.negativeStatuses,
            t.openBy,
            keccak256(abi.encodePacked(hashes))
        );
        bytes32 expected = keccak256(bytes.concat(head, tail));
        assertEq(OrderId.unwrap(escrow.orderId(t)), expected, "id");
        bytes32 domain = _domain("pyjpm OrderEscrow", address(escrow));
        assertEq(escrow.termsDigest(t), _digest(domain, expected), "digest");
    }

    function test_other_signed_structures() external {
        Terms memory t = _opened(_onAttest());
        bytes32 domain = _domain("pyjpm OrderEscrow", address(escrow));
        bytes32 attestation = keccak256(abi.encode(OrderTerms.ATTESTATION_TYPEHASH, _says(t, 7, SHIPPED)));
        assertEq(escrow.attestationDigest(_says(t, 7, SHIPPED)), _digest(domain, attestation), "attestation");
        bytes32 agreement = keccak256(abi.encode(OrderTerms.AGREEMENT_TYPEHASH, _agreement(t, 5)));
        assertEq(escrow.agreementDigest(_agreement(t, 5)), _digest(domain, agreement), "agreement");
        OrderId id = escrow.orderId(t);
        bytes32 cancellation = keccak256(abi.encode(OrderTerms.CANCELLATION_TYPEHASH, id, uint8(1), uint40(9)));
        assertEq(escrow.cancellationDigest(id, 1, 9), _digest(domain, cancellation), "cancellation");
    }

    function test_what_it_was_made_with() external view {
        assertEq(escrow.registry(), address(registry), "registry");
        assertEq(escrow.attesterSets(), address(attesterSets), "attester sets");
        assertEq(escrow.authority(), address(governance), "authority");
        assertEq(escrow.version(), "1.0.0");
        assertEq(attesterSets.version(), "1.0.0");
        assertLe(address(escrow).code.length, 24_576, "EIP-170");
        assertLe(escrow.extension().code.length, 24_576, "EIP-170, the extension");
        assertLe(escrow.amendments().code.length, 24_576, "EIP-170, the amendments");
    }

    function test_it_takes_only_amendments_of_its_own_registry_and_sets() external {
        address foreign = address(new OrderAmendments(address(governance), address(attesterSets)));
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.InvalidTerms.selector, "amendments"));
        new OrderEscrow(address(registry), address(attesterSets), address(governance), foreign);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.InvalidTerms.selector, "attesterSets"));
        new OrderAmendments(address(registry), buyer.wallet); // no contract
        foreign = address(new OrderAmendments(address(registry), address(registry)));
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.InvalidTerms.selector, "amendments"));
        new OrderEscrow(address(registry), address(attesterSets), address(governance), foreign);
    }

    // ---- signatures ----

    function test_anyone_opens_with_both_signatures() external {
        Terms memory t = _prefund();
        vm.expectEmit(address(escrow));
        emit IOrderBook.OrderOpened(escrow.orderId(t), buyer.id, seller.id, t.token, t.orderReference, 1);
        _open(t);
        _assertState(t, IOrderBook.State.Open);
        assertEq(_view(t).since, t0, "since");
        assertEq(_view(t).payer, address(0), "nothing is held");
    }

    /// @dev No encoder makes them. Each member in turn gets the lowest and the highest bit that its type does not have.
    function test_terms_with_bits_beyond_their_types_are_refused() external {
        bytes memory data = abi.encodeCall(escrow.orderId, (_prefund()));
        bytes memory refusal = abi.encodeWithSelector(IOrderBook.InvalidTerms.selector, "encoding");
        uint16[13] memory terms = [uint16(32), 32, 160, 256, 256, 32, 32, 32, 8, 16, 32, 256, 40];
        for (uint256 i; i < terms.length; ++i) {
            _refuseBits(data, 36 + 32 * i, terms[i], refusal);
        }
        uint16[10] memory milestone = [uint16(88), 1, 32, 8, 40, 40, 32, 32, 32, 1];
        for (uint256 i; i < milestone.length; ++i) {
            _refuseBits(data, 36 + 32 * (15 + i), milestone[i], refusal);
        }
    }

    function test_an_attestation_with_bits_beyond_its_types_is_refused() external {
        bytes memory data = abi.encodeCall(escrow.attestationDigest, (_says(_prefund(), 1, SHIPPED)));
        bytes memory refusal = abi.encodeWithSelector(IOrderBook.InvalidAttestation.selector, "encoding");
        uint16[10] memory widths = [uint16(256), 8, 48, 8, 88, 1, 40, 256, 32, 40];
        for (uint256 i; i < widths.length; ++i) {
            _refuseBits(data, 4 + 32 * i, widths[i], refusal);
        }
    }

    function _refuseBits(bytes memory data, uint256 position, uint256 width, bytes memory refusal) private view {
        (bool ok,) = address(escrow).staticcall(data);
        assertTrue(ok, "as it was");
        if (width == 256) return;
        for (uint256 i; i < 2; ++i) {
            uint256 bit = 1 << (i == 0 ? width : 255);
            _flip(data, position, bit);
            bytes memory reason;
            (ok, reason) = address(escrow).staticcall(data);
            assertFalse(ok, "accepted");
            assertEq(keccak256(reason), keccak256(refusal), "its refusal");
            _flip(data, position, bit);
        }
    }

    function _flip(bytes memory data, uint256 position, uint256 bit) private pure {
        assembly ("memory-safe") {
            let place := add(add(data, 32), position)
            mstore(place, xor(mload(place), bit))
        }
    }

    function test_a_party_that_calls_needs_no_signature_of_its_own() external {
        Terms memory t = _prefund();
        bytes memory signature = _signTerms(t, seller);
        vm.prank(buyer.wallet);
        escrow.open(t, "", signature);
        t = _prefund();
        signature = _signTerms(t, buyer);
        vm.prank(seller.wallet);
        escrow.open(t, signature, "");
        _assertState(t, IOrderBook.State.Open);
    }

    function test_a_missing_or_strange_signature() external {
        Terms memory t = _prefund();
        bytes memory buying = _signTerms(t, buyer);
        bytes memory selling = _signTerms(t, seller);
        _refuse(t, "", selling, buyer.id);
        _refuse(t, buying, "", seller.id);
        _refuse(t, buying, buying, seller.id);
        _refuse(t, _signTerms(_prefund(), buyer), selling, buyer.id);
    }

    /// @dev SwapVault: a signature without chain or contract in its digest replays.
    function test_a_signature_for_another_contract_or_chain() external {
        Terms memory t = _prefund();
        bytes memory buying = _signTerms(t, buyer);
        bytes memory selling = _signTerms(t, seller);
        OrderEscrow twin = _newEscrow();
        bytes32 id = OrderId.unwrap(escrow.orderId(t));
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.InvalidPartySignature.selector, id, buyer.id));
        twin.open(t, buying, selling);
        vm.chainId(99);
        _refuse(t, buying, selling, buyer.id);
    }

    function test_only_the_current_wallet_signs() external {
        Vm.Wallet memory second = _link(seller, "second");
        Terms memory t = _prefund();
        bytes memory buying = _signTerms(t, buyer);
        bytes memory selling = _signTerms(t, seller);
        _refuse(t, buying, _sign(second.privateKey, escrow.termsDigest(t)), seller.id);
        _makeCurrent(seller, second.addr);
        _refuse(t, buying, selling, seller.id);
        escrow.open(t, buying, _sign(second.privateKey, escrow.termsDigest(t)));
        _assertState(t, IOrderBook.State.Open);
    }

    function test_the_word_of_a_suspended_or_lost_wallet_is_void() external {
        Terms memory t = _prefund();
        t.openBy += 30 days;
        t.milestones[0].fundBy += 20 days;
        bytes memory buying = _signTerms(t, buyer);
        bytes memory selling = _signTerms(t, seller);
        _suspendWallet(seller.wallet);
        _refuse(t, buying, selling, seller.id);
        Vm.Wallet memory second = _link(seller, "second");
        _recover(seller.wallet, second.addr);
        _refuse(t, buying, selling, seller.id);
        _suspendWallet(buyer.wallet);
        _refuse(t, buying, _sign(second.privateKey, escrow.termsDigest(t)), buyer.id);
    }

    function test_opened_once() external {
        Terms memory t = _opened(_prefund());
        bytes memory buying = _signTerms(t, buyer);
        bytes memory selling = _signTerms(t, seller);
        OrderId id = escrow.orderId(t);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.OrderAlreadyOpen.selector, id));
        escrow.open(t, buying, selling);
    }

    function test_open_by_is_the_last_second() external {
        Terms memory t = _prefund();
        Terms memory late = _prefund();
        vm.warp(t.openBy);
        _open(t);
        vm.warp(t.openBy + 1);
        bytes memory buying = _signTerms(late, buyer);
        bytes memory selling = _signTerms(late, seller);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.OpeningExpired.selector, late.openBy, block.timestamp));
        escrow.open(late, buying, selling);
    }

    // ---- terms ----

    function test_parties() external {
        Terms memory t = _prefund();
        t.seller = buyer.id;
        _refuseTerms(t, "seller");
        t = _prefund();
        t.milestones[0].payer = 0;
        _refuseTerms(t, "payer");
        t.milestones[0].payer = seller.id;
        _refuseTerms(t, "payer");
        t = _prefund();
        t.arbiter = buyer.id;
        _refuseTerms(t, "arbiter");
        t.arbiter = seller.id;
        _refuseTerms(t, "arbiter");
        t.arbiter = t.milestones[0].payer = _client("third").id;
        _refuseTerms(t, "arbiter");
    }

    function test_no_party_administers_the_attesters() external {
        Terms memory t = _prefund();
        address[] memory keys = new address[](1);
        keys[0] = attesters[0].addr;
        Party[3] memory parties = [buyer, seller, _client("third")];
        t.milestones[0].payer = parties[2].id;
        t.threshold = 1;
        for (uint256 i; i < 3; ++i) {
            vm.prank(parties[i].wallet);
            t.attesterSet = attesterSets.createSet(1, keys);
            bytes memory buying = _signTerms(t, buyer);
            bytes memory selling = _signTerms(t, seller);
            vm.expectRevert(
                abi.encodeWithSelector(IOrderBook.AttesterSetOfParty.selector, t.attesterSet, parties[i].id)
            );
            escrow.open(t, buying, selling);
        }
    }

    function test_attesters() external {
        Terms memory t = _prefund();
        t.attesterSet = 9;
        _refuseTerms(t, "attesterSet");
        t = _prefund();
        t.threshold = 0;
        _refuseTerms(t, "threshold");
        t.threshold = 3; // the set may shrink to two
        _refuseTerms(t, "threshold");
        t = _prefund();
        t.floorEpoch = 2;
        _refuseTerms(t, "floorEpoch");
    }

    function test_token_and_numbers() external {
        Terms memory t = _prefund();
        t.token = address(registry);
        _refuseTerms(t, "token");
        t = _prefund();
        t.fallbackSplit = 10_001;
        _refuseTerms(t, "fallbackSplit");
        t = _prefund();
        t.submitGrace = 366 days + 1;
        _refuseTerms(t, "submitGrace");
        t = _prefund();
        t.milestones[0].amount = 0;
        _refuseTerms(t, "amount");
        t = _prefund();
        t.milestones[0].requiredStatus = 0;
        _refuseTerms(t, "requiredStatus");
        t.milestones[0].requiredStatus = DAMAGED;
        _refuseTerms(t, "requiredStatus");
    }

    function test_one_to_sixteen_milestones() external {
        _refuseTerms(_terms(new Milestone[](0)), "milestones");
        Milestone[] memory list = new Milestone[](17);
        for (uint256 i; i < 17; ++i) {
            list[i] = _milestone(Mode.PREFUND);
        }
        _refuseTerms(_terms(list), "milestones");
        assembly {
            mstore(list, 16)
        }
        Terms memory t = _opened(_terms(list));
        OrderId id = escrow.orderId(t);
        assertEq(uint256(escrow.stateOf(id, 15)), uint256(IOrderBook.State.Open), "the sixteenth");
        assertEq(uint256(escrow.stateOf(id, 16)), uint256(IOrderBook.State.None), "no seventeenth");
    }

    function test_dates() external {
        Terms memory t = _prefund();
        t.milestones[0].fundBy = t.milestones[0].attestBy + 1;
        _refuseTerms(t, "fundBy");
        t.milestones[0].fundBy = uint40(t0 - 1);
        _refuseTerms(t, "fundBy");
        t.milestones[0].fundBy = uint40(t0);
        _open(t);
        t = _onAttest();
        t.milestones[0].fundBy = 1;
        _refuseTerms(t, "fundBy");
        t = _onAttest();
        t.milestones[0].attestBy = uint40(t0 + 1096 days + 1);
        _refuseTerms(t, "attestBy");
        t.milestones[0].attestBy = uint40(t0 - GRACE - 1);
        _refuseTerms(t, "attestBy");
        t.milestones[0].attestBy = uint40(t0 - GRACE);
        _open(t);
        t = _onAttest();
        t.milestones[0].attestBy = uint40(t0 + 1096 days);
        _open(t);
        _assertState(t, IOrderBook.State.Open);
    }

    function test_durations() external {
        uint32 most = 366 days;
        Terms memory t = _onAttest();
        t.milestones[0].inspection = most + 1;
        _refuseTerms(t, "inspection");
        t = _onAttest();
        t.milestones[0].payWithin = most + 1;
        _refuseTerms(t, "payWithin");
        t.milestones[0].payWithin = 0;
        _refuseTerms(t, "payWithin");
        t = _onAttest();
        t.milestones[0].rulingWithin = most + 1;
        _refuseTerms(t, "rulingWithin");
        t.milestones[0].rulingWithin = 0;
        _refuseTerms(t, "rulingWithin");
        t = _partial(Mode.PREFUND);
        t.milestones[0].inspection = 1;
        _refuseTerms(t, "partialDelivery");
        t = _prefund();
        t.milestones[0].payWithin = 0; // nothing to pay after acceptance
        t.milestones[0].inspection = t.milestones[0].rulingWithin = most;
        _open(t);
        _assertState(t, IOrderBook.State.Open);
    }

    function test_unknown_order_and_milestone() external {
        Terms memory t = _prefund();
        OrderId id = escrow.orderId(t);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.UnknownOrder.selector, id));
        escrow.release(t, 0);
        _open(t);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.UnknownMilestone.selector, id, 1));
        escrow.release(t, 1);
        t.fallbackSplit += 1; // other terms are another order
        id = escrow.orderId(t);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.UnknownOrder.selector, id));
        escrow.release(t, 0);
    }

    /// @dev The code that runs by DELEGATECALL knows nothing when called directly.
    function test_the_extension_alone_knows_no_order() external {
        Terms memory t = _funded(_prefund());
        OrderId id = escrow.orderId(t);
        address extension = escrow.extension();
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.UnknownOrder.selector, id));
        OrderEscrow(extension).cancelByOrder(t, 0, ORDER);
        vm.prank(seller.wallet);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.UnknownOrder.selector, id));
        OrderEscrow(extension).refund(t, 0);
    }

    function test_a_set_of_its_own_epoch_is_refused_below_the_floor() external {
        Terms memory t = _prefund();
        vm.prank(notaryPublic.wallet);
        attesterSets.removeAttester(setId, attesters[2].addr);
        t.floorEpoch = 2;
        _funded(t);
        Attestation memory a = _says(t, 1, SHIPPED);
        bytes[] memory signatures = _signed(a);
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.EpochNotAccepted.selector, setId, 1, 2, 2));
        escrow.attest(t, a, signatures);
    }
}
