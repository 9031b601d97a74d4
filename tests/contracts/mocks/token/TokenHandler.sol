// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DepositToken} from "../../../../contracts/DepositToken.sol";
import {IDepositToken} from "../../../../contracts/interfaces/IDepositToken.sol";
import {Vm} from "../../base/Vm.sol";

/// @notice Does anything anybody may do to a token, in any order, and remembers what it saw. What the rules refuse is
/// refused; what they should never let through would show in the invariants.
contract TokenHandler {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    DepositToken public immutable token;
    address public immutable issuer;
    address public immutable compliance;
    address public immutable seizer;
    address[] public wallets;
    address[] public notaries;

    uint256 public minted;
    uint256 public burnt;
    uint256 public done;
    uint256 private _serial;

    constructor(
        DepositToken token_,
        address[] memory wallets_,
        address[] memory notaries_,
        address issuer_,
        address compliance_,
        address seizer_
    ) {
        (token, wallets, notaries) = (token_, wallets_, notaries_);
        (issuer, compliance, seizer) = (issuer_, compliance_, seizer_);
    }

    function _do(address caller, bytes memory call_) private returns (bool success) {
        VM.prank(caller);
        (success,) = address(token).call(call_);
        if (success) done++;
    }

    function _wallet(uint256 seed) private view returns (address) {
        return wallets[seed % wallets.length];
    }

    function _notary(uint256 seed) private view returns (address) {
        return notaries[seed % notaries.length];
    }

    function mint(uint256 to, uint96 amount) external {
        uint256 minted_ = uint256(amount) % 1e9;
        if (_do(issuer, abi.encodeCall(token.mint, (bytes32(++_serial), _wallet(to), minted_)))) minted += minted_;
    }

    function transfer(uint256 from, uint256 to, uint96 amount) external {
        _do(_wallet(from), abi.encodeCall(token.transfer, (_wallet(to), amount % 1e9)));
    }

    function payBatch(uint256 from, uint256 a, uint256 b, uint96 amount) external {
        IDepositToken.Payment[] memory batch = new IDepositToken.Payment[](3);
        uint256 each = 1 + amount % 1e8;
        batch[0] = IDepositToken.Payment(_wallet(a), each, bytes32(++_serial), "");
        batch[1] = IDepositToken.Payment(_wallet(b), each, bytes32(++_serial), "");
        batch[2] = IDepositToken.Payment(_wallet(a), each, bytes32(++_serial), "");
        _do(_wallet(from), abi.encodeCall(token.payBatch, (batch)));
    }

    function hold(uint256 payer, uint256 notary, uint96 amount) external {
        _do(_wallet(payer), abi.encodeCall(token.holdAndCall, (_notary(notary), 1 + amount % 1e9, "ref", "")));
    }

    function execute(uint256 payer, uint256 notary, uint256 to, uint96 amount) external {
        address payer_ = _wallet(payer);
        uint256 held = token.heldFor(_notary(notary), payer_);
        _do(_notary(notary), abi.encodeCall(token.execute, (payer_, _wallet(to), amount % (held + 2), "ref")));
    }

    function release(uint256 payer, uint256 notary, uint96 amount, uint256 day) external {
        address payer_ = _wallet(payer);
        uint256 held = token.heldFor(_notary(notary), payer_);
        uint256 today = block.timestamp / 1 days;
        _do(_notary(notary), abi.encodeCall(token.release, (payer_, amount % (held + 2), "ref", today - day % 2)));
    }

    function cancelByOrder(uint256 payer, uint256 notary, uint96 amount) external {
        address payer_ = _wallet(payer);
        uint256 held = token.heldFor(_notary(notary), payer_);
        _do(_notary(notary), abi.encodeCall(token.cancelByOrder, (payer_, amount % (held + 2), "ref", "order")));
    }

    function redeem(uint256 payer, uint96 amount, uint256 end) external {
        address payer_ = _wallet(payer);
        bytes32 ref = bytes32(++_serial);
        uint256 amount_ = amount % 1e8;
        if (!_do(payer_, abi.encodeCall(token.requestRedemption, (amount_, ref, "payout")))) return;
        uint32 participant = uint32(payer % wallets.length) + 1; // the test onboards them in this order
        if (end % 3 == 0) return;
        _do(issuer, abi.encodeCall(token.instructRedemption, (participant, ref)));
        if (end % 3 == 1) {
            if (_do(issuer, abi.encodeCall(token.settleRedemption, (participant, ref, "fiat")))) burnt += amount_;
        } else {
            _do(issuer, abi.encodeCall(token.returnRedemption, (participant, ref, "evidence")));
        }
    }

    function freeze(uint256 wallet, uint96 amount) external {
        _do(compliance, abi.encodeCall(token.freezeAmount, (_wallet(wallet), amount % 1e8, "order")));
    }

    function unfreeze(uint256 wallet, uint96 amount) external {
        _do(seizer, abi.encodeCall(token.unfreezeAmount, (_wallet(wallet), amount % 1e8, "order")));
    }

    function seize(uint256 from, uint256 to, uint96 amount, uint96 released) external {
        _do(seizer, abi.encodeCall(token.seize, (_wallet(from), _wallet(to), amount % 1e8, released, "order")));
    }

    function wait(uint32 time) external {
        VM.warp(block.timestamp + time % 2 days);
    }
}
