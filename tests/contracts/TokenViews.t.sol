// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Standing} from "../../contracts/libraries/Reason.sol";
import {TokenScenario} from "./base/TokenScenario.sol";

/// @notice The views of ERC-7943 say what `check`, the registry and `frozen` say.
contract TokenViews is TokenScenario {
    function test_only_a_linked_wallet_in_good_standing_sends_and_receives() public {
        for (uint256 i; i <= uint256(Standing.KYC_EXPIRED); ++i) {
            if (Standing(i) == Standing.STALE) continue;
            uint256 before = vm.snapshotState();
            (, address wallet) = _standing(Standing(i));
            assertEq(usd.canSend(wallet), Standing(i) == Standing.GOOD);
            assertEq(usd.canReceive(wallet), Standing(i) == Standing.GOOD);
            vm.revertToState(before);
        }
        assertFalse(usd.canSend(address(0)));
    }

    function testFuzz_can_transfer_is_what_a_transfer_does(uint96 amount, uint96 frozen) public {
        uint256 amount_ = uint256(amount) % (2 * MONEY);
        if (frozen % 3 != 0) _freezeAmount(usd, alice.wallet, 1 + uint256(frozen) % (2 * MONEY));
        bool foretold = usd.canTransfer(alice.wallet, bob.wallet, amount_);
        vm.prank(alice.wallet);
        (bool done,) = address(usd).call(abi.encodeCall(usd.transfer, (bob.wallet, amount_)));
        assertEq(done, foretold);
    }

    function test_nothing_can_be_transferred_while_paused_or_to_a_stopped_payee() public {
        assertTrue(usd.canTransfer(alice.wallet, bob.wallet, MONEY));
        assertFalse(usd.canTransfer(alice.wallet, bob.wallet, MONEY + 1));
        _freeze(bob.id);
        assertFalse(usd.canTransfer(alice.wallet, bob.wallet, 1));
        assertTrue(usd.canTransfer(alice.wallet, alice.wallet, 1));
        _pause(usd);
        assertFalse(usd.canTransfer(alice.wallet, alice.wallet, 1));
    }

    function test_frozen_tokens_are_what_is_frozen_also_beyond_the_balance() public {
        assertEq(usd.getFrozenTokens(alice.wallet), 0);
        _freezeAmount(usd, alice.wallet, 2 * MONEY);
        assertEq(usd.getFrozenTokens(alice.wallet), 2 * MONEY);
    }
}
