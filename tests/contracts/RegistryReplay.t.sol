// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {ISponsorships} from "../../contracts/interfaces/ISponsorships.sol";
import {Flags} from "../../contracts/libraries/Flags.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice Who is stopped, flagged, sponsored and closed, how many customers a sponsor has, and which pairs are permitted,
/// rebuilt from the registry's events alone.
contract RegistryReplay is RegistryBase {
    uint16[2] private _jurisdictions = [276, 756];

    Party[2] private _banks;
    uint32[] private _customers;

    mapping(uint32 participant => IParticipantRegistry.Status) private _status;
    mapping(uint32 participant => bool) private _frozen;
    mapping(uint32 participant => uint8) private _flags;
    mapping(uint32 participant => uint32) private _sponsors;
    mapping(uint32 sponsor => uint32) private _count;
    mapping(uint16 from => mapping(uint16 to => bool)) private _pairs;

    function setUp() public override {
        vm.recordLogs();
        super.setUp();
        _beSwift();
        (_banks[0], _banks[1]) = (_sponsor("bank a"), _sponsor("bank b"));
    }

    function testFuzz_events_rebuild_who_is_what(uint256 seed) public {
        uint256 done;
        _replay(vm.getRecordedLogs());
        for (uint256 i; i < 60; ++i) {
            bool ok = _act(uint256(keccak256(abi.encode(seed, i))));
            Vm.Log[] memory logs = vm.getRecordedLogs(); // forge records those of reverted calls too
            if (!ok) continue;
            _replay(logs);
            ++done;
        }
        _compare();
        assertGt(done, 10);
    }

    function _act(uint256 random) private returns (bool ok) {
        Party memory bank = _banks[random >> 8 & 1];
        uint256 what = random % 13;
        if (what == 0 || _customers.length == 0) {
            if (registry.isStopped(bank.id)) return false;
            string memory name = string.concat("customer ", vm.toString(_customers.length));
            IParticipantRegistry.Kind kind = IParticipantRegistry.Kind(2 + (random >> 16) % 2);
            _customers.push(_customer(bank, name, kind).id);
            return true;
        }
        uint32 id = _customers[(random >> 32) % _customers.length];
        if (what > 8) id = bank.id;
        uint8 flags = uint8(1 + (random >> 64) % 3) << 1; // PAIR_RULES, CLEARANCE or both
        (uint16 from, uint16 to) = (_jurisdictions[random >> 72 & 1], _jurisdictions[random >> 73 & 1]);
        address caller = what < 4 ? bank.wallet : what == 4 || what == 6 || what == 9 || what == 11 ? compliance : SWIFT;
        bytes memory data;
        if (what == 1) data = abi.encodeCall(registry.suspendCustomer, (id, "s"));
        else if (what == 2) data = abi.encodeCall(registry.reinstateCustomer, (id, "r"));
        else if (what == 3) data = abi.encodeCall(registry.closeCustomer, (id));
        else if (what == 4) data = abi.encodeCall(registry.addFlags, (id, flags));
        else if (what == 5) data = abi.encodeCall(registry.removeFlags, (id, flags));
        else if (what == 6) data = abi.encodeCall(registry.forbidPair, (from, to));
        else if (what == 7) data = abi.encodeCall(registry.permitPair, (from, to));
        else if (what == 8) return _stop(id, random);
        else if (what == 9) data = abi.encodeCall(registry.suspend, (id, "s"));
        else if (what == 10) data = abi.encodeCall(registry.reinstate, (id, "r"));
        else if (what == 11) data = abi.encodeCall(registry.freeze, (id, ORDER));
        else data = abi.encodeCall(registry.unfreeze, (id, ORDER));
        vm.prank(caller);
        (ok,) = address(registry).call(data);
    }

    /// @dev Of a customer, by the platform's bank.
    function _stop(uint32 id, uint256 random) private returns (bool ok) {
        bytes memory data = random >> 80 & 1 == 0
            ? abi.encodeCall(registry.suspend, (id, "s"))
            : abi.encodeCall(registry.freeze, (id, ORDER));
        vm.prank(compliance);
        (ok,) = address(registry).call(data);
    }

    function _replay(Vm.Log[] memory logs) private {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(registry)) continue;
            bytes32 kind = logs[i].topics[0];
            bytes memory data = logs[i].data;
            if (logs[i].topics.length < 2) continue;
            uint32 id = uint32(uint256(logs[i].topics[1]));
            if (kind == IParticipantRegistry.ParticipantRegistered.selector) {
                _status[id] = IParticipantRegistry.Status.ACTIVE;
            } else if (kind == IParticipantRegistry.ParticipantSuspended.selector) {
                _status[id] = IParticipantRegistry.Status.SUSPENDED;
            } else if (kind == IParticipantRegistry.ParticipantReinstated.selector) {
                _status[id] = IParticipantRegistry.Status.ACTIVE;
            } else if (kind == IParticipantRegistry.ParticipantClosed.selector) {
                _status[id] = IParticipantRegistry.Status.CLOSED;
                if (_sponsors[id] != 0) --_count[_sponsors[id]];
            } else if (kind == IParticipantRegistry.ParticipantFrozen.selector) {
                _frozen[id] = true;
            } else if (kind == IParticipantRegistry.ParticipantUnfrozen.selector) {
                _frozen[id] = false;
            } else if (kind == IParticipantRegistry.FlagsChanged.selector) {
                _flags[id] = abi.decode(data, (uint8));
            } else {
                _replayPairsAndSponsors(kind, id, logs[i].topics);
            }
        }
    }

    function _replayPairsAndSponsors(bytes32 kind, uint32 first, bytes32[] memory topics) private {
        if (topics.length < 3) return;
        uint32 second = uint32(uint256(topics[2]));
        if (kind == ISponsorships.CustomerOnboarded.selector) {
            _sponsors[second] = first;
            ++_count[first];
        } else if (kind == ISponsorships.CustomerSuspended.selector) {
            _flags[second] |= Flags.SUSPENDED_BY_SPONSOR;
        } else if (kind == ISponsorships.CustomerReinstated.selector) {
            _flags[second] &= ~Flags.SUSPENDED_BY_SPONSOR;
        } else if (kind == IParticipantRegistry.PairPermitted.selector) {
            _pairs[uint16(first)][uint16(second)] = true;
        } else if (kind == IParticipantRegistry.PairForbidden.selector) {
            _pairs[uint16(first)][uint16(second)] = false;
        }
    }

    function _compare() private view {
        for (uint32 id = 1; id <= registry.participantCount(); ++id) {
            IParticipantRegistry.Participant memory p = registry.participantOf(id);
            assertEq(uint8(p.status), uint8(_status[id]), "status");
            assertEq(p.frozen, _frozen[id], "frozen");
            assertEq(p.flags, _flags[id], "flags");
            assertEq(p.sponsor, _sponsors[id], "sponsor");
            assertEq(registry.isStopped(id), _stoppedItself(id) || _stoppedItself(_sponsors[id]), "stopped");
            (,, uint32 customers) = registry.sponsorshipOf(id);
            assertEq(customers, _count[id], "customers");
        }
        for (uint256 i; i < 4; ++i) {
            (uint16 from, uint16 to) = (_jurisdictions[i / 2], _jurisdictions[i % 2]);
            assertEq(registry.pairPermitted(from, to), _pairs[from][to], "pair");
        }
    }

    function _stoppedItself(uint32 id) private view returns (bool) {
        return _frozen[id] || _status[id] == IParticipantRegistry.Status.SUSPENDED
            || _flags[id] & Flags.SUSPENDED_BY_SPONSOR != 0;
    }
}
