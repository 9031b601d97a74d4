// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Flags} from "../../contracts/libraries/Flags.sol";
import {Path, Standing} from "../../contracts/libraries/Reason.sol";
import {FlaggedBase} from "./base/FlaggedBase.sol";

/// @notice `check` is what execution does: any path, between parties in any standing, by any caller, any amount, with the
/// token paused or not, the notary in any state, frozen amounts and a limit; also where flags set the parties apart.
contract TokenCheckFuzz is FlaggedBase {
    struct World {
        uint8 path;
        uint8 payer;
        uint8 payee;
        uint8 caller;
        uint8 notaryState;
        bool paused;
        bool ownWallet;
        uint32 amount;
        uint32 frozen;
        uint32 limit;
    }

    function testFuzz_check_is_execution(World memory world) public {
        Path path = Path(world.path % 11);
        (Party memory party, address payer) = _standing(Standing(2 + world.payer % 8));
        if (world.payer % 9 == 8) payer = alice.wallet;
        (, address payee) = world.payee % 3 == 0 ? (bob, bob.wallet) : _standing(Standing(2 + world.payee % 8));
        if (world.ownWallet && party.id != 0) payee = party.wallet;
        uint256 amount = 1 + world.amount % (MONEY / 2 + 10);
        if (world.frozen % 2 == 0 && party.id != 0) _freezeAmount(usd, payer, 1 + world.frozen % MONEY);
        if (party.id != 0) _setLimit(usd, party.id, MONEY / 2 + MONEY / 10 + world.limit % MONEY);
        if (path == Path.SETTLE && lastRedemption[payer] != 0) _instruct(payer);
        _put(world.notaryState);
        if (world.paused) _pause(usd);
        if (path == Path.INSTRUCT || path == Path.SETTLE || path == Path.RETURN) {
            if (lastRedemption[payer] == 0) return; // nothing was requested: another error than a refusal
            amount = MONEY / 10;
        }
        _agree(path, _caller(path, world.caller, payer, payee), payer, payee, amount);
    }

    struct FlaggedWorld {
        uint8 path;
        uint8 payer;
        uint8 payee;
        uint8 caller;
        uint8 flags; // pair rules of payer and payee, a permitted pair, a lowered tier
        uint8 stop; // of the sponsor, or of its customer by it
        uint24 amount;
        uint24 filled; // what the payee has before
    }

    /// @dev Customers, Swiss and retail ones and others, as payer or payee, flagged or not, their sponsor stopped or not.
    function testFuzz_check_is_execution_between_flagged_parties(FlaggedWorld memory world) public {
        Path path = [Path.TRANSFER, Path.EXECUTE, Path.HOLD, Path.MINT, Path.SEIZE, Path.RELEASE][world.path % 6];
        Party[5] memory all = [client, swiss, retail, alice, bob];
        (Party memory payer, Party memory payee) = (all[world.payer % 5], all[world.payee % 5]);
        if (payer.id != alice.id) _deposit(usd, payer.wallet, TIER_BALANCE - 2000);
        _hold(payer.wallet, TIER_LIMIT / 2);
        if (payee.id != payer.id && payee.id != alice.id) _deposit(usd, payee.wallet, 1 + world.filled % TIER_BALANCE);
        if (world.flags & 1 != 0) _addFlags(payer.id, Flags.PAIR_RULES);
        if (world.flags & 2 != 0) _addFlags(payee.id, Flags.PAIR_RULES);
        if (world.flags & 4 != 0) _permitPair(world.flags & 8 != 0 ? DE : CH, world.flags & 16 != 0 ? DE : CH);
        if (world.flags & 32 != 0) _setRetailTier(TIER_LIMIT / 2 + 10, TIER_BALANCE / 2);
        if (world.stop % 4 == 1) _suspend(sponsor.id);
        if (world.stop % 4 == 2) _freeze(sponsor.id);
        if (world.stop % 4 == 3) {
            vm.prank(sponsor.wallet);
            registry.suspendCustomer(client.id, "reason");
        }
        address caller = _caller(path, world.caller, payer.wallet, payee.wallet);
        _agree(path, caller, payer.wallet, payee.wallet, 1 + world.amount % (TIER_LIMIT + 2));
    }

    function _put(uint8 state) private {
        vm.startPrank(pauser);
        if (state % 4 == 1) usd.runOffNotary(address(notary));
        if (state % 4 == 2) usd.stopNotary(address(notary));
        vm.stopPrank();
    }

    /// @dev Mostly whom the path wants, else somebody else.
    function _caller(Path path, uint8 choice, address payer, address payee) private view returns (address) {
        if (choice % 8 == 0) return payee;
        if (choice % 8 == 1) return operator;
        if (choice % 8 == 2) return issuer;
        if (path == Path.TRANSFER) return payer;
        if (path == Path.SEIZE) return seizer;
        if (path == Path.RECOVER) return address(registry);
        if (path == Path.MINT || path == Path.INSTRUCT || path == Path.SETTLE || path == Path.RETURN) return issuer;
        return address(notary);
    }
}
