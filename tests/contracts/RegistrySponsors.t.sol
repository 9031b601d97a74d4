// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {ISponsorships} from "../../contracts/interfaces/ISponsorships.sol";
import {Flags} from "../../contracts/libraries/Flags.sol";
import {Interval} from "../../contracts/libraries/Interval.sol";
import {Standing} from "../../contracts/libraries/Reason.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice
/// setSponsorship: a bank, not closed · jurisdictions up to 256, none 0 · a new grant takes the place of the last
/// onboardCustomer: by a good wallet of a sponsor · kind · quota at and over · jurisdiction · KYC term at and over
/// acts on customers: own ones only · a stopped sponsor does nothing · lifts only what it stopped itself
contract RegistrySponsorsTest is RegistryBase {
    Party internal bank;
    Party internal other; // sponsors too
    Party internal direct; // the platform's own customer

    IParticipantRegistry.Kind private constant CORPORATE = IParticipantRegistry.Kind.CORPORATE;
    IParticipantRegistry.Kind private constant RETAIL = IParticipantRegistry.Kind.RETAIL;

    function setUp() public override {
        super.setUp();
        bank = _sponsor("partner bank");
        other = _sponsor("other bank");
        direct = _onboard("direct");
    }

    // ---- granting ----

    function _grantSponsorship(uint32 participant, uint32 quota, uint40 term, uint16[] memory jurisdictions) private {
        bytes memory data = abi.encodeCall(registry.setSponsorship, (participant, quota, term, jurisdictions));
        _delayed(governor, address(registry), data);
    }

    function _only(uint16 jurisdiction) private pure returns (uint16[] memory list) {
        list = new uint16[](1);
        list[0] = jurisdiction;
    }

    function _expectGrantRefused(uint32 participant, uint16[] memory jurisdictions, bytes memory refusal) private {
        bytes memory data = abi.encodeCall(registry.setSponsorship, (participant, 1, 1, jurisdictions));
        _schedule(governor, address(registry), data);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(refusal);
        _executeDelayed(governor, address(registry), data);
    }

    function test_a_grant_is_announced_and_takes_the_place_of_the_last() external {
        _customer(bank, "customer", CORPORATE);
        uint16[] memory austria = _only(40);
        bytes memory data = abi.encodeCall(registry.setSponsorship, (bank.id, 7, 9 days, austria));
        _schedule(governor, address(registry), data);
        vm.warp(block.timestamp + DELAY);
        vm.expectEmit(address(registry));
        emit ISponsorships.SponsorshipSet(bank.id, 7, 9 days, austria);
        _executeDelayed(governor, address(registry), data);
        (uint32 quota, uint40 longestKyc, uint32 customers) = registry.sponsorshipOf(bank.id);
        assertEq(quota, 7);
        assertEq(longestKyc, 9 days);
        assertEq(customers, 1, "those it has stay its own");
        assertTrue(registry.sponsorsIn(bank.id, 40));
        assertTrue(!registry.sponsorsIn(bank.id, 276), "granted before");
        assertTrue(registry.sponsorsIn(other.id, 276), "another's");
    }

    function test_only_the_governor_grants() external {
        vm.expectRevert();
        vm.prank(onboarder);
        registry.setSponsorship(bank.id, 1, 1, _only(40));
    }

    function test_only_an_open_bank_sponsors() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        Party memory closed = _sponsor("closed bank");
        _close(closed.id);
        uint32[2] memory no = [direct.id, customer.id];
        for (uint256 i; i < 2; ++i) {
            _expectGrantRefused(no[i], _only(40), abi.encodeWithSelector(ISponsorships.InvalidSponsor.selector, no[i]));
        }
        _expectGrantRefused(
            closed.id,
            _only(40),
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantNotActive.selector, closed.id, IParticipantRegistry.Status.CLOSED
            )
        );
        for (uint32 unknown; unknown < 200; unknown += 199) {
            _expectGrantRefused(
                unknown, _only(40), abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, unknown)
            );
        }
    }

    function test_jurisdictions_are_bounded_and_none_is_zero() external {
        uint16[] memory most = new uint16[](256);
        for (uint16 i; i < 256; ++i) {
            most[i] = i + 1;
        }
        _grantSponsorship(bank.id, 1, 1, most);
        assertTrue(registry.sponsorsIn(bank.id, 256));
        _expectGrantRefused(
            bank.id, new uint16[](257), abi.encodeWithSelector(ISponsorships.TooManyJurisdictions.selector, 257, 256)
        );
        _expectGrantRefused(
            bank.id, _only(0), abi.encodeWithSelector(IParticipantRegistry.InvalidJurisdiction.selector, 0)
        );
    }

    // ---- onboarding ----

    function _expectOnboardingRefused(
        address caller,
        IParticipantRegistry.Profile memory profile,
        string memory name,
        bytes memory refusal
    ) private {
        Vm.Wallet memory w = _key(name);
        bytes memory signature = _signLink(w.privateKey, profile.identityHash, w.addr, block.timestamp);
        vm.expectRevert(refusal);
        vm.prank(caller);
        registry.onboardCustomer(profile, w.addr, block.timestamp, signature);
    }

    function test_a_customer_has_its_sponsor_and_its_flag() external {
        Vm.Wallet memory w = _key("customer");
        IParticipantRegistry.Profile memory profile = _profile("customer");
        bytes memory signature = _signLink(w.privateKey, profile.identityHash, w.addr, block.timestamp);
        uint32 id = registry.participantCount() + 1;
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.FlagsChanged(id, Flags.SPONSORED);
        vm.expectEmit(address(registry));
        emit ISponsorships.CustomerOnboarded(bank.id, id);
        vm.prank(bank.wallet);
        assertEq(registry.onboardCustomer(profile, w.addr, block.timestamp, signature), id);
        IParticipantRegistry.Participant memory p = registry.participantOf(id);
        assertEq(p.sponsor, bank.id);
        assertEq(p.flags, Flags.SPONSORED);
        assertEq(p.wallet, w.addr);
        (Standing standing, uint32 participant) = registry.standingOf(w.addr);
        assertEq(uint8(standing), uint8(Standing.GOOD));
        assertEq(participant, id);
        assertEq(registry.requireSponsorOf(bank.wallet, id), bank.id);
        assertEq(registry.participantOf(_customer(bank, "retail", RETAIL).id).flags, Flags.SPONSORED | Flags.RETAIL);
    }

    function test_any_good_wallet_of_the_sponsor_acts() external {
        Vm.Wallet memory second = _link(bank, "second wallet of the bank");
        Party memory second_ = Party(bank.id, second.addr, second.privateKey, bank.identity);
        _customer(second_, "customer", CORPORATE);
        _suspendWallet(second.addr);
        _expectOnboardingRefused(
            second.addr,
            _profile("next"),
            "next",
            abi.encodeWithSelector(ISponsorships.SponsorNotGood.selector, bank.id, Standing.WALLET_SUSPENDED)
        );
        _customer(bank, "by the other wallet", CORPORATE);
    }

    function test_who_was_granted_nothing_onboards_nobody() external {
        address[3] memory callers = [direct.wallet, onboarder, address(0)];
        uint32[3] memory ids = [direct.id, 0, 0];
        for (uint256 i; i < 3; ++i) {
            _expectOnboardingRefused(
                callers[i],
                _profile("x"),
                "x",
                abi.encodeWithSelector(ISponsorships.NotSponsor.selector, callers[i], ids[i])
            );
        }
    }

    function test_a_customer_sponsors_nobody() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        _expectOnboardingRefused(
            customer.wallet,
            _profile("x"),
            "x",
            abi.encodeWithSelector(ISponsorships.NotSponsor.selector, customer.wallet, customer.id)
        );
    }

    function test_a_stopped_sponsor_onboards_nobody_and_its_lapsed_KYC_neither() external {
        _suspend(bank.id);
        _expectOnboardingRefused(
            bank.wallet,
            _profile("x"),
            "x",
            abi.encodeWithSelector(ISponsorships.SponsorNotGood.selector, bank.id, Standing.SUSPENDED)
        );
        _freeze(bank.id);
        _expectOnboardingRefused(
            bank.wallet,
            _profile("x"),
            "x",
            abi.encodeWithSelector(ISponsorships.SponsorNotGood.selector, bank.id, Standing.FROZEN)
        );
        _expireKyc(other.id);
        _expectOnboardingRefused(
            other.wallet,
            _profile("x"),
            "x",
            abi.encodeWithSelector(ISponsorships.SponsorNotGood.selector, other.id, Standing.KYC_EXPIRED)
        );
    }

    function test_customers_are_corporate_or_retail() external {
        for (uint8 kind; kind < 5; ++kind) {
            if (kind == uint8(CORPORATE) || kind == uint8(RETAIL)) continue;
            IParticipantRegistry.Profile memory profile = _profile("x");
            profile.kind = IParticipantRegistry.Kind(kind);
            _expectOnboardingRefused(
                bank.wallet, profile, "x", abi.encodeWithSelector(IParticipantRegistry.InvalidProfile.selector, "kind")
            );
        }
    }

    function test_quota_at_and_over_and_closing_makes_room() external {
        _grantSponsorship(bank.id, 2, KYC_TERM, _only(276));
        Party memory first = _customer(bank, "1", CORPORATE);
        _customer(bank, "2", CORPORATE);
        bytes memory reached = abi.encodeWithSelector(ISponsorships.SponsorQuotaReached.selector, bank.id, 2);
        _expectOnboardingRefused(bank.wallet, _profile("3"), "3", reached);
        vm.prank(bank.wallet);
        registry.closeCustomer(first.id);
        _customer(bank, "3", CORPORATE);
        _expectOnboardingRefused(bank.wallet, _profile("4"), "4", reached);
        _close(registry.participantCount()); // by the platform's onboarder
        (,, uint32 customers) = registry.sponsorshipOf(bank.id);
        assertEq(customers, 1);
        _grantSponsorship(bank.id, 0, KYC_TERM, _only(276));
        _expectOnboardingRefused(
            bank.wallet,
            _profile("4"),
            "4",
            abi.encodeWithSelector(ISponsorships.SponsorQuotaReached.selector, bank.id, 0)
        );
    }

    function test_only_where_it_sponsors() external {
        IParticipantRegistry.Profile memory profile = _profile("x");
        uint16[2] memory no = [756, 0];
        for (uint256 i; i < 2; ++i) {
            profile.jurisdiction = no[i];
            _expectOnboardingRefused(
                bank.wallet,
                profile,
                "x",
                abi.encodeWithSelector(ISponsorships.JurisdictionNotAllowed.selector, bank.id, no[i])
            );
        }
    }

    function test_the_longest_KYC_term_and_one_second_more() external {
        IParticipantRegistry.Profile memory profile = _profile("x");
        uint256 latest = block.timestamp + KYC_TERM;
        profile.kycExpiry = uint40(latest + 1);
        _expectOnboardingRefused(
            bank.wallet, profile, "x", abi.encodeWithSelector(ISponsorships.KycTermTooLong.selector, latest + 1, latest)
        );
        Party memory customer = _customer(bank, "x", CORPORATE); // to the second
        vm.startPrank(bank.wallet);
        vm.expectRevert(abi.encodeWithSelector(ISponsorships.KycTermTooLong.selector, latest + 1, latest));
        registry.renewCustomerKyc(customer.id, uint40(latest + 1), "q");
        vm.warp(block.timestamp + 1);
        registry.renewCustomerKyc(customer.id, uint40(latest + 1), "q");
        assertEq(registry.participantOf(customer.id).kycExpiry, latest + 1);
        assertEq(registry.participantOf(customer.id).questionnaireHash, bytes32("q"));
        vm.expectRevert(
            abi.encodeWithSelector(IParticipantRegistry.KycExpiryInPast.selector, block.timestamp - 1, block.timestamp)
        );
        registry.renewCustomerKyc(customer.id, uint40(block.timestamp - 1), "q");
    }

    function test_an_identity_is_sponsored_once() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        bytes memory refusal = abi.encodeWithSelector(
            IParticipantRegistry.IdentityAlreadyRegistered.selector, customer.identity, customer.id
        );
        _expectOnboardingRefused(other.wallet, _profile("customer"), "customer", refusal);
        _expectOnboardingRefused(bank.wallet, _profile("customer"), "customer", refusal);
        refusal =
            abi.encodeWithSelector(IParticipantRegistry.IdentityAlreadyRegistered.selector, direct.identity, direct.id);
        _expectOnboardingRefused(bank.wallet, _profile("direct"), "direct", refusal);
    }

    // ---- its own customers ----

    /// @dev Every act, tried on a customer by whom it does not belong to.
    function _expectNothingDone(address caller, Party memory customer, address second, bytes memory refusal) private {
        vm.startPrank(caller);
        vm.expectRevert(refusal);
        registry.linkCustomerWallet(customer.id, second, block.timestamp, "");
        vm.expectRevert(refusal);
        registry.unlinkCustomerWallet(customer.wallet);
        vm.expectRevert(refusal);
        registry.renewCustomerKyc(customer.id, uint40(block.timestamp), "");
        vm.expectRevert(refusal);
        registry.suspendCustomer(customer.id, "reason");
        vm.expectRevert(refusal);
        registry.reinstateCustomer(customer.id, "reason");
        vm.expectRevert(refusal);
        registry.closeCustomer(customer.id);
        vm.stopPrank();
    }

    function test_a_sponsor_acts_on_its_own_customers_only() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        address second = _key("second").addr;
        _expectNothingDone(
            other.wallet,
            customer,
            second,
            abi.encodeWithSelector(ISponsorships.NotCustomerOf.selector, customer.id, other.id)
        );
        _expectNothingDone(
            bank.wallet,
            direct,
            second,
            abi.encodeWithSelector(ISponsorships.NotCustomerOf.selector, direct.id, bank.id)
        );
        _expectNothingDone(
            bank.wallet, bank, second, abi.encodeWithSelector(ISponsorships.NotCustomerOf.selector, bank.id, bank.id)
        );
        _expectNothingDone(
            customer.wallet,
            customer,
            second,
            abi.encodeWithSelector(ISponsorships.NotSponsor.selector, customer.wallet, customer.id)
        );
        _suspend(bank.id);
        _expectNothingDone(
            bank.wallet,
            customer,
            second,
            abi.encodeWithSelector(ISponsorships.SponsorNotGood.selector, bank.id, Standing.SUSPENDED)
        );
        vm.prank(bank.wallet);
        vm.expectRevert(abi.encodeWithSelector(ISponsorships.SponsorNotGood.selector, bank.id, Standing.SUSPENDED));
        registry.requireSponsorOf(bank.wallet, customer.id);
    }

    function test_wallets_of_customers_come_and_go() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        Vm.Wallet memory second = _key("second");
        bytes memory signature = _signLink(second.privateKey, customer.identity, second.addr, block.timestamp);
        vm.startPrank(bank.wallet);
        registry.linkCustomerWallet(customer.id, second.addr, block.timestamp, signature);
        (uint32 id,, IParticipantRegistry.WalletStatus status) = registry.walletOf(second.addr);
        assertEq(id, customer.id);
        assertEq(uint8(status), uint8(IParticipantRegistry.WalletStatus.LINKED));
        registry.unlinkCustomerWallet(second.addr);
        (,, status) = registry.walletOf(second.addr);
        assertEq(uint8(status), uint8(IParticipantRegistry.WalletStatus.UNLINKED));
        vm.expectRevert(
            abi.encodeWithSelector(IParticipantRegistry.CurrentWalletMayNotBeUnlinked.selector, customer.wallet)
        );
        registry.unlinkCustomerWallet(customer.wallet);
        vm.stopPrank();
    }

    function test_suspending_bites_at_once_and_the_sponsor_lifts_it() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        vm.startPrank(bank.wallet);
        vm.expectEmit(address(registry));
        emit ISponsorships.CustomerSuspended(bank.id, customer.id, "late");
        registry.suspendCustomer(customer.id, "late");
        _expectStanding(customer, Standing.SUSPENDED);
        assertTrue(registry.isStopped(customer.id));
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.AlreadyStopped.selector, customer.id));
        registry.suspendCustomer(customer.id, "again");
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.ParticipantStopped.selector, customer.id));
        registry.closeCustomer(customer.id);
        vm.expectEmit(address(registry));
        emit ISponsorships.CustomerReinstated(bank.id, customer.id, "paid");
        registry.reinstateCustomer(customer.id, "paid");
        _expectStanding(customer, Standing.GOOD);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.NotStopped.selector, customer.id));
        registry.reinstateCustomer(customer.id, "again");
        vm.stopPrank();
    }

    function test_neither_lifts_what_the_other_stopped() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        _suspend(customer.id);
        vm.startPrank(bank.wallet);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.NotStopped.selector, customer.id));
        registry.reinstateCustomer(customer.id, "mine");
        registry.suspendCustomer(customer.id, "mine too");
        registry.reinstateCustomer(customer.id, "mine");
        vm.stopPrank();
        _expectStanding(customer, Standing.SUSPENDED);
        vm.prank(bank.wallet);
        registry.suspendCustomer(customer.id, "mine too");
        _reinstate(customer.id);
        _expectStanding(customer, Standing.SUSPENDED);
        _freeze(customer.id);
        vm.prank(bank.wallet);
        registry.reinstateCustomer(customer.id, "mine");
        _expectStanding(customer, Standing.FROZEN);
        _unfreeze(customer.id);
        _expectStanding(customer, Standing.GOOD);
    }

    function test_closing_frees_nothing_that_is_stopped() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        _freeze(customer.id);
        vm.prank(bank.wallet);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.ParticipantStopped.selector, customer.id));
        registry.closeCustomer(customer.id);
        _unfreeze(customer.id);
        _suspend(bank.id);
        vm.prank(onboarder);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.ParticipantStopped.selector, customer.id));
        registry.close(customer.id);
    }

    function test_a_closed_customer_is_closed() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        bytes memory closed = abi.encodeWithSelector(
            IParticipantRegistry.ParticipantNotActive.selector, customer.id, IParticipantRegistry.Status.CLOSED
        );
        vm.startPrank(bank.wallet);
        registry.closeCustomer(customer.id);
        vm.expectRevert(closed);
        registry.closeCustomer(customer.id);
        vm.expectRevert(closed);
        registry.suspendCustomer(customer.id, "");
        vm.expectRevert(closed);
        registry.renewCustomerKyc(customer.id, uint40(block.timestamp), "");
        vm.expectRevert(closed);
        registry.linkCustomerWallet(customer.id, address(1), block.timestamp, "");
        vm.stopPrank();
    }

    function test_a_sponsor_with_customers_is_not_closed() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        vm.prank(onboarder);
        vm.expectRevert(abi.encodeWithSelector(ISponsorships.SponsorHasCustomers.selector, bank.id, 1));
        registry.close(bank.id);
        vm.prank(bank.wallet);
        registry.closeCustomer(customer.id);
        _close(bank.id);
    }

    // ---- its suspension ----

    function _expectStanding(Party memory party, Standing expected) private view {
        (Standing standing,) = registry.standingOf(party.wallet);
        assertEq(uint8(standing), uint8(expected));
        (uint256 a,) = registry.standings(party.id, 1, 0, 0);
        assertEq(uint8(a), uint8(expected));
    }

    function test_a_sponsors_stop_is_felt_by_all_its_customers_and_by_nobody_else() external {
        Party memory one = _customer(bank, "one", CORPORATE);
        Party memory two = _customer(bank, "two", RETAIL);
        Party memory others = _customer(other, "others", CORPORATE);
        _suspend(bank.id);
        _expectStanding(one, Standing.SPONSOR_SUSPENDED);
        _expectStanding(two, Standing.SPONSOR_SUSPENDED);
        _expectStanding(others, Standing.GOOD);
        _expectStanding(direct, Standing.GOOD);
        assertEq(uint8(registry.stopOf(one.id)), uint8(Standing.SPONSOR_SUSPENDED));
        assertTrue(registry.isStopped(two.id) && !registry.isStopped(others.id));
        _reinstate(bank.id);
        _expectStanding(one, Standing.GOOD);
        _expectStanding(two, Standing.GOOD);
        _freeze(bank.id);
        _expectStanding(one, Standing.SPONSOR_SUSPENDED);
        _unfreeze(bank.id);
        assertTrue(!registry.isStopped(one.id));
    }

    function test_what_is_no_stop_of_the_sponsor_is_none_of_its_customers() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        _suspendWallet(bank.wallet);
        _expectStanding(customer, Standing.GOOD);
        vm.warp(block.timestamp + 2 days);
        assertEq(registry.stopsSince(customer.id, 0).length, 0);
        assertEq(registry.stopsSince(bank.id, 0).length, 1);
        uint40 expiry = registry.participantOf(bank.id).kycExpiry;
        vm.prank(onboarder);
        registry.renewKyc(customer.id, expiry + 10, "");
        vm.warp(uint256(expiry) + 1);
        _expectStanding(customer, Standing.GOOD);
    }

    /// @dev Union of its own and its sponsor's, each asked for as far back as wanted.
    function test_a_customers_history_is_its_own_and_its_sponsors() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        uint256 start = block.timestamp;
        _suspend(bank.id); // 0 .. 2 days
        vm.warp(start + 1 days);
        vm.prank(bank.wallet);
        vm.expectRevert();
        registry.suspendCustomer(customer.id, "");
        _freeze(customer.id); // 1 .. 5 days
        _reinstate(bank.id);
        assertEq(block.timestamp, start + 3 days);
        _unfreeze(customer.id);
        vm.warp(start + 10 days);
        _freeze(bank.id); // 10 days ..
        Interval[] memory stops = registry.stopsSince(customer.id, 0);
        assertEq(stops.length, 2);
        assertEq(stops[0].start, start);
        assertEq(stops[0].end, start + 5 days);
        assertEq(stops[1].start, start + 10 days);
        assertEq(stops[1].end, 0);
        assertEq(registry.stopsSince(customer.id, uint40(start + 5 days)).length, 1);
        assertEq(registry.stopsSince(direct.id, 0).length, 0);
    }

    function test_its_own_stops_come_before_the_sponsors_and_all_before_a_closure() external {
        Party memory customer = _customer(bank, "customer", CORPORATE);
        Party memory closed = _customer(bank, "closed", CORPORATE);
        vm.prank(bank.wallet);
        registry.closeCustomer(closed.id);
        _expectStanding(closed, Standing.CLOSED);
        _suspend(bank.id);
        _expectStanding(closed, Standing.SPONSOR_SUSPENDED);
        _suspend(customer.id);
        _expectStanding(customer, Standing.SUSPENDED);
        _freeze(customer.id);
        _expectStanding(customer, Standing.FROZEN);
        _expireKyc(bank.id);
        _reinstate(bank.id);
        _expectStanding(closed, Standing.CLOSED);
    }
}
