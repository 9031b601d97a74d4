// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Path, Standing} from "../../contracts/libraries/Reason.sol";
import {TokenScenario} from "./base/TokenScenario.sol";

/// @notice `check` is what execution does: any path, between parties in any standing, by any caller, any amount, with the
/// token paused or not, the notary in any state, frozen amounts and a limit.
contract TokenCheckFuzz is TokenScenario {
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
