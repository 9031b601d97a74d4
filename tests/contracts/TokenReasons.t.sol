// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Path, Reason, Standing} from "../../contracts/libraries/Reason.sol";
import {TokenScenario} from "./base/TokenScenario.sol";
import {ContractWallet} from "./mocks/token/ContractWallet.sol";

/// @notice Each reason on each path that can give it: `check` says it, and execution reverts with it.
contract TokenReasons is TokenScenario {
    uint256 private constant AMOUNT = 1000;

    function _expect(Path path, Reason expected, address caller, address from, address to, uint256 amount) private {
        Reason found = _agree(path, caller, from, to, amount);
        assertEq(uint256(found), uint256(expected), "reason");
    }

    function _reasonOf(Standing standing, Reason first) private pure returns (Reason) {
        return Reason(uint256(first) + uint256(standing) - uint256(Standing.UNKNOWN));
    }

    // ---- pause ----

    function test_paused_stops_transfers_holds_executions_mints_and_instructions() public {
        _hold(alice.wallet, AMOUNT);
        _request(alice.wallet, AMOUNT);
        _pause(usd);
        _expect(Path.TRANSFER, Reason.PAUSED, alice.wallet, alice.wallet, bob.wallet, AMOUNT);
        _expect(Path.TRANSFER, Reason.PAUSED, bob.wallet, alice.wallet, bob.wallet, AMOUNT);
        _expect(Path.HOLD, Reason.PAUSED, address(notary), alice.wallet, address(0), AMOUNT);
        _expect(Path.EXECUTE, Reason.PAUSED, address(notary), alice.wallet, bob.wallet, AMOUNT);
        _expect(Path.MINT, Reason.PAUSED, issuer, address(0), bob.wallet, AMOUNT);
        _expect(Path.INSTRUCT, Reason.PAUSED, issuer, alice.wallet, address(0), AMOUNT);
    }

    function test_paused_lets_releases_returns_settlements_and_forced_acts_flow() public {
        _hold(alice.wallet, 2 * AMOUNT);
        _request(alice.wallet, AMOUNT);
        _instruct(alice.wallet);
        _pause(usd);
        _expect(Path.RELEASE, Reason.OK, address(notary), alice.wallet, address(0), AMOUNT);
        _expect(Path.CANCEL_BY_ORDER, Reason.OK, address(notary), alice.wallet, address(0), AMOUNT);
        _expect(Path.SETTLE, Reason.OK, issuer, alice.wallet, address(0), AMOUNT);
        _expect(Path.SEIZE, Reason.OK, seizer, alice.wallet, bob.wallet, AMOUNT);
        _expect(Path.RECOVER, Reason.OK, address(registry), alice.wallet, bob.wallet, 0);
    }

    function test_paused_lets_a_return_flow() public {
        _request(alice.wallet, AMOUNT);
        _pause(usd);
        _expect(Path.RETURN, Reason.OK, issuer, alice.wallet, address(0), AMOUNT);
    }

    // ---- payer and payee in every standing ----

    function test_transfer_and_hold_want_a_good_payer() public {
        for (uint256 i = uint256(Standing.UNKNOWN); i <= uint256(Standing.KYC_EXPIRED); i++) {
            uint256 before = vm.snapshotState();
            (, address payer) = _standing(Standing(i));
            Reason expected = _reasonOf(Standing(i), Reason.PAYER_UNKNOWN);
            _expect(Path.TRANSFER, expected, payer, payer, bob.wallet, AMOUNT);
            _expect(Path.TRANSFER, expected, bob.wallet, payer, bob.wallet, AMOUNT);
            _expect(Path.HOLD, expected, address(notary), payer, address(0), AMOUNT);
            vm.revertToState(before);
        }
    }

    function test_every_payee_must_be_good() public {
        _hold(alice.wallet, AMOUNT);
        for (uint256 i = uint256(Standing.UNKNOWN); i <= uint256(Standing.KYC_EXPIRED); i++) {
            uint256 before = vm.snapshotState();
            (, address payee) = _standing(Standing(i));
            Reason expected = _reasonOf(Standing(i), Reason.PAYEE_UNKNOWN);
            _expect(Path.TRANSFER, expected, alice.wallet, alice.wallet, payee, AMOUNT);
            _expect(Path.EXECUTE, expected, address(notary), alice.wallet, payee, AMOUNT);
            _expect(Path.MINT, expected, issuer, address(0), payee, AMOUNT);
            _expect(Path.SEIZE, expected, seizer, alice.wallet, payee, AMOUNT);
            vm.revertToState(before);
        }
    }

    function test_payer_comes_before_payee_and_both_before_the_amount() public {
        (, address frozen) = _standing(Standing.FROZEN);
        (, address lapsed) = _standing(Standing.KYC_EXPIRED);
        _expect(Path.TRANSFER, Reason.PAYER_FROZEN, frozen, frozen, lapsed, 10 * MONEY);
        _expect(Path.TRANSFER, Reason.PAYEE_KYC_EXPIRED, alice.wallet, alice.wallet, lapsed, 10 * MONEY);
        _expect(Path.TRANSFER, Reason.CALLER_STOPPED, frozen, lapsed, frozen, 10 * MONEY);
    }

    function test_execution_asks_the_payer_for_a_stop_only() public {
        for (uint256 i = uint256(Standing.WALLET_SUSPENDED); i <= uint256(Standing.KYC_EXPIRED); i++) {
            uint256 before = vm.snapshotState();
            Standing standing = Standing(i);
            (, address payer) = _standing(standing);
            bool stop =
                standing == Standing.WALLET_SUSPENDED || standing == Standing.FROZEN || standing == Standing.SUSPENDED;
            Reason expected = stop ? _reasonOf(standing, Reason.PAYER_UNKNOWN) : Reason.OK;
            _expect(Path.EXECUTE, expected, address(notary), payer, bob.wallet, AMOUNT);
            vm.revertToState(before);
        }
    }

    function test_a_stop_behind_an_unlinked_wallet_stops_execution() public {
        (Party memory frozen, address unlinked) = _standing(Standing.WALLET_UNLINKED);
        _freeze(frozen.id);
        _expect(Path.EXECUTE, Reason.PAYER_FROZEN, address(notary), unlinked, bob.wallet, AMOUNT);
        (Party memory suspended, address other) = _standing(Standing.WALLET_UNLINKED);
        _suspend(suspended.id);
        _expect(Path.EXECUTE, Reason.PAYER_SUSPENDED, address(notary), other, bob.wallet, AMOUNT);
    }

    function test_a_stop_of_the_successor_stops_execution() public {
        (Party memory payer, address lost) = _standing(Standing.WALLET_LOST);
        _suspendWallet(payer.wallet);
        _expect(Path.EXECUTE, Reason.PAYER_WALLET_SUSPENDED, address(notary), lost, bob.wallet, AMOUNT);
    }

    function test_no_standing_of_the_payer_keeps_its_money_held() public {
        for (uint256 i = uint256(Standing.WALLET_SUSPENDED); i <= uint256(Standing.KYC_EXPIRED); i++) {
            uint256 before = vm.snapshotState();
            (, address payer) = _standing(Standing(i));
            _expect(Path.RELEASE, Reason.OK, address(notary), payer, address(0), AMOUNT);
            _expect(Path.CANCEL_BY_ORDER, Reason.OK, address(notary), payer, address(0), AMOUNT);
            _expect(Path.INSTRUCT, Reason.OK, issuer, payer, address(0), MONEY / 10);
            _expect(Path.RETURN, Reason.OK, issuer, payer, address(0), MONEY / 10);
            vm.revertToState(before);
        }
    }

    // ---- callers ----

    function test_a_spender_must_be_an_unstopped_wallet() public {
        for (uint256 i = uint256(Standing.UNKNOWN); i <= uint256(Standing.KYC_EXPIRED); i++) {
            uint256 before = vm.snapshotState();
            Standing standing = Standing(i);
            (, address spender) = _standing(standing);
            Reason expected = Reason.CALLER_REFUSED;
            if (standing == Standing.KYC_EXPIRED) expected = Reason.OK;
            if (standing == Standing.WALLET_SUSPENDED || standing == Standing.FROZEN || standing == Standing.SUSPENDED)
            {
                expected = Reason.CALLER_STOPPED;
            }
            _expect(Path.TRANSFER, expected, spender, alice.wallet, bob.wallet, AMOUNT);
            vm.revertToState(before);
        }
    }

    function test_an_operator_needs_no_wallet_but_a_stopped_wallet_is_no_operator() public {
        _expect(Path.TRANSFER, Reason.OK, operator, alice.wallet, bob.wallet, AMOUNT);
        (, address frozen) = _standing(Standing.FROZEN);
        (, address lost) = _standing(Standing.WALLET_LOST);
        _grant("OPERATOR", frozen);
        _grant("OPERATOR", lost);
        _expect(Path.TRANSFER, Reason.CALLER_STOPPED, frozen, alice.wallet, bob.wallet, AMOUNT);
        _expect(Path.TRANSFER, Reason.CALLER_REFUSED, lost, alice.wallet, bob.wallet, AMOUNT);
    }

    function test_only_a_notary_holds_executes_releases_and_cancels() public {
        _hold(alice.wallet, AMOUNT);
        address stranger = address(0xBAD);
        _expect(Path.HOLD, Reason.NOT_NOTARY, stranger, alice.wallet, address(0), AMOUNT);
        _expect(Path.EXECUTE, Reason.NOT_NOTARY, stranger, alice.wallet, bob.wallet, AMOUNT);
        _expect(Path.RELEASE, Reason.NOT_NOTARY, stranger, alice.wallet, address(0), AMOUNT);
        _expect(Path.CANCEL_BY_ORDER, Reason.NOT_NOTARY, stranger, alice.wallet, address(0), AMOUNT);
    }

    function test_a_notary_in_run_off_ends_what_it_has() public {
        _hold(alice.wallet, 3 * AMOUNT);
        vm.prank(pauser);
        usd.runOffNotary(address(notary));
        _expect(Path.HOLD, Reason.NOTARY_RUN_OFF, address(notary), alice.wallet, address(0), AMOUNT);
        _expect(Path.EXECUTE, Reason.OK, address(notary), alice.wallet, bob.wallet, AMOUNT);
        _expect(Path.RELEASE, Reason.OK, address(notary), alice.wallet, address(0), AMOUNT);
        _expect(Path.CANCEL_BY_ORDER, Reason.OK, address(notary), alice.wallet, address(0), AMOUNT);
    }

    function test_a_stopped_notary_does_nothing() public {
        _hold(alice.wallet, AMOUNT);
        vm.prank(pauser);
        usd.stopNotary(address(notary));
        _expect(Path.HOLD, Reason.NOTARY_STOPPED, address(notary), alice.wallet, address(0), AMOUNT);
        _expect(Path.EXECUTE, Reason.NOTARY_STOPPED, address(notary), alice.wallet, bob.wallet, AMOUNT);
        _expect(Path.RELEASE, Reason.NOTARY_STOPPED, address(notary), alice.wallet, address(0), AMOUNT);
        _expect(Path.CANCEL_BY_ORDER, Reason.NOTARY_STOPPED, address(notary), alice.wallet, address(0), AMOUNT);
    }

    function test_a_notary_does_not_hold_of_itself() public {
        address both = address(new ContractWallet(alice.wallet));
        keyOf[both] = alice.key;
        _registerNotary(usd, both);
        _expect(Path.HOLD, Reason.SAME_ACCOUNT, both, both, address(0), AMOUNT);
    }

    function test_minting_and_redemption_are_the_issuers() public {
        _request(alice.wallet, AMOUNT);
        _expect(Path.MINT, Reason.NOT_ISSUER, compliance, address(0), bob.wallet, AMOUNT);
        _expect(Path.INSTRUCT, Reason.NOT_ISSUER, alice.wallet, alice.wallet, address(0), AMOUNT);
        _expect(Path.RETURN, Reason.NOT_ISSUER, alice.wallet, alice.wallet, address(0), AMOUNT);
        _instruct(alice.wallet);
        _expect(Path.SETTLE, Reason.NOT_ISSUER, operator, alice.wallet, address(0), AMOUNT);
        _expect(Path.SETTLE, Reason.OK, issuer, alice.wallet, address(0), AMOUNT);
    }

    function test_seizing_is_for_its_role_and_recovering_for_the_registry() public {
        _expect(Path.SEIZE, Reason.NOT_COMPLIANCE, compliance, alice.wallet, bob.wallet, AMOUNT);
        _expect(Path.RECOVER, Reason.NOT_COMPLIANCE, resolution, alice.wallet, bob.wallet, 0);
        _expect(Path.SEIZE, Reason.OK, seizer, alice.wallet, bob.wallet, AMOUNT);
    }

    function test_nothing_is_forced_from_an_account_to_itself() public {
        _expect(Path.SEIZE, Reason.SAME_ACCOUNT, seizer, alice.wallet, alice.wallet, AMOUNT);
        _expect(Path.RECOVER, Reason.OK, address(registry), alice.wallet, bob.wallet, 0);
        assertEq(
            uint256(usd.check(Path.RECOVER, address(registry), bob.wallet, bob.wallet, 0)), uint256(Reason.SAME_ACCOUNT)
        );
    }

    // ---- amounts ----

    function test_available_bounds_transfers_and_holds() public {
        _hold(alice.wallet, 300_000);
        _freezeAmount(usd, alice.wallet, 200_000);
        _expect(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, alice.wallet, bob.wallet, 500_001);
        _expect(Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, address(notary), alice.wallet, address(0), 500_001);
        _expect(Path.HOLD, Reason.OK, address(notary), alice.wallet, address(0), 1);
        _expect(Path.TRANSFER, Reason.OK, alice.wallet, alice.wallet, bob.wallet, 499_999);
        _expect(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, alice.wallet, bob.wallet, 1);
    }

    function test_what_is_held_bounds_what_a_notary_does() public {
        _hold(alice.wallet, AMOUNT);
        _expect(Path.EXECUTE, Reason.INSUFFICIENT_HELD, address(notary), alice.wallet, bob.wallet, AMOUNT + 1);
        _expect(Path.RELEASE, Reason.INSUFFICIENT_HELD, address(notary), alice.wallet, address(0), AMOUNT + 1);
        _expect(Path.CANCEL_BY_ORDER, Reason.INSUFFICIENT_HELD, address(notary), alice.wallet, address(0), AMOUNT + 1);
        _expect(Path.EXECUTE, Reason.OK, address(notary), alice.wallet, bob.wallet, AMOUNT);
        _expect(Path.EXECUTE, Reason.INSUFFICIENT_HELD, address(notary), alice.wallet, bob.wallet, 1);
    }

    function test_what_is_not_held_bounds_a_seizure_whatever_is_frozen() public {
        _hold(alice.wallet, 400_000);
        _freezeAmount(usd, alice.wallet, 600_000);
        _expect(Path.SEIZE, Reason.INSUFFICIENT_UNHELD, seizer, alice.wallet, bob.wallet, 600_001);
        _expect(Path.SEIZE, Reason.OK, seizer, alice.wallet, bob.wallet, 600_000);
    }

    function test_the_limit_bounds_transfers_and_holds_together() public {
        _setLimit(usd, alice.id, 10_000);
        _expect(Path.TRANSFER, Reason.OK, alice.wallet, alice.wallet, bob.wallet, 6000);
        _expect(Path.HOLD, Reason.DAILY_LIMIT, address(notary), alice.wallet, address(0), 4001);
        _expect(Path.HOLD, Reason.OK, address(notary), alice.wallet, address(0), 4000);
        _expect(Path.TRANSFER, Reason.DAILY_LIMIT, alice.wallet, alice.wallet, bob.wallet, 1);
        _expect(Path.TRANSFER, Reason.DAILY_LIMIT, bob.wallet, alice.wallet, bob.wallet, 1);
        _expect(Path.TRANSFER, Reason.OK, alice.wallet, alice.wallet, bob.wallet, 0);
    }

    function test_zero_limit_and_zero_ceiling_let_nothing_pass() public {
        _setLimit(usd, alice.id, 0);
        _expect(Path.TRANSFER, Reason.DAILY_LIMIT, alice.wallet, alice.wallet, bob.wallet, 1);
        _govern(address(usd), abi.encodeCall(usd.setMintCeiling, (issuer, 0)));
        _expect(Path.MINT, Reason.MINT_CEILING, issuer, address(0), bob.wallet, 1);
    }

    function test_the_ceiling_bounds_what_is_minted() public {
        _expect(Path.MINT, Reason.MINT_CEILING, issuer, address(0), bob.wallet, CEILING - MONEY + 1);
        _expect(Path.MINT, Reason.OK, issuer, address(0), bob.wallet, CEILING - MONEY);
        _expect(Path.MINT, Reason.MINT_CEILING, issuer, address(0), bob.wallet, 1);
    }

    function test_no_ceilings_together_pass_what_balances_can_hold() public {
        uint256 most = type(uint88).max;
        address second = address(0x3001);
        _grant("ISSUER", second);
        _govern(address(usd), abi.encodeCall(usd.setMintCeiling, (second, most)));
        _govern(address(usd), abi.encodeCall(usd.setMintRate, (second, most, 1 days)));
        _expect(Path.MINT, Reason.MINT_CEILING, second, address(0), bob.wallet, most - MONEY + 1);
        _expect(Path.MINT, Reason.OK, second, address(0), bob.wallet, most - MONEY);
        assertEq(usd.totalSupply(), most);
        assertEq(usd.balanceOf(alice.wallet), MONEY, "no carry into a neighbour");
    }
}
