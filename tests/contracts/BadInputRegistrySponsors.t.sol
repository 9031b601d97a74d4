// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {ISponsorships} from "../../contracts/interfaces/ISponsorships.sol";
import {BadInputTable} from "./base/BadInputTable.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice What sponsors do in the ParticipantRegistry, function by function: a bank with one customer and room for two,
/// beside a participant that is nobody's customer.
contract BadInputRegistrySponsors is RegistryBase, BadInputTable {
    address private constant NOBODY = address(0);
    uint40 private constant TERM = 365 days;

    Party private bank;
    Party private customer;
    Party private other;
    Vm.Wallet private fresh;

    function setUp() public override {
        super.setUp();
        _beSwift();
        subject = address(registry);
        fresh = _key("fresh");
        other = _onboard("other");
        bank = _bank();
        uint16[] memory jurisdictions = new uint16[](1);
        jurisdictions[0] = 276;
        vm.prank(SWIFT);
        registry.setSponsorship(bank.id, 2, TERM, jurisdictions);
        customer = _customer();
    }

    function _bank() private returns (Party memory party) {
        Vm.Wallet memory w = _key("bank");
        IParticipantRegistry.Profile memory profile = _profile("bank");
        profile.kind = IParticipantRegistry.Kind.BANK;
        bytes memory signature = _signLink(w.privateKey, profile.identityHash, w.addr, block.timestamp);
        vm.prank(onboarder);
        uint32 id = registry.register(profile, w.addr, block.timestamp, signature);
        return Party(id, w.addr, w.privateKey, profile.identityHash);
    }

    function _customer() private returns (Party memory party) {
        Vm.Wallet memory w = _key("customer");
        IParticipantRegistry.Profile memory profile = _retail("customer");
        bytes memory signature = _signLink(w.privateKey, profile.identityHash, w.addr, block.timestamp);
        vm.prank(bank.wallet);
        uint32 id = registry.onboardCustomer(profile, w.addr, block.timestamp, signature);
        return Party(id, w.addr, w.privateKey, profile.identityHash);
    }

    function _retail(string memory name) private view returns (IParticipantRegistry.Profile memory profile) {
        profile = _profile(name);
        (profile.kind, profile.kycExpiry) = (IParticipantRegistry.Kind.RETAIL, uint40(block.timestamp) + TERM);
    }

    // ---- the grant ----

    function _granting(uint32 participant, uint16[] memory jurisdictions) private view returns (bytes memory) {
        return abi.encodeCall(registry.setSponsorship, (participant, 2, TERM, jurisdictions));
    }

    function test_setSponsorship() external {
        uint32[2] memory unknown = [0, type(uint32).max];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                SWIFT,
                _granting(unknown[i], new uint16[](0)),
                abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, unknown[i])
            );
        }
        _refuses(
            SWIFT,
            _granting(other.id, new uint16[](0)),
            abi.encodeWithSelector(ISponsorships.InvalidSponsor.selector, other.id)
        );
        _refuses(
            SWIFT,
            _granting(bank.id, new uint16[](257)),
            abi.encodeWithSelector(ISponsorships.TooManyJurisdictions.selector, 257, 256)
        );
        _refuses(
            SWIFT,
            _granting(bank.id, new uint16[](1)),
            abi.encodeWithSelector(IParticipantRegistry.InvalidJurisdiction.selector, 0)
        );
    }

    // ---- customers ----

    function _onboarding(IParticipantRegistry.Profile memory profile, uint256 deadline)
        private
        view
        returns (bytes memory)
    {
        bytes memory signature = _signLink(fresh.privateKey, profile.identityHash, fresh.addr, deadline);
        return abi.encodeCall(registry.onboardCustomer, (profile, fresh.addr, deadline, signature));
    }

    function _refusesCustomer(IParticipantRegistry.Profile memory profile, bytes memory refusal) private {
        _refuses(bank.wallet, _onboarding(profile, block.timestamp), refusal);
    }

    function test_onboardCustomer_profiles() external {
        IParticipantRegistry.Kind[3] memory kinds =
            [IParticipantRegistry.Kind.NONE, IParticipantRegistry.Kind.BANK, IParticipantRegistry.Kind.SYSTEM];
        IParticipantRegistry.Profile memory profile = _retail("fresh");
        for (uint256 i; i < 3; ++i) {
            profile.kind = kinds[i];
            _refusesCustomer(profile, abi.encodeWithSelector(IParticipantRegistry.InvalidProfile.selector, "kind"));
        }
        uint16[2] memory foreign = [0, 840];
        for (uint256 i; i < 2; ++i) {
            profile = _retail("fresh");
            profile.jurisdiction = foreign[i];
            _refusesCustomer(
                profile, abi.encodeWithSelector(ISponsorships.JurisdictionNotAllowed.selector, bank.id, foreign[i])
            );
        }
        uint40[2] memory long = [uint40(block.timestamp) + TERM + 1, type(uint40).max];
        for (uint256 i; i < 2; ++i) {
            profile = _retail("fresh");
            profile.kycExpiry = long[i];
            _refusesCustomer(
                profile, abi.encodeWithSelector(ISponsorships.KycTermTooLong.selector, long[i], block.timestamp + TERM)
            );
        }
        profile = _retail("fresh");
        profile.identityHash = 0;
        _refusesCustomer(profile, abi.encodeWithSelector(IParticipantRegistry.InvalidProfile.selector, "identityHash"));
    }

    function test_onboardCustomer_signatures() external {
        IParticipantRegistry.Profile memory profile = _retail("fresh");
        uint256 now_ = block.timestamp;
        bytes[5] memory forged = _forgeries(
            _signLink(fresh.privateKey, profile.identityHash, fresh.addr, now_),
            _signLink(bank.key, profile.identityHash, fresh.addr, now_)
        );
        for (uint256 i; i < 5; ++i) {
            _refuses(
                bank.wallet,
                abi.encodeCall(registry.onboardCustomer, (profile, fresh.addr, now_, forged[i])),
                abi.encodeWithSelector(IParticipantRegistry.InvalidWalletSignature.selector, fresh.addr)
            );
        }
        _refuses(
            bank.wallet,
            _onboarding(profile, now_ - 1),
            abi.encodeWithSelector(IParticipantRegistry.SignatureExpired.selector, now_ - 1, now_)
        );
        _refuses(
            bank.wallet,
            _onboarding(profile, type(uint256).max),
            abi.encodeWithSelector(
                IParticipantRegistry.SignatureDeadlineTooFar.selector, type(uint256).max, now_ + 1096 days
            )
        );
        _refuses(
            other.wallet,
            _onboarding(profile, now_),
            abi.encodeWithSelector(ISponsorships.NotSponsor.selector, other.wallet, other.id)
        );
    }

    // ---- customers of others, and nobody ----

    /// @dev For each function that names a customer: by no sponsor, of no sponsor, of nobody.
    function _refusesStrangers(function(uint32) view returns (bytes memory) call_) private {
        _refuses(
            other.wallet,
            call_(customer.id),
            abi.encodeWithSelector(ISponsorships.NotSponsor.selector, other.wallet, other.id)
        );
        uint32[3] memory ids = [0, other.id, type(uint32).max];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                bank.wallet,
                call_(ids[i]),
                abi.encodeWithSelector(ISponsorships.NotCustomerOf.selector, ids[i], bank.id)
            );
        }
    }

    function _linking(uint32 id) private view returns (bytes memory) {
        return abi.encodeCall(registry.linkCustomerWallet, (id, fresh.addr, block.timestamp, ""));
    }

    function test_linkCustomerWallet() external {
        _refusesStrangers(_linking);
        _refuses(
            bank.wallet,
            _linking(customer.id),
            abi.encodeWithSelector(IParticipantRegistry.InvalidWalletSignature.selector, fresh.addr)
        );
    }

    function test_unlinkCustomerWallet() external {
        _refuses(
            bank.wallet,
            abi.encodeCall(registry.unlinkCustomerWallet, (NOBODY)),
            abi.encodeWithSelector(
                IParticipantRegistry.WalletNotLinked.selector, NOBODY, IParticipantRegistry.WalletStatus.NONE
            )
        );
        _refuses(
            bank.wallet,
            abi.encodeCall(registry.unlinkCustomerWallet, (other.wallet)),
            abi.encodeWithSelector(ISponsorships.NotCustomerOf.selector, other.id, bank.id)
        );
    }

    function _renewing(uint32 id) private view returns (bytes memory) {
        return abi.encodeCall(registry.renewCustomerKyc, (id, uint40(block.timestamp), ""));
    }

    function test_renewCustomerKyc() external {
        _refusesStrangers(_renewing);
        uint40 far = type(uint40).max;
        _refuses(
            bank.wallet,
            abi.encodeCall(registry.renewCustomerKyc, (customer.id, far, "")),
            abi.encodeWithSelector(ISponsorships.KycTermTooLong.selector, far, block.timestamp + TERM)
        );
        _refuses(
            bank.wallet,
            abi.encodeCall(registry.renewCustomerKyc, (customer.id, 0, "")),
            abi.encodeWithSelector(IParticipantRegistry.KycExpiryInPast.selector, 0, block.timestamp)
        );
    }

    function _suspending(uint32 id) private view returns (bytes memory) {
        return abi.encodeCall(registry.suspendCustomer, (id, ORDER));
    }

    function test_suspendCustomer() external {
        _refusesStrangers(_suspending);
    }

    function _reinstating(uint32 id) private view returns (bytes memory) {
        return abi.encodeCall(registry.reinstateCustomer, (id, ORDER));
    }

    function test_reinstateCustomer() external {
        _refusesStrangers(_reinstating);
        _refuses(
            bank.wallet,
            _reinstating(customer.id),
            abi.encodeWithSelector(IParticipantRegistry.NotStopped.selector, customer.id)
        );
    }

    function _closing(uint32 id) private view returns (bytes memory) {
        return abi.encodeCall(registry.closeCustomer, (id));
    }

    function test_closeCustomer() external {
        _refusesStrangers(_closing);
        vm.prank(bank.wallet);
        registry.closeCustomer(customer.id);
        _refuses(
            bank.wallet,
            _closing(customer.id),
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantNotActive.selector, customer.id, IParticipantRegistry.Status.CLOSED
            )
        );
    }
}
