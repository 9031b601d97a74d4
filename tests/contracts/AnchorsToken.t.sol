// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IReserve} from "../../contracts/interfaces/IReserve.sol";
import {Path, Reason, Standing} from "../../contracts/libraries/Reason.sol";
import {TokenRare} from "../../contracts/libraries/TokenRare.sol";
import {TokenScenario} from "./base/TokenScenario.sol";
import {Vm} from "./base/Vm.sol";
import {TestNotary} from "./mocks/token/TestNotary.sol";

/// @notice What other tokens got wrong, one attack each. docs/adversaries.md has the whole list.
contract AnchorsToken is TokenScenario {
    uint256 private constant AMOUNT = 1000;

    Party private mallory;

    function setUp() public override {
        super.setUp();
        mallory = _party("mallory", 0);
    }

    function _assertUnmoved() private view {
        assertEq(usd.balanceOf(alice.wallet), MONEY, "Alice has hers");
        assertEq(usd.balanceOf(bob.wallet), 0, "Bob has nothing");
        assertEq(usd.balanceOf(mallory.wallet), 0, "Mallory has nothing");
        assertEq(usd.totalSupply(), MONEY, "nothing was made");
    }

    function _permit(uint256 value, uint256 nonce) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 typehash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 structHash =
            keccak256(abi.encode(typehash, alice.wallet, bob.wallet, value, nonce, block.timestamp + 1 days));
        return vm.sign(alice.key, _digest(_domain("US dollar deposit", address(usd)), structHash));
    }

    // ---- T-REX: a frozen, unregistered spender moved money by transferFrom ----

    /// @dev To itself, to an accomplice and back to the owner, as each kind of stopped or unknown caller, before and
    /// after it has moved money here.
    function test_no_stopped_or_unknown_spender_moves_anothers_money() external {
        for (uint256 i = uint256(Standing.UNKNOWN); i <= uint256(Standing.SUSPENDED); ++i) {
            (, address spender) = _standing(Standing(i));
            vm.prank(alice.wallet);
            usd.approve(spender, type(uint256).max);
            address[3] memory payees = [spender, bob.wallet, alice.wallet];
            for (uint256 k; k < 3; ++k) {
                vm.expectPartialRevert(IDepositToken.Refused.selector);
                vm.prank(spender);
                usd.transferFrom(alice.wallet, payees[k], AMOUNT);
            }
        }
        assertEq(usd.balanceOf(alice.wallet), MONEY);
        assertEq(usd.balanceOf(bob.wallet), 0);
    }

    // ---- USDC: a blacklisted relayer submitted what others had signed ----

    /// @dev A permit names its spender and a consent its notary: who is stopped gains nothing by bringing either.
    function test_a_stopped_relayer_turns_no_signature_into_money() external {
        (uint8 v, bytes32 r, bytes32 s) = _permit(AMOUNT, 0);
        _freeze(mallory.id);
        vm.startPrank(mallory.wallet);
        usd.permit(alice.wallet, bob.wallet, AMOUNT, block.timestamp + 1 days, v, r, s);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        usd.transferFrom(alice.wallet, mallory.wallet, AMOUNT);
        vm.stopPrank();
        assertEq(usd.allowance(alice.wallet, mallory.wallet), 0);
        _assertUnmoved();
    }

    function test_a_stopped_notary_turns_no_consent_into_money() external {
        bytes memory signature =
            _signConsent(alice.key, usd, alice.wallet, address(notary), AMOUNT, "ref", 7, block.timestamp);
        vm.prank(pauser);
        usd.stopNotary(address(notary));
        vm.startPrank(address(notary));
        vm.expectRevert(_refused(Path.HOLD, Reason.NOTARY_STOPPED, address(notary), 0, 0));
        usd.hold(alice.wallet, AMOUNT, "ref", 7, block.timestamp, signature);
        vm.expectRevert(_refused(Path.HOLD, Reason.NOTARY_STOPPED, address(notary), 0, 0));
        usd.executeByConsent(alice.wallet, mallory.wallet, AMOUNT, "ref", 7, block.timestamp, signature);
        vm.stopPrank();
        _assertUnmoved();
    }

    // ---- T-REX: whose KYC was revoked could still send ----

    function test_whoever_is_no_longer_good_sends_by_no_way() external {
        for (uint256 i = uint256(Standing.WALLET_SUSPENDED); i <= uint256(Standing.KYC_EXPIRED); ++i) {
            uint256 before = vm.snapshotState();
            (, address sender) = _standing(Standing(i));
            uint256 has = usd.balanceOf(sender);
            _sendsNothing(sender);
            assertEq(usd.balanceOf(sender), has);
            assertEq(usd.balanceOf(bob.wallet), 0);
            vm.revertToState(before);
        }
    }

    function _sendsNothing(address sender) private {
        bytes[] memory calls = new bytes[](5);
        IDepositToken.Payment[] memory batch = new IDepositToken.Payment[](1);
        batch[0] = IDepositToken.Payment(bob.wallet, AMOUNT, "batch", "");
        calls[0] = abi.encodeCall(usd.transfer, (bob.wallet, AMOUNT));
        calls[1] = abi.encodeCall(usd.pay, (bob.wallet, AMOUNT, "single", ""));
        calls[2] = abi.encodeCall(usd.payBatch, (batch));
        calls[3] = abi.encodeCall(usd.holdAndCall, (address(notary), AMOUNT, "hold", ""));
        calls[4] = abi.encodeCall(usd.requestRedemption, (AMOUNT, "redeem", "payout"));
        for (uint256 i; i < calls.length; ++i) {
            vm.prank(sender);
            (bool done, bytes memory answer) = address(usd).call(calls[i]);
            assertFalse(done, "sent");
            assertEq(bytes32(bytes4(answer)), bytes32(IDepositToken.Refused.selector), "typed");
        }
        vm.prank(sender);
        usd.approve(mallory.wallet, AMOUNT);
        vm.expectPartialRevert(IDepositToken.Refused.selector); // nor by a friend in good standing
        vm.prank(mallory.wallet);
        usd.transferFrom(sender, bob.wallet, AMOUNT);
    }

    // ---- T-REX: a transfer of nothing reverted, which breaks ERC-20 ----

    function test_a_transfer_of_nothing_passes_and_moves_nothing() external {
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(alice.wallet, bob.wallet, 0);
        vm.prank(alice.wallet);
        assertTrue(usd.transfer(bob.wallet, 0));
        vm.prank(mallory.wallet);
        assertTrue(usd.transferFrom(alice.wallet, bob.wallet, 0), "an allowance of nothing is enough for nothing");
        _assertUnmoved();
    }

    /// @dev As a probe for who may move money it is no use: who may not, may not move nothing.
    function test_a_transfer_of_nothing_passes_no_stop() external {
        _freeze(mallory.id);
        vm.startPrank(mallory.wallet);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        usd.transfer(bob.wallet, 0);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        usd.transferFrom(alice.wallet, bob.wallet, 0);
        vm.stopPrank();
    }

    // ---- Paxos: 0 meant unlimited ----

    /// @dev Role, ceiling, rate, daily limit and audit cycle: each is missing once, and the others are there.
    function test_zero_is_never_unlimited() external {
        address rogue = address(0x3001);
        vm.prank(rogue);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        usd.mint("no role", mallory.wallet, 1);
        _grant("ISSUER", rogue);
        vm.prank(rogue);
        vm.expectRevert(_refused(Path.MINT, Reason.MINT_CEILING, rogue, 0, 1));
        usd.mint("no ceiling", mallory.wallet, 1);
        _govern(address(usd), abi.encodeCall(usd.setMintCeiling, (rogue, CEILING)));
        vm.prank(rogue);
        vm.expectRevert(_refused(Path.MINT, Reason.MINT_RATE, rogue, 0, 1));
        usd.mint("no rate", mallory.wallet, 1);
        _govern(address(usd), abi.encodeCall(usd.setMintRate, (rogue, RATE, 1 days)));
        _govern(address(reserve), abi.encodeCall(reserve.setCycle, ("USD", 0)));
        vm.prank(rogue);
        vm.expectRevert(_refused(Path.MINT, Reason.RESERVE_STALE, address(reserve), 0, 0));
        usd.mint("no cycle", mallory.wallet, 1);

        _setLimit(usd, alice.id, 0);
        vm.prank(alice.wallet);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.DAILY_LIMIT, alice.wallet, 0, 1));
        usd.transfer(bob.wallet, 1);
        _assertUnmoved();
    }

    // ---- PYUSD: 300 trillion minted by mistake ----

    /// @dev The ceiling, the rate and the reserve stop it each alone; the largest number there is meets them as well.
    function test_three_hundred_trillion_are_not_minted_by_mistake() external {
        uint256 mistake = 30_000_000_000_000_000;
        _govern(address(usd), abi.encodeCall(usd.setMintCeiling, (issuer, mistake / 100)));
        _mintsNothing(mistake, Reason.MINT_CEILING);
        _mintsNothing(type(uint256).max, Reason.MINT_CEILING);
        _govern(address(usd), abi.encodeCall(usd.setMintCeiling, (issuer, type(uint88).max)));
        _govern(address(usd), abi.encodeCall(usd.setMintRate, (issuer, mistake / 100, 1 days)));
        _mintsNothing(mistake, Reason.MINT_RATE);
        _govern(address(usd), abi.encodeCall(usd.setMintRate, (issuer, type(uint88).max, 1 days)));
        _attestReserve("USD", mistake / 100);
        _mintsNothing(mistake, Reason.RESERVE_SHORT);
        _mintsNothing(mistake / 100, Reason.RESERVE_SHORT); // beside what there is
        vm.prank(issuer);
        usd.mint("as attested", bob.wallet, mistake / 100 - MONEY);
        assertEq(usd.totalSupply(), mistake / 100);
    }

    function _mintsNothing(uint256 amount, Reason reason) private {
        assertEq(uint256(_agree(Path.MINT, issuer, address(0), bob.wallet, amount)), uint256(reason));
        _assertUnmoved();
    }

    /// @dev Nor is a deposit made money twice, by the same issuer or another.
    function test_a_deposit_makes_money_once_whoever_asks() external {
        address second = address(0x3001);
        _grant("ISSUER", second);
        _govern(address(usd), abi.encodeCall(usd.setMintCeiling, (second, CEILING)));
        _govern(address(usd), abi.encodeCall(usd.setMintRate, (second, RATE, 1 days)));
        vm.prank(issuer);
        usd.mint("wire 1", bob.wallet, AMOUNT);
        address[2] memory issuers = [issuer, second];
        for (uint256 i; i < 2; ++i) {
            vm.prank(issuers[i]);
            vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyMinted.selector, bytes32("wire 1")));
            usd.mint("wire 1", bob.wallet, AMOUNT);
        }
        assertEq(usd.balanceOf(bob.wallet), AMOUNT);
        assertEq(usd.totalSupply(), MONEY + AMOUNT);
    }

    // ---- OpenZeppelin community, CMTAT: a forced transfer to oneself unfroze ----

    /// @dev Not to the same wallet, nor from a lost wallet to the successor that has its money by now.
    function test_a_seizure_from_oneself_to_oneself_unfreezes_nothing() external {
        _freezeAmount(usd, alice.wallet, MONEY);
        vm.prank(seizer);
        vm.expectRevert(_refused(Path.SEIZE, Reason.SAME_ACCOUNT, alice.wallet, 0, 0));
        usd.seize(alice.wallet, alice.wallet, MONEY, MONEY, ORDER);

        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _recover(alice.wallet, second.addr);
        vm.prank(seizer);
        vm.expectRevert(_refused(Path.SEIZE, Reason.SAME_ACCOUNT, second.addr, 0, 0));
        usd.seize(alice.wallet, second.addr, MONEY, MONEY, ORDER);
        assertEq(usd.frozen(second.addr), MONEY);
        assertEq(usd.available(second.addr), 0, "none of it is free");
        vm.prank(second.addr);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, second.addr, 0, 1));
        usd.transfer(bob.wallet, 1);
        assertEq(usd.balanceOf(second.addr), MONEY);
    }

    /// @dev Nor does the owner's own transfer to itself, a payment to itself, or a hold that comes back.
    function test_money_that_goes_round_stays_frozen() external {
        _freezeAmount(usd, alice.wallet, MONEY - AMOUNT);
        vm.startPrank(alice.wallet);
        usd.transfer(alice.wallet, AMOUNT);
        usd.pay(alice.wallet, AMOUNT, "to myself", "");
        usd.holdAndCall(address(notary), AMOUNT, "ref", "");
        vm.stopPrank();
        vm.startPrank(address(notary));
        usd.execute(alice.wallet, alice.wallet, AMOUNT / 2, "ref");
        usd.release(alice.wallet, AMOUNT / 2, "ref", _today());
        vm.stopPrank();
        assertEq(usd.available(alice.wallet), AMOUNT);
        assertEq(usd.frozen(alice.wallet), MONEY - AMOUNT);
        vm.prank(alice.wallet);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, AMOUNT, AMOUNT + 1));
        usd.transfer(bob.wallet, AMOUNT + 1);
        _assertUnmoved();
    }

    // ---- refund-protocol: each withdrawal was checked, not their sum ----

    /// @dev Any split of a hold into executions, releases and redemptions adds up to the hold and no more.
    function testFuzz_a_hold_pays_out_its_sum_and_no_more(uint256[6] memory parts, uint256 how) external {
        _hold(alice.wallet, AMOUNT);
        uint256 left = AMOUNT;
        for (uint256 i; i < parts.length; ++i) {
            uint256 part = bound(parts[i], 1, AMOUNT);
            bool pays = how >> i & 1 == 1;
            vm.prank(address(notary));
            (bool done,) = address(usd)
                .call(
                    pays
                        ? abi.encodeCall(usd.execute, (alice.wallet, bob.wallet, part, "ref"))
                        : abi.encodeCall(usd.release, (alice.wallet, part, "ref", _today()))
                );
            assertEq(done, part <= left, "as long as there is something held");
            if (done) left -= part;
            assertEq(usd.heldFor(address(notary), alice.wallet), left);
        }
        assertEq(usd.balanceOf(alice.wallet) + usd.balanceOf(bob.wallet), MONEY);
        assertLe(usd.balanceOf(bob.wallet), AMOUNT);
    }

    // ---- SwapVault: signatures without chain or contract ----

    function test_a_signature_for_another_token_or_a_forked_chain_moves_nothing() external {
        _deposit(eur, alice.wallet, MONEY);
        _registerNotary(eur, address(notary));
        bytes memory consent =
            _signConsent(alice.key, usd, alice.wallet, address(notary), AMOUNT, "ref", 7, block.timestamp);
        vm.prank(address(notary));
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet));
        eur.hold(alice.wallet, AMOUNT, "ref", 7, block.timestamp, consent);

        (uint8 v, bytes32 r, bytes32 s) = _permit(AMOUNT, 0);
        vm.expectPartialRevert(TokenRare.ERC2612InvalidSigner.selector);
        eur.permit(alice.wallet, bob.wallet, AMOUNT, block.timestamp + 1 days, v, r, s);

        vm.chainId(block.chainid + 1);
        vm.expectPartialRevert(TokenRare.ERC2612InvalidSigner.selector);
        usd.permit(alice.wallet, bob.wallet, AMOUNT, block.timestamp + 1 days, v, r, s);
        vm.prank(address(notary));
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet));
        usd.hold(alice.wallet, AMOUNT, "ref", 7, block.timestamp, consent);
        assertEq(usd.heldFor(address(notary), alice.wallet) + eur.heldFor(address(notary), alice.wallet), 0);
        assertEq(usd.allowance(alice.wallet, bob.wallet) + eur.allowance(alice.wallet, bob.wallet), 0);
        _assertUnmoved();
    }

    /// @dev Nor one for another notary: the digest names the one that may use it.
    function test_a_consent_to_one_notary_serves_no_other() external {
        TestNotary other = new TestNotary(address(usd));
        _registerNotary(usd, address(other));
        bytes memory consent =
            _signConsent(alice.key, usd, alice.wallet, address(notary), AMOUNT, "ref", 7, block.timestamp);
        vm.prank(address(other));
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet));
        usd.executeByConsent(alice.wallet, mallory.wallet, AMOUNT, "ref", 7, block.timestamp, consent);
        _assertUnmoved();
    }

    // ---- permits: who front-runs one makes the user's call revert ----

    /// @dev No function of ours takes a permit along with something else, so none falls with it. Whoever was first has
    /// done what the owner wanted, and the spender goes on.
    function test_a_front_run_permit_does_the_owners_will_and_the_spender_goes_on() external {
        (uint8 v, bytes32 r, bytes32 s) = _permit(AMOUNT, 0);
        vm.prank(mallory.wallet);
        usd.permit(alice.wallet, bob.wallet, AMOUNT, block.timestamp + 1 days, v, r, s);
        vm.startPrank(bob.wallet);
        vm.expectPartialRevert(TokenRare.ERC2612InvalidSigner.selector);
        usd.permit(alice.wallet, bob.wallet, AMOUNT, block.timestamp + 1 days, v, r, s);
        usd.transferFrom(alice.wallet, bob.wallet, AMOUNT);
        vm.expectPartialRevert(bytes4(keccak256("ERC20InsufficientAllowance(address,uint256,uint256)")));
        usd.transferFrom(alice.wallet, bob.wallet, 1);
        vm.stopPrank();
        assertEq(usd.balanceOf(bob.wallet), AMOUNT, "once");
        assertEq(usd.balanceOf(mallory.wallet), 0);
    }

    // ---- Santander UK: 75,000 payments sent twice by a scheduler ----

    /// @dev The run is sent again: by the same wallet, another one, its successor; at once, in other batches, singly.
    function test_a_payment_run_sent_twice_pays_once() external {
        IDepositToken.Payment[] memory run = _run(300);
        vm.prank(alice.wallet);
        usd.payBatch(run);
        assertEq(usd.balanceOf(bob.wallet), 300);
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _deposit(usd, second.addr, MONEY);
        _paysNothing(alice.wallet, run);
        _paysNothing(second.addr, run);
        _recover(alice.wallet, second.addr);
        _paysNothing(second.addr, run);
        assertEq(usd.balanceOf(bob.wallet), 300, "once");
    }

    function _run(uint256 size) private view returns (IDepositToken.Payment[] memory run) {
        run = new IDepositToken.Payment[](size);
        for (uint256 i; i < size; ++i) {
            run[i] = IDepositToken.Payment(bob.wallet, 1, bytes32(0x1000 + i), "salary");
        }
    }

    function _paysNothing(address payer, IDepositToken.Payment[] memory run) private {
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, run[0].ref));
        usd.payBatch(run);
        for (uint256 i; i < run.length; i += 50) {
            vm.prank(payer);
            vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, run[i].ref));
            usd.pay(bob.wallet, run[i].amount, run[i].ref, "");
        }
        // behind a payment that is new
        IDepositToken.Payment[] memory mixed = new IDepositToken.Payment[](2);
        (mixed[0], mixed[1]) = (IDepositToken.Payment(bob.wallet, 1, "new", ""), run[run.length - 1]);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, mixed[1].ref));
        usd.payBatch(mixed);
        assertEq(uint256(usd.referenceState(payer, "new")), uint256(IDepositToken.ReferenceState.UNSPENT));
    }

    // ---- Ronin: an allowlist grant was never revoked ----

    /// @dev What was granted long ago, to a notary, an operator, an issuer and a spender, ends where it is taken back,
    /// or where its holder is stopped, in the same block.
    function test_no_grant_outlives_its_revocation() external {
        vm.prank(alice.wallet);
        usd.approve(operator, type(uint256).max);
        vm.prank(alice.wallet);
        usd.approve(mallory.wallet, type(uint256).max);
        bytes memory consent =
            _signConsent(alice.key, usd, alice.wallet, address(notary), AMOUNT, "ref", 7, block.timestamp);
        vm.startPrank(admin);
        governance.revokeRole(_roleId("OPERATOR"), operator);
        governance.revokeRole(_roleId("ISSUER"), issuer);
        vm.stopPrank();
        vm.prank(alice.wallet);
        usd.cancelConsent(7);
        _suspend(mallory.id);

        vm.prank(operator);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.CALLER_REFUSED, operator, 0, 0));
        usd.transferFrom(alice.wallet, bob.wallet, AMOUNT);
        vm.prank(issuer);
        vm.expectRevert(_refused(Path.MINT, Reason.NOT_ISSUER, issuer, 0, 0));
        usd.mint("wire", bob.wallet, AMOUNT);
        vm.prank(address(notary));
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, alice.wallet, 7));
        usd.hold(alice.wallet, AMOUNT, "ref", 7, block.timestamp, consent);
        vm.prank(mallory.wallet);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.CALLER_STOPPED, mallory.wallet, 0, 0));
        usd.transferFrom(alice.wallet, mallory.wallet, AMOUNT);
        _assertUnmoved();
    }

    /// @dev A notary has no standing word of anybody: without a consent of its own it reaches nothing, allowance or not.
    function test_a_notary_has_no_standing_grant() external {
        vm.prank(alice.wallet);
        usd.approve(address(notary), type(uint256).max);
        vm.startPrank(address(notary));
        vm.expectRevert(_refused(Path.TRANSFER, Reason.CALLER_REFUSED, address(notary), 0, 0));
        usd.transferFrom(alice.wallet, bob.wallet, AMOUNT);
        vm.expectRevert(_refused(Path.EXECUTE, Reason.INSUFFICIENT_HELD, alice.wallet, 0, AMOUNT));
        usd.execute(alice.wallet, bob.wallet, AMOUNT, "ref");
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet));
        usd.hold(alice.wallet, AMOUNT, "ref", 7, block.timestamp, "");
        vm.stopPrank();
        _assertUnmoved();
    }

    /// @dev An auditor whose key was taken away long ago still stands in the last attestation: it counts no more.
    function test_a_removed_auditors_old_word_backs_no_new_money() external {
        vm.prank(compliance);
        reserve.removeAuditor(auditor.addr);
        assertEq(uint256(reserve.backing("USD").freshness), uint256(IReserve.Freshness.STALE));
        vm.prank(issuer);
        vm.expectRevert(_refused(Path.MINT, Reason.RESERVE_STALE, address(reserve), 0, 0));
        usd.mint("wire", bob.wallet, AMOUNT);
        _assertUnmoved();
    }
}
