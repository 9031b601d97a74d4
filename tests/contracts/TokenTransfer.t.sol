// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {TokenRare} from "../../contracts/libraries/TokenRare.sol";
import {TokenScenario} from "./base/TokenScenario.sol";
import {Vm} from "./base/Vm.sol";
import {ContractWallet} from "./mocks/token/ContractWallet.sol";

/// @notice The token as an ERC-20 with EIP-2612, and the day's limit.
contract TokenTransfer is TokenScenario {
    function test_describes_itself() public view {
        assertEq(usd.name(), "US dollar deposit");
        assertEq(usd.symbol(), "USD");
        assertEq(usd.currency(), "USD");
        assertEq(usd.decimals(), 2);
        assertEq(usd.version(), "1.0.0");
        assertEq(usd.registry(), address(registry));
        assertEq(usd.totalSupply(), MONEY);
    }

    function test_transfer_moves_money_and_says_so() public {
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(alice.wallet, bob.wallet, 400);
        vm.prank(alice.wallet);
        assertTrue(usd.transfer(bob.wallet, 400));
        assertEq(usd.balanceOf(alice.wallet), MONEY - 400);
        assertEq(usd.balanceOf(bob.wallet), 400);
        assertEq(usd.totalSupply(), MONEY);
    }

    // T-REX reverts on zero and breaks ERC-20.
    function test_transfer_of_zero_passes_and_charges_nothing() public {
        _setLimit(usd, alice.id, 0);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(alice.wallet, bob.wallet, 0);
        _transfer(alice.wallet, bob.wallet, 0);
        assertEq(_spent(alice.id), 0);
    }

    function test_transfer_to_oneself_changes_nothing_but_needs_the_money() public {
        _transfer(alice.wallet, alice.wallet, MONEY);
        assertEq(usd.balanceOf(alice.wallet), MONEY);
        assertEq(_spent(alice.id), 0);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY, MONEY + 1));
        _transfer(alice.wallet, alice.wallet, MONEY + 1);
    }

    function test_transfer_to_nobody_is_refused() public {
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYEE_UNKNOWN, address(0), 0, 0));
        _transfer(alice.wallet, address(0), 1);
    }

    function test_refusal_carries_the_numbers() public {
        _setLimit(usd, alice.id, 1000);
        _transfer(alice.wallet, bob.wallet, 700);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.DAILY_LIMIT, alice.wallet, 300, 301));
        _transfer(alice.wallet, bob.wallet, 301);
        _transfer(alice.wallet, bob.wallet, 300);
    }

    function test_moves_between_wallets_of_one_participant_are_not_charged() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _setLimit(usd, alice.id, 500);
        _transfer(alice.wallet, second.addr, 10_000);
        assertEq(_spent(alice.id), 0);
        _transfer(second.addr, bob.wallet, 500);
        assertEq(_spent(alice.id), 500);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.DAILY_LIMIT, alice.wallet, 0, 1));
        _transfer(alice.wallet, bob.wallet, 1);
    }

    function test_the_limit_is_of_the_utc_day() public {
        _setLimit(usd, alice.id, 100);
        uint256 midnight = (_today() + 1) * 1 days;
        vm.warp(midnight - 1);
        _transfer(alice.wallet, bob.wallet, 100);
        assertEq(_spent(alice.id), 100);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.DAILY_LIMIT, alice.wallet, 0, 1));
        _transfer(alice.wallet, bob.wallet, 1);
        vm.warp(midnight);
        assertEq(_spent(alice.id), 0);
        _transfer(alice.wallet, bob.wallet, 100);
    }

    function test_changing_the_limit_keeps_what_was_spent() public {
        _setLimit(usd, alice.id, 100);
        _transfer(alice.wallet, bob.wallet, 80);
        _setLimit(usd, alice.id, 50);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.DAILY_LIMIT, alice.wallet, 0, 1));
        _transfer(alice.wallet, bob.wallet, 1);
        _setLimit(usd, alice.id, 81);
        _transfer(alice.wallet, bob.wallet, 1);
        (uint256 limit, uint256 spent) = usd.dailyLimit(alice.id);
        assertEq(limit, 81);
        assertEq(spent, 81);
    }

    // ---- allowances ----

    function test_transferFrom_spends_the_allowance() public {
        _approve(alice.wallet, bob.wallet, 1000);
        vm.prank(bob.wallet);
        usd.transferFrom(alice.wallet, bob.wallet, 400);
        assertEq(usd.allowance(alice.wallet, bob.wallet), 600);
        assertEq(_spent(alice.id), 400, "charged to the payer");
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, bob.wallet, 600, 601));
        vm.prank(bob.wallet);
        usd.transferFrom(alice.wallet, bob.wallet, 601);
    }

    function test_an_infinite_allowance_stays() public {
        _approve(alice.wallet, bob.wallet, type(uint256).max);
        vm.prank(bob.wallet);
        usd.transferFrom(alice.wallet, bob.wallet, 400);
        assertEq(usd.allowance(alice.wallet, bob.wallet), type(uint256).max);
    }

    // T-REX: a frozen, unregistered spender moves money by transferFrom.
    function test_a_frozen_spender_moves_nothing_whatever_its_allowance() public {
        _approve(alice.wallet, bob.wallet, type(uint256).max);
        Party memory carol = _party("carol", 0);
        _freeze(bob.id);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.CALLER_STOPPED, bob.wallet, 0, 0));
        vm.prank(bob.wallet);
        usd.transferFrom(alice.wallet, carol.wallet, 1);
    }

    function test_nobody_is_approved() public {
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidSpender.selector, address(0)));
        _approve(alice.wallet, address(0), 1);
    }

    function _approve(address owner, address spender, uint256 amount) private {
        vm.prank(owner);
        usd.approve(spender, amount);
    }

    // ---- permit ----

    function test_permit_by_a_key() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(alice.key, _permitDigest(alice.wallet, 500, 0, block.timestamp));
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Approval(alice.wallet, bob.wallet, 500);
        usd.permit(alice.wallet, bob.wallet, 500, block.timestamp, v, r, s);
        assertEq(usd.allowance(alice.wallet, bob.wallet), 500);
        assertEq(usd.nonces(alice.wallet), 1);
    }

    function test_permit_works_once() public {
        bytes32 digest = _permitDigest(alice.wallet, 500, 0, block.timestamp);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(alice.key, digest);
        usd.permit(alice.wallet, bob.wallet, 500, block.timestamp, v, r, s);
        vm.expectPartialRevert(TokenRare.ERC2612InvalidSigner.selector);
        usd.permit(alice.wallet, bob.wallet, 500, block.timestamp, v, r, s);
    }

    function test_permit_ends_after_its_deadline() public {
        uint256 deadline = block.timestamp + 10;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(alice.key, _permitDigest(alice.wallet, 500, 0, deadline));
        uint256 before = vm.snapshotState();
        vm.warp(deadline);
        usd.permit(alice.wallet, bob.wallet, 500, deadline, v, r, s);
        vm.revertToState(before);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(TokenRare.ERC2612ExpiredSignature.selector, deadline));
        usd.permit(alice.wallet, bob.wallet, 500, deadline, v, r, s);
    }

    function test_permit_by_another_key_is_refused() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(bob.key, _permitDigest(alice.wallet, 500, 0, block.timestamp));
        vm.expectRevert(abi.encodeWithSelector(TokenRare.ERC2612InvalidSigner.selector, bob.wallet, alice.wallet));
        usd.permit(alice.wallet, bob.wallet, 500, block.timestamp, v, r, s);
    }

    function test_permit_with_a_high_s_is_refused() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(alice.key, _permitDigest(alice.wallet, 500, 0, block.timestamp));
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        vm.expectPartialRevert(TokenRare.ERC2612InvalidSigner.selector);
        usd.permit(alice.wallet, bob.wallet, 500, block.timestamp, v ^ 7, r, bytes32(order - uint256(s)));
    }

    function test_permit_by_a_contract_wallet() public {
        address wallet = address(new ContractWallet(alice.wallet));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(alice.key, _permitDigest(wallet, 500, 0, block.timestamp));
        usd.permit(wallet, bob.wallet, 500, block.timestamp, v, r, s);
        assertEq(usd.allowance(wallet, bob.wallet), 500);
    }

    function _permitDigest(address owner, uint256 value, uint256 nonce, uint256 deadline)
        private
        view
        returns (bytes32)
    {
        bytes32 typehash = keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );
        bytes32 structHash = keccak256(abi.encode(typehash, owner, bob.wallet, value, nonce, deadline));
        return _digest(_domain("US dollar deposit", address(usd)), structHash);
    }

    // ---- domain ----

    function test_the_domain_follows_the_chain_id() public {
        assertEq(usd.DOMAIN_SEPARATOR(), _domain("US dollar deposit", address(usd)));
        bytes32 before = usd.DOMAIN_SEPARATOR();
        vm.chainId(block.chainid + 1);
        assertEq(usd.DOMAIN_SEPARATOR(), _domain("US dollar deposit", address(usd)));
        assertNotEq(usd.DOMAIN_SEPARATOR(), before);
    }

    function test_eip5267_tells_the_domain() public view {
        (bytes1 fields, string memory name, string memory version, uint256 chainId, address verifier,,) =
            usd.eip712Domain();
        assertEq(bytes32(fields), bytes32(hex"0f"));
        assertEq(name, usd.name());
        assertEq(version, "1");
        assertEq(chainId, block.chainid);
        assertEq(verifier, address(usd));
    }

    // ---- the short way and the long way ----

    /// @dev An operator's transferFrom goes through Movements, the payer's own transfer the short way: same outcome.
    function testFuzz_plain_transfers_do_what_the_rules_do(uint256 amount, uint256 limit, bool toOwnWallet) public {
        amount = bound(amount, 0, MONEY + 10);
        limit = bound(limit, 0, MONEY + 10);
        _setLimit(usd, alice.id, limit);
        address to = toOwnWallet ? _link(alice, "alice, second wallet").addr : bob.wallet;
        _transfer(alice.wallet, to, 0); // both words known
        _approve(alice.wallet, operator, type(uint256).max);
        uint256 before = vm.snapshotState();
        (bool shortDone, bytes memory shortResult) = _try(alice.wallet, abi.encodeCall(usd.transfer, (to, amount)));
        bytes32 shortState = _state(to);
        vm.revertToState(before);
        (bool longDone, bytes memory longResult) =
            _try(operator, abi.encodeCall(usd.transferFrom, (alice.wallet, to, amount)));
        assertEq(shortDone, longDone);
        assertEq(shortResult, longResult);
        assertEq(shortState, _state(to));
    }

    function _try(address caller, bytes memory call_) private returns (bool, bytes memory) {
        vm.prank(caller);
        return address(usd).call(call_);
    }

    function _state(address to) private view returns (bytes32) {
        return
            keccak256(abi.encode(usd.balanceOf(alice.wallet), usd.balanceOf(to), _spent(alice.id), usd.available(to)));
    }
}
