// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;
import {TokenBase} from "./base/TokenBase.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {INotary} from "../../contracts/interfaces/INotary.sol";

contract N is INotary {
    IDepositToken t;
    constructor(IDepositToken t_) { t = t_; }
    function onHold(address, uint256, bytes32, bytes calldata) external pure returns (bytes4) { return INotary.onHold.selector; }
    function hold(address p, uint256 a, bytes32 r, uint256 n, uint256 d, bytes calldata s) external { t.hold(p, a, r, n, d, s); }
    function execute(address p, address to, uint256 a) external { t.execute(p, to, a, "x"); }
    function release(address p, uint256 a, uint256 day) external { t.release(p, a, "x", day); }
}

contract TokenGasScratch is TokenBase {
    Party alice; Party bob; Party carol;
    event G(string, uint256);
    function g(string memory n) internal { emit G(n, vm.lastCallGas().gasTotalUsed); }
    function test_gas() external {
        alice = _client("alice", usd, 1e12);
        bob = _client("bob", usd, 1e10);
        carol = _client("carol");
        N n = new N(usd);
        _registerNotary(usd, address(n));
        vm.prank(alice.wallet); usd.transfer(carol.wallet, 100);
        vm.prank(carol.wallet); usd.transfer(bob.wallet, 100);
        vm.prank(bob.wallet); usd.transfer(alice.wallet, 100);
        vm.prank(alice.wallet); usd.pay(bob.wallet, 100, bytes32(uint256(1)), "");
        vm.prank(alice.wallet); usd.holdAndCall(address(n), 1000, "r", "");
        vm.warp(block.timestamp + 1 days);
        vm.prank(alice.wallet); usd.transfer(bob.wallet, 100); g("transfer existing");
        vm.warp(block.timestamp + 1 days);
        vm.prank(alice.wallet); usd.transfer(carol.wallet, 100); g("transfer new");
        vm.prank(alice.wallet); usd.approve(bob.wallet, 1e9);
        vm.warp(block.timestamp + 1 days);
        vm.prank(bob.wallet); usd.transferFrom(alice.wallet, bob.wallet, 100); g("transferFrom by payee");
        vm.prank(alice.wallet); usd.approve(carol.wallet, 1e9);
        vm.warp(block.timestamp + 1 days);
        vm.prank(carol.wallet); usd.transferFrom(alice.wallet, bob.wallet, 100); g("transferFrom by other");
        vm.warp(block.timestamp + 1 days);
        vm.prank(alice.wallet); usd.pay(bob.wallet, 100, keccak256("a"), abi.encode(keccak256("b"))); g("pay new word");
        vm.warp(block.timestamp + 1 days);
        vm.prank(alice.wallet); usd.pay(bob.wallet, 100, bytes32(uint256(keccak256("a")) ^ 1), abi.encode(keccak256("b"))); g("pay same word");
        vm.warp(block.timestamp + 1 days);
        vm.prank(alice.wallet); usd.holdAndCall(address(n), 1000, "r", ""); g("holdAndCall");
        vm.warp(block.timestamp + 1 days);
        n.execute(alice.wallet, bob.wallet, 500); g("execute");
        vm.warp(block.timestamp + 1 days);
        n.release(alice.wallet, 500, block.timestamp / 1 days - 1); g("release");
        _deposit(usd, alice.wallet, 5); g("mint");
        Party[] memory ps = new Party[](200);
        IDepositToken.Payment[] memory pm = new IDepositToken.Payment[](200);
        uint256 base = uint256(keccak256("batch")) & ~uint256(0xff);
        for (uint256 i; i < 200; ++i) {
            ps[i] = _client(vm.toString(i));
            vm.prank(alice.wallet); usd.transfer(ps[i].wallet, 100);
            pm[i] = IDepositToken.Payment(ps[i].wallet, 123456 + i, bytes32(base + i), abi.encode(keccak256("b")));
        }
        vm.warp(block.timestamp + 1 days);
        vm.prank(alice.wallet); usd.payBatch(pm); emit G("batch each", vm.lastCallGas().gasTotalUsed / 200);
    }
}
