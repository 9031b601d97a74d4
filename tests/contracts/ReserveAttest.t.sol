// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IReserve, ReserveAttestation, ReserveLine} from "../../contracts/interfaces/IReserve.sol";
import {ReserveBase} from "./base/ReserveBase.sol";
import {Vm} from "./base/Vm.sol";
import {ContractWallet} from "./mocks/token/ContractWallet.sol";

/// @notice What the auditors sign, who may have signed it, and what is taken from nobody.
contract ReserveAttest is ReserveBase {
    uint256 private constant ORDER_OF_CURVE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function _lines() private pure returns (ReserveLine[] memory lines) {
        lines = new ReserveLine[](3);
        lines[0] = ReserveLine("CENTRAL_BANK", "BANKUS33", 700);
        lines[1] = ReserveLine("TREASURY_BILL", "BANKUS33", 200);
        lines[2] = ReserveLine("TREASURY_BILL", "BANKUS44", 100);
    }

    // ---- what it says afterwards ----

    function test_an_attestation_tells_what_backs_the_currency() public {
        ReserveAttestation memory a = _statement("USD", 0);
        (a.lines, a.asOf, a.validUntil) = (_lines(), a.asOf - 100, a.asOf + 30 days);
        bytes[] memory signatures = _signed(a, 0, 2);
        vm.expectEmit(true, true, true, true, address(reserve));
        emit IReserve.ReserveAttested(
            "USD", a.sequence, 1000, a.asOf, a.validUntil, a.documentHash, (1 << 1) | (1 << 3), a.lines
        );
        reserve.attestReserve(a, signatures);
        vm.warp(block.timestamp + 50);

        IReserve.Backing memory b = reserve.backing("USD");
        assertEq(uint256(b.freshness), uint256(IReserve.Freshness.FRESH));
        assertEq(b.attested, 1000);
        assertEq(b.supply, MONEY);
        assertEq(b.surplus, int256(1000) - int256(MONEY), "short");
        assertEq(b.age, 150);
        assertEq(b.asOf, a.asOf);
        assertEq(b.validUntil, a.validUntil);
        assertEq(b.nextDue, a.asOf + CYCLE);
        assertEq(b.sequence, a.sequence);
        assertEq(b.documentHash, a.documentHash);
        assertEq(b.classes.length, 2);
        assertEq(b.classes[0].assetClass, "CENTRAL_BANK");
        assertEq(b.classes[0].amount, 700);
        assertEq(b.classes[1].assetClass, "TREASURY_BILL");
        assertEq(b.classes[1].amount, 300);
        ReserveLine[] memory lines = reserve.linesOf("USD");
        assertEq(lines.length, 3);
        assertEq(lines[2].custodian, "BANKUS44");
        assertEq(lines[2].amount, 100);
    }

    function test_the_next_one_takes_the_place_of_all_of_it() public {
        ReserveAttestation memory a = _statement("USD", 0);
        a.lines = _lines();
        _attest(a);
        _attest(_statement("USD", 5));
        assertEq(reserve.linesOf("USD").length, 1);
        assertEq(reserve.backing("USD").classes.length, 1);
        assertEq(reserve.backing("USD").attested, 5);
        assertEq(reserve.backing("EUR").attested, type(uint88).max, "another currency");
    }

    function test_anybody_submits_and_the_digest_is_the_one_signed() public {
        ReserveAttestation memory a = _statement("USD", 7);
        bytes[] memory signatures = _signed(a, 0, 1);
        vm.prank(address(0xBEEF));
        reserve.attestReserve(a, signatures);
        assertEq(reserve.backing("USD").attested, 7);
        bytes32 digest = reserve.attestationDigest(a);
        bytes memory own = _sign(three[0].privateKey, digest);
        assertEq(abi.encodePacked(three[0].addr, own), signatures[0]);
    }

    function test_nothing_left_is_an_answer_too() public {
        _attest(0);
        _expectFresh(true);
        assertEq(reserve.backing("USD").surplus, -int256(MONEY), "short of everything");
    }

    // ---- M of N ----

    function _refuses(ReserveAttestation memory a, bytes[] memory signatures, bytes memory expected) private {
        vm.expectRevert(expected);
        reserve.attestReserve(a, signatures);
    }

    function test_too_few_signatures_are_refused() public {
        ReserveAttestation memory a = _statement("USD", 7);
        bytes[] memory one = new bytes[](1);
        one[0] = _signReserve(three[0], a);
        _refuses(a, one, abi.encodeWithSelector(IReserve.NotEnoughAttestations.selector, 1, 2));
        _refuses(a, new bytes[](0), abi.encodeWithSelector(IReserve.NotEnoughAttestations.selector, 0, 2));
    }

    function test_all_three_may_sign() public {
        ReserveAttestation memory a = _statement("USD", 7);
        bytes[] memory all = new bytes[](3);
        for (uint256 i = 0; i < 3; i++) {
            all[i] = _signReserve(three[i], a);
        }
        reserve.attestReserve(a, all);
        assertEq(reserve.backing("USD").attested, 7);
    }

    function test_the_same_key_counts_once_and_order_is_asked_for() public {
        ReserveAttestation memory a = _statement("USD", 7);
        address first = three[0].addr;
        _refuses(a, _signed(a, 0, 0), abi.encodeWithSelector(IReserve.SignersNotAscending.selector, first, first));
        _refuses(
            a, _signed(a, 1, 0), abi.encodeWithSelector(IReserve.SignersNotAscending.selector, three[1].addr, first)
        );
    }

    function test_a_stranger_and_a_removed_auditor_do_not_count_even_beyond_the_threshold() public {
        ReserveAttestation memory a = _statement("USD", 7);
        Vm.Wallet memory stranger = _key("stranger");
        bytes[] memory signatures = new bytes[](1);
        _govern(address(reserve), abi.encodeCall(reserve.setThreshold, (1)));
        a = _statement("USD", 7);
        signatures[0] = _signReserve(stranger, a);
        _refuses(a, signatures, abi.encodeWithSelector(IReserve.NotAnAuditor.selector, stranger.addr));
        signatures[0] = _signReserve(auditor, a);
        _refuses(a, signatures, abi.encodeWithSelector(IReserve.NotAnAuditor.selector, auditor.addr));
        bytes[] memory two = new bytes[](2);
        bool above = stranger.addr > three[0].addr;
        (two[above ? 0 : 1], two[above ? 1 : 0]) = (_signReserve(three[0], a), _signReserve(stranger, a));
        _refuses(a, two, abi.encodeWithSelector(IReserve.NotAnAuditor.selector, stranger.addr));
    }

    function test_zero_as_a_signer_is_never_an_auditor() public {
        ReserveAttestation memory a = _statement("USD", 7);
        bytes[] memory signatures = _signed(a, 0, 1);
        signatures[0] = abi.encodePacked(address(0), new bytes(65));
        _refuses(a, signatures, abi.encodeWithSelector(IReserve.SignersNotAscending.selector, address(0), address(0)));
    }

    function test_malleable_truncated_and_foreign_signatures_are_refused() public {
        ReserveAttestation memory a = _statement("USD", 7);
        bytes[] memory signatures = _signed(a, 0, 1);
        bytes memory good = signatures[1];
        bytes memory expected = abi.encodeWithSelector(IReserve.InvalidAuditorSignature.selector, three[1].addr);

        (uint8 v, bytes32 r, bytes32 s) = vm.sign(three[1].privateKey, reserve.attestationDigest(a));
        bytes32 high = bytes32(ORDER_OF_CURVE - uint256(s));
        signatures[1] = abi.encodePacked(three[1].addr, r, high, v == 27 ? uint8(28) : uint8(27));
        _refuses(a, signatures, expected);
        signatures[1] = abi.encodePacked(three[1].addr, r, s);
        _refuses(a, signatures, expected);
        signatures[1] = abi.encodePacked(three[1].addr);
        _refuses(a, signatures, expected);
        signatures[1] = abi.encodePacked(good, uint8(0));
        _refuses(a, signatures, expected);
        signatures[1] = abi.encodePacked(three[1].addr, _tail65(_signReserve(three[2], a)));
        _refuses(a, signatures, expected);
        signatures[1] = "short";
        _refuses(a, signatures, abi.encodeWithSelector(IReserve.InvalidAuditor.selector, address(0)));
        signatures[1] = good;
        reserve.attestReserve(a, signatures);
    }

    function _tail65(bytes memory data) private pure returns (bytes memory tail) {
        tail = new bytes(65);
        for (uint256 i = 0; i < 65; i++) {
            tail[i] = data[i + 20];
        }
    }

    function test_every_member_is_signed() public {
        ReserveAttestation memory a = _statement("USD", 7);
        a.validUntil = a.asOf + 30 days;
        bytes[] memory signatures = _signed(a, 0, 1);
        for (uint256 i = 0; i < 8; i++) {
            ReserveAttestation memory b = abi.decode(abi.encode(a), (ReserveAttestation));
            if (i == 0) b.currency = "EUR";
            if (i == 1) b.lines[0].amount = 8;
            if (i == 2) b.lines[0].custodian = "BANKUS34";
            if (i == 3) b.lines[0].assetClass = "CASH";
            if (i == 4) b.asOf -= 1;
            if (i == 5) b.validUntil -= 1;
            if (i == 6) b.documentHash = "another";
            if (i == 7) b.deadline += 1;
            _refusedAs(b, signatures, i == 4 ? "as of" : "signature");
        }
        ReserveAttestation memory c = abi.decode(abi.encode(a), (ReserveAttestation));
        c.sequence += 1;
        _refusedAs(c, signatures, "signature");
        ReserveLine memory line = c.lines[0];
        (c.sequence, c.lines) = (a.sequence, new ReserveLine[](2));
        (c.lines[0], c.lines[1]) = (line, ReserveLine("TREASURY_BILL", "BANKUS33", 1));
        _refusedAs(c, signatures, "signature");
    }

    /// @dev One second earlier is still later than what stands.
    function _refusedAs(ReserveAttestation memory b, bytes[] memory signatures, string memory what) private {
        (bool done, bytes memory result) = address(reserve).call(abi.encodeCall(reserve.attestReserve, (b, signatures)));
        assertFalse(done, what);
        assertEq(bytes32(bytes4(result)), bytes32(IReserve.InvalidAuditorSignature.selector), what);
    }

    function test_a_signature_for_another_contract_or_chain_does_not_count() public {
        ReserveAttestation memory a = _statement("USD", 7);
        bytes[] memory signatures = _signed(a, 0, 1);
        vm.chainId(block.chainid + 1);
        _refuses(a, signatures, abi.encodeWithSelector(IReserve.InvalidAuditorSignature.selector, three[0].addr));
    }

    function test_a_contract_may_be_an_auditor() public {
        Vm.Wallet memory owner = _key("owner of a contract");
        ContractWallet contractAuditor = new ContractWallet(owner.addr);
        _govern(address(reserve), abi.encodeCall(reserve.addAuditor, (address(contractAuditor))));
        _govern(address(reserve), abi.encodeCall(reserve.setThreshold, (1)));
        ReserveAttestation memory a = _statement("USD", 7);
        bytes[] memory signatures = new bytes[](1);
        bytes memory byOwner = _sign(owner.privateKey, reserve.attestationDigest(a));
        signatures[0] = abi.encodePacked(address(contractAuditor), byOwner);
        reserve.attestReserve(a, signatures);
        assertEq(reserve.backing("USD").attested, 7);
    }

    // ---- times ----

    function test_the_last_second_to_submit() public {
        ReserveAttestation memory a = _statement("USD", 7);
        vm.warp(a.deadline);
        _attest(a);
        a = _statement("USD", 8);
        vm.warp(uint256(a.deadline) + 1);
        _refusesToAttest(
            a, abi.encodeWithSelector(IReserve.ReserveAttestationExpired.selector, a.deadline, block.timestamp)
        );
    }

    function _invalid(string memory field) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IReserve.InvalidReserveAttestation.selector, field);
    }

    function test_times_that_make_no_sense_are_refused() public {
        ReserveAttestation memory a = _statement("USD", 7);
        uint40 now_ = uint40(block.timestamp);
        a.asOf = now_ + 1;
        _refusesToAttest(a, _invalid("asOf"));
        a.asOf = 0;
        _refusesToAttest(a, _invalid("asOf"));
        a.asOf = now_;
        a.validUntil = now_ - 1;
        _refusesToAttest(a, _invalid("validUntil"));
        a.validUntil = now_ + 1096 days + 1;
        _refusesToAttest(a, _invalid("validUntil"));
        a.validUntil = type(uint40).max;
        _refusesToAttest(a, _invalid("validUntil"));
        a.validUntil = now_ + 1096 days;
        _attest(a);
        a = _statement("USD", 7);
        a.validUntil = now_;
        _attest(a);
    }

    function test_only_a_higher_sequence_and_no_earlier_date_takes_its_place() public {
        _attest(7);
        vm.warp(block.timestamp + 10);
        ReserveAttestation memory a = _statement("USD", 8);
        a.validUntil = a.asOf + 30 days;
        uint64 present = a.sequence - 1;
        uint40 presentAsOf = a.asOf - 10;

        a.asOf = presentAsOf - 1;
        _refusesToAttest(a, _superseded(a, present, presentAsOf));
        (a.asOf, a.sequence) = (presentAsOf + 10, present);
        _refusesToAttest(a, _superseded(a, present, presentAsOf));
        a.sequence = present - 1;
        _refusesToAttest(a, _superseded(a, present, presentAsOf));
        (a.asOf, a.sequence) = (presentAsOf, type(uint64).max); // a correction of the same date
        _attest(a);
        assertEq(reserve.backing("USD").attested, 8);
        bytes[] memory again = _signed(a, 0, 1);
        _refuses(a, again, _superseded(a, type(uint64).max, presentAsOf));
    }

    function _superseded(ReserveAttestation memory a, uint64 present, uint40 presentAsOf)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(
            IReserve.ReserveAttestationSuperseded.selector, a.sequence, present, a.asOf, presentAsOf
        );
    }

    // ---- what is attested ----

    function test_a_report_and_a_known_currency_are_asked_for() public {
        ReserveAttestation memory a = _statement("USD", 7);
        a.documentHash = 0;
        _refusesToAttest(a, _invalid("documentHash"));
        a = _statement("USD", 7);
        a.currency = "JPY";
        _refusesToAttest(a, abi.encodeWithSelector(IReserve.UnknownReserveCurrency.selector, bytes3("JPY")));
        a.currency = 0;
        _refusesToAttest(a, abi.encodeWithSelector(IReserve.UnknownReserveCurrency.selector, bytes3(0)));
    }

    function test_lines_are_named_and_stand_once() public {
        ReserveAttestation memory a = _statement("USD", 7);
        a.lines[0].assetClass = 0;
        _refusesToAttest(a, _invalid("assetClass"));
        a.lines[0] = ReserveLine("CENTRAL_BANK", 0, 7);
        _refusesToAttest(a, _invalid("custodian"));
        a.lines = _lines();
        a.lines[2].custodian = "BANKUS33";
        _refusesToAttest(a, abi.encodeWithSelector(IReserve.ReserveLinesNotAscending.selector, 2));
        a.lines = _lines();
        (a.lines[0], a.lines[1]) = (a.lines[1], a.lines[0]);
        _refusesToAttest(a, abi.encodeWithSelector(IReserve.ReserveLinesNotAscending.selector, 1));
        a.lines = new ReserveLine[](0);
        _refusesToAttest(a, abi.encodeWithSelector(IReserve.ReserveLinesOutOfRange.selector, 0, 32));
    }

    function _many(uint256 n) private pure returns (ReserveLine[] memory lines) {
        lines = new ReserveLine[](n);
        for (uint256 i = 0; i < n; i++) {
            lines[i] = ReserveLine("CASH", bytes32(i + 1), 1);
        }
    }

    function test_at_most_thirty_two_lines() public {
        ReserveAttestation memory a = _statement("USD", 7);
        a.lines = _many(33);
        _refusesToAttest(a, abi.encodeWithSelector(IReserve.ReserveLinesOutOfRange.selector, 33, 32));
        a.lines = _many(32);
        _attest(a);
        assertEq(reserve.backing("USD").attested, 32);
    }

    function test_amounts_that_do_not_fit_are_refused() public {
        ReserveAttestation memory a = _statement("USD", type(uint256).max);
        _refusesToAttest(a, abi.encodeWithSelector(IReserve.AmountTooLarge.selector, type(uint256).max));
        a.lines[0].amount = uint256(type(uint88).max) + 1;
        _refusesToAttest(a, abi.encodeWithSelector(IReserve.AmountTooLarge.selector, a.lines[0].amount));
        a.lines = _many(2);
        (a.lines[0].amount, a.lines[1].amount) = (type(uint88).max, 1);
        _refusesToAttest(a, abi.encodeWithSelector(IReserve.AmountTooLarge.selector, 1));
        a.lines[1].amount = 0;
        _attest(a);
        assertEq(reserve.backing("USD").attested, type(uint88).max);
    }

    function testFuzz_classes_sum_to_what_is_attested(uint88[4] memory amounts, bool[4] memory otherClass) public {
        ReserveAttestation memory a = _statement("USD", 0);
        a.lines = _many(4);
        uint256 sum;
        uint256 class_ = 1;
        for (uint256 i = 0; i < 4; i++) {
            if (otherClass[i]) class_++;
            a.lines[i].assetClass = bytes32(class_);
            a.lines[i].amount = amounts[i] / 4;
            sum += amounts[i] / 4;
        }
        _attest(a);
        IReserve.Backing memory b = reserve.backing("USD");
        uint256 ofClasses;
        for (uint256 i = 0; i < b.classes.length; i++) {
            ofClasses += b.classes[i].amount;
            assertTrue(i == 0 || b.classes[i - 1].assetClass < b.classes[i].assetClass);
        }
        assertEq(b.attested, sum);
        assertEq(ofClasses, sum);
    }
}
