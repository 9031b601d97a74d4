// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Interval} from "../../contracts/libraries/Interval.sol";
import {Standing} from "../../contracts/libraries/Reason.sol";
import {RegistryActs} from "./base/RegistryActs.sol";

/// @notice What holds of participants and wallets whatever the bank's offices, their owners and strangers do.
contract RegistryInvariantTest is RegistryActs {
    function setUp() public override {
        super.setUp();
        bytes4[] memory s = new bytes4[](16);
        (s[0], s[1], s[2], s[3]) =
        (this.onboard.selector, this.renewKyc.selector, this.freeze.selector, this.suspend.selector);
        (s[4], s[5], s[6], s[7]) =
        (this.loosen.selector, this.close.selector, this.link.selector, this.linkAgain.selector);
        (s[8], s[9], s[10]) = (this.unlink.selector, this.suspendWallet.selector, this.reinstateWallet.selector);
        (s[11], s[12], s[13]) = (this.changeCurrent.selector, this.loseWallet.selector, this.pass.selector);
        (s[14], s[15]) = (this.trespass.selector, this.loosen.selector);
        _target(address(this), s);
    }

    function invariant_a_wallet_stands_as_its_history_says() external view {
        for (uint256 i; i < _known.length; ++i) {
            (Standing standing, uint32 id) = registry.standingOf(_known[i].wallet);
            assertEq(uint8(standing), uint8(_expected(_known[i])));
            assertEq(id, _owners[_known[i].owner].id);
        }
    }

    function invariant_a_stop_bites_in_the_same_block() external view {
        assertEq(_stillGood, 0);
    }

    function invariant_a_lost_wallet_leads_to_one_of_the_same_participant() external view {
        for (uint256 i; i < _known.length; ++i) {
            if (_known[i].status != IParticipantRegistry.WalletStatus.LOST) continue;
            address heir = registry.resolve(_known[i].wallet);
            (, Known storage found) = _find(heir);
            assertEq(found.owner, _known[i].owner);
            assertTrue(found.status != IParticipantRegistry.WalletStatus.LOST, "lost itself");
            assertEq(registry.resolve(heir), heir);
            assertEq(registry.successorOf(_known[i].wallet), _known[i].successor);
        }
    }

    function invariant_the_current_wallet_is_one_of_its_own() external view {
        for (uint256 i; i < _owners.length; ++i) {
            assertEq(registry.currentWallet(_owners[i].id), _owners[i].current);
            (, Known storage current) = _find(_owners[i].current);
            assertEq(current.owner, i);
            assertTrue(current.status != IParticipantRegistry.WalletStatus.LOST, "lost");
        }
    }

    function invariant_stopped_time_is_the_time_it_was_stopped() external view {
        for (uint256 i; i < _owners.length; ++i) {
            uint256 sum;
            uint256 last;
            Interval[] memory stops = registry.stopsSince(_owners[i].id, 0);
            for (uint256 k; k < stops.length; ++k) {
                assertTrue(k == 0 || stops[k].start > last, "ascending and disjoint");
                last = stops[k].end == 0 ? block.timestamp : stops[k].end;
                sum += last - stops[k].start;
            }
            assertEq(sum, _owners[i].stopped);
        }
    }

    function invariant_nobody_acts_beyond_its_office() external view {
        assertEq(_byStrangers, 0);
    }

    function afterInvariant() external {
        _reportRows();
    }

    /// @dev Every row, by the same acts and seeds of their own.
    function test_the_acts_reach_every_row() external {
        vm.pauseGasMetering();
        for (uint256 i; i < 900 && bytes(_rowsMissed()).length != 0; ++i) {
            _step(uint256(keccak256(abi.encode("row", i))));
        }
        assertEq(_rowsMissed(), "");
    }

    function _step(uint256 seed) private {
        uint256 what = (seed >> 200) % 15;
        if (what == 0) this.onboard(seed);
        else if (what == 1) this.link(seed);
        else if (what == 2) this.freeze(seed);
        else if (what == 3) this.suspend(seed);
        else if (what < 6) this.loosen(seed);
        else if (what == 6) this.close(seed);
        else if (what < 9) this.linkAgain(seed, seed >> 32);
        else if (what == 9) this.unlink(seed);
        else if (what == 10) this.suspendWallet(seed);
        else if (what == 11) this.reinstateWallet(seed);
        else if (what == 12) this.changeCurrent(seed);
        else if (what == 13) this.loseWallet(seed, seed >> 32);
        else this.pass(uint32(seed));
    }
}
