// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IReserve} from "../../contracts/interfaces/IReserve.sol";
import {ReserveBase} from "./base/ReserveBase.sol";
import {Vm} from "./base/Vm.sol";
import {ReserveHandler} from "./mocks/token/ReserveHandler.sol";

/// @notice What holds of reserve and supply whatever bank, auditors and time do.
contract ReserveInvariant is ReserveBase {
    ReserveHandler private _handler;

    function setUp() public override {
        super.setUp();
        _govern(address(usd), abi.encodeCall(usd.setMintRate, (issuer, 5000, 1 days)));
        _govern(address(reserve), abi.encodeCall(reserve.setCycle, ("USD", 5 days)));
        vm.prank(alice.wallet);
        usd.requestRedemption(MONEY, "all of it", "payout");
        vm.startPrank(issuer);
        usd.instructRedemption(alice.id, "all of it");
        usd.settleRedemption(alice.id, "all of it", "fiat");
        vm.stopPrank();
        vm.warp(block.timestamp + 1000 days); // what was minted so far has drained
        Vm.Wallet[] memory auditors = new Vm.Wallet[](3);
        for (uint256 i = 0; i < 3; i++) {
            auditors[i] = three[i];
        }
        address[5] memory who = [issuer, compliance, pauser, bob.wallet, address(0)];
        vm.prank(onboarder);
        registry.renewKyc(bob.id, uint40(block.timestamp + 20_000 days), "");
        _setLimit(usd, bob.id, type(uint88).max);
        _handler = new ReserveHandler(usd, reserve, who, bob.id, auditors, reserve.backing("USD").sequence);
        uint64 role = _roleId("GOVERNOR");
        vm.prank(admin);
        governance.grantRole(role, address(_handler), 0);
        _target(address(_handler));
    }

    function invariant_no_mint_above_what_is_attested() public view {
        assertEq(_handler.aboveAttested(), 0);
    }

    function invariant_no_mint_while_the_reserve_is_not_fresh() public view {
        assertEq(_handler.whileStale(), 0);
    }

    function invariant_no_mint_faster_than_the_rate() public view {
        assertEq(_handler.tooFast(), 0);
    }

    function invariant_a_mint_that_may_be_is_not_refused() public view {
        assertEq(_handler.refusedForNothing(), 0);
    }

    function invariant_check_foretells_every_mint() public view {
        assertEq(_handler.notForetold(), 0);
    }

    function invariant_two_present_auditors_sign_what_counts() public view {
        assertEq(_handler.tooFewSigners(), 0);
    }

    function invariant_redemption_never_stops() public view {
        assertEq(_handler.redemptionsStopped(), 0);
    }

    function invariant_the_reserve_counts_the_supply() public view {
        assertEq(usd.totalSupply(), _handler.supply());
        IReserve.Backing memory b = reserve.backing("USD");
        assertEq(b.supply, _handler.supply());
        assertEq(b.surplus, int256(b.attested) - int256(b.supply), "surplus");
    }

    function invariant_freshness_is_as_the_books_say() public view {
        if (_handler.attestations() == 0) return; // nothing yet that counts
        assertEq(reserve.backing("USD").freshness == IReserve.Freshness.FRESH, _handler.fresh());
        assertEq(reserve.backing("USD").attested, _handler.attested());
    }

    /// @dev Every kind of act was taken: a run in which nothing happens proves nothing.
    function test_the_handler_reaches_every_act() public {
        for (uint256 i = 0; i < 40; i++) {
            _handler.attest(15_000, 0x100 + i * 7 + 1, 9 days, 0);
            _handler.mint(uint96(i * 331));
            _handler.request(uint96(i * 17));
            _handler.wait(uint40(i * 3600));
            _handler.end(i, i % 3 == 0);
            _handler.mint(1999);
            _handler.rotate(i, i);
            if (i % 5 == 0) _handler.pause();
        }
        assertGt(_handler.mints(), 3);
        assertGt(_handler.refusals(), 3);
        assertGt(_handler.attestations(), 3);
        assertGt(_handler.redemptions(), 3);
        assertEq(_handler.aboveAttested() + _handler.whileStale() + _handler.tooFast(), 0);
        assertEq(_handler.refusedForNothing() + _handler.notForetold() + _handler.redemptionsStopped(), 0);
    }
}
