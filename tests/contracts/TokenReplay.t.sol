// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IMandates} from "../../contracts/interfaces/IMandates.sol";
import {TokenScenario} from "./base/TokenScenario.sol";
import {Vm} from "./base/Vm.sol";
import {TestNotary} from "./mocks/token/TestNotary.sol";
import {TokenHandler} from "./mocks/token/TokenHandler.sol";

/// @notice Balances, holds, frozen amounts, supply and what is spent of the day, rebuilt from events alone by the rules
/// that IDepositToken states.
contract TokenReplay is TokenScenario {
    address[] private _wallets;
    address[] private _notaries;
    uint32[] private _participants;
    TokenHandler private _handler;

    mapping(address wallet => uint256) private _balances;
    mapping(address notary => mapping(address wallet => uint256)) private _held;
    mapping(address wallet => uint256) private _frozen;
    mapping(address wallet => uint256) private _spentBy; // one wallet a participant here
    uint256 private _supply;
    uint256 private _outstanding;
    uint256 private _netTransfers; // that NetExecuted announced
    uint256 private _nets; // and payments by mandate: what the handler does not count

    function setUp() public override {
        vm.recordLogs();
        super.setUp();
        TestNotary second = new TestNotary(address(usd));
        _registerNotary(usd, address(second));
        Party memory carol = _party("carol", MONEY);
        _wallets = [alice.wallet, bob.wallet, carol.wallet];
        _participants = [alice.id, bob.id, carol.id];
        _notaries = [address(notary), address(second), address(usd)];
        _handler = new TokenHandler(usd, _wallets, _notaries, issuer, compliance, seizer);
    }

    function testFuzz_events_rebuild_the_books(uint256 seed, bool recovery) public {
        _replay(vm.getRecordedLogs());
        for (uint256 i = 0; i < 40; i++) {
            uint256 done = _handler.done() + _nets;
            _act(uint256(keccak256(abi.encode(seed, i))));
            Vm.Log[] memory logs = vm.getRecordedLogs(); // forge records those of reverted calls too
            if (_handler.done() + _nets > done) _replay(logs);
        }
        if (recovery) _recoverAlice();
        _replay(vm.getRecordedLogs());
        _compare();
        assertGt(_handler.done(), 5);
    }

    function _act(uint256 random) private {
        (uint256 a, uint256 b, uint96 amount) = (random >> 16 & 0xff, random >> 24 & 0xff, uint96(random >> 64));
        uint256 what = random % 14;
        if (what == 0) _handler.mint(a, amount);
        if (what == 1) _handler.transfer(a, b, amount % 100_000);
        if (what == 2) _handler.payBatch(a, b, b + 1, amount % 100_000);
        if (what == 3) _handler.hold(a, b % 2, amount % 100_000);
        if (what == 4) _handler.execute(a, b % 2, b, amount);
        if (what == 5) _handler.release(a, b % 2, amount, amount);
        if (what == 6) _handler.cancelByOrder(a, b % 2, amount % 1000);
        if (what == 7) _handler.redeem(a, amount % 10_000, b);
        if (what == 8) _handler.freeze(a, amount % 1000);
        if (what == 9) _handler.unfreeze(a, amount % 1000);
        if (what == 10) _handler.seize(a, b, amount % 10_000, amount % 500);
        if (what == 11 || what == 12) _net(random >> 8);
        if (what == 13) _payByMandate(random >> 8);
    }

    function test_a_net_is_rebuilt() public {
        _replay(vm.getRecordedLogs());
        for (uint256 i; _nets < 8; ++i) {
            assertLt(i, 60);
            _handler.hold(i, i, 30_000);
            _replay(vm.getRecordedLogs());
            uint256 done = _nets;
            _net(uint256(keccak256(abi.encode(i))));
            Vm.Log[] memory logs = vm.getRecordedLogs();
            if (_nets > done) _replay(logs);
        }
        _compare();
    }

    /// @dev Up to four payments among the three, by consent or out of what a notary holds, some of it new.
    function _net(uint256 random) private {
        address by = _notaries[random % 2];
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](1 + (random >> 8) % 4);
        for (uint256 i; i < sources.length; ++i) {
            uint256 r = uint256(keccak256(abi.encode(random, i)));
            address payer = _wallets[r % 3];
            IDepositToken.NetSource memory s = sources[i];
            s.payer = payer;
            s.legs = new IDepositToken.NetLeg[](1);
            s.legs[0] = IDepositToken.NetLeg(_wallets[(r >> 8) % 3], 1 + (r >> 16) % 50_000);
            if (r >> 64 & 1 == 1) {
                s.day = _today() - (r >> 65 & 1);
                uint256 held = usd.heldFor(by, payer);
                if (held < s.legs[0].amount) s.legs[0].amount = held;
            } else {
                (s.nonce, s.deadline) = (_next(), block.timestamp);
                uint256 amount = s.legs[0].amount;
                s.signature = _signConsent(keyOf[payer], usd, payer, by, amount, "", s.nonce, s.deadline);
            }
        }
        vm.prank(by);
        (bool done,) = address(usd).call(abi.encodeCall(usd.executeNet, (sources)));
        if (done) ++_nets;
    }

    /// @dev By a mandate of its own; what is not done leaves no trace.
    function _payByMandate(uint256 random) private {
        address by = _notaries[random % 2];
        address payer = _wallets[(random >> 8) % 3];
        IMandates.Mandate memory mandate =
            IMandates.Mandate(payer, by, bytes32(_next()), 1e6, 1e6, 1 days, block.timestamp, block.timestamp);
        uint256 amount = 1 + (random >> 16) % 50_000;
        vm.prank(payer);
        (bool given,) = address(usd).call(abi.encodeCall(usd.registerMandate, (mandate)));
        if (!given) return;
        vm.prank(by);
        (bool done,) = address(usd)
            .call(abi.encodeCall(usd.executeByMandate, (mandate, _wallets[(random >> 40) % 3], amount, mandate.ruleId)));
        if (done) ++_nets;
    }

    /// @dev Straight at the token: the registry's waiting time would end the day.
    function _recoverAlice() private {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        vm.prank(address(registry));
        usd.recover(alice.wallet, second.addr, ORDER);
        _wallets.push(second.addr);
        _participants.push(alice.id);
    }

    // ---- the rules ----

    function _replay(Vm.Log[] memory logs) private {
        bool charged = true;
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].emitter != address(usd)) continue;
            bytes32 kind = logs[i].topics[0];
            if (kind == IERC20.Transfer.selector) {
                if (_netTransfers != 0) (charged, _netTransfers) = (false, _netTransfers - 1);
                _replayTransfer(logs[i], charged);
            } else {
                _replayAct(logs[i]);
            }
            charged =
            !(kind == IDepositToken.HoldExecuted.selector || kind == IDepositToken.RedemptionSettled.selector
                    || kind == IDepositToken.Seized.selector || kind == IDepositToken.Recovered.selector
                    || kind == IDepositToken.HoldMoved.selector);
        }
    }

    function _replayTransfer(Vm.Log memory log, bool charged) private {
        (address from, address to) = (_address(log.topics[1]), _address(log.topics[2]));
        uint256 amount = abi.decode(log.data, (uint256));
        if (from == address(0)) _supply += amount;
        else _balances[from] -= amount;
        if (to == address(0)) _supply -= amount;
        else _balances[to] += amount;
        if (charged && from != address(0) && from != to) _spentBy[from] += amount;
    }

    function _replayAct(Vm.Log memory log) private {
        bytes32 kind = log.topics[0];
        if (kind == IDepositToken.Held.selector) {
            uint256 amount = abi.decode(log.data, (uint256));
            _held[_address(log.topics[1])][_address(log.topics[2])] += amount;
            _spentBy[_address(log.topics[2])] += amount;
        } else if (kind == IDepositToken.HoldExecuted.selector || kind == IDepositToken.HoldCancelledByOrder.selector) {
            (uint256 amount,) = abi.decode(log.data, (uint256, bytes32));
            _held[_address(log.topics[1])][_address(log.topics[2])] -= amount;
        } else if (kind == IDepositToken.NetSettled.selector) {
            (,, uint256 charged) = abi.decode(log.data, (uint256, uint256, uint256));
            _spentBy[_address(log.topics[2])] += charged;
        } else if (kind == IDepositToken.NetExecuted.selector) {
            (, _netTransfers) = abi.decode(log.data, (uint256, uint256));
        } else if (kind == IDepositToken.HoldReleased.selector || kind == IDepositToken.HoldNetted.selector) {
            (uint256 amount, uint256 day) = abi.decode(log.data, (uint256, uint256));
            address payer = _address(log.topics[2]);
            _held[_address(log.topics[1])][payer] -= amount;
            if (day == _today()) _spentBy[payer] -= amount < _spentBy[payer] ? amount : _spentBy[payer];
        } else if (kind == IDepositToken.RedemptionSettled.selector) {
            (address wallet, uint256 amount,) = abi.decode(log.data, (address, uint256, bytes32));
            _held[address(usd)][wallet] -= amount;
            _outstanding -= amount;
        } else if (kind == IDepositToken.DepositMinted.selector) {
            _outstanding += abi.decode(log.data, (uint256));
        } else if (kind == IDepositToken.HoldMoved.selector) {
            uint256 amount = abi.decode(log.data, (uint256));
            _held[_address(log.topics[1])][_address(log.topics[2])] -= amount;
            _held[_address(log.topics[1])][_address(log.topics[3])] += amount;
        } else {
            _replayFreeze(log);
        }
    }

    function _replayFreeze(Vm.Log memory log) private {
        bytes32 kind = log.topics[0];
        if (kind == IDepositToken.AmountFrozen.selector || kind == IDepositToken.AmountUnfrozen.selector) {
            (, uint256 frozen,) = abi.decode(log.data, (uint256, uint256, bytes32));
            _frozen[_address(log.topics[1])] = frozen;
        } else if (kind == IDepositToken.Seized.selector) {
            (, uint256 released,) = abi.decode(log.data, (uint256, uint256, bytes32));
            _frozen[_address(log.topics[1])] -= released;
        } else if (kind == IDepositToken.Recovered.selector) {
            (, uint256 frozen,) = abi.decode(log.data, (uint256, uint256, bytes32));
            _frozen[_address(log.topics[1])] = 0;
            _frozen[_address(log.topics[2])] += frozen;
        }
    }

    function _compare() private view {
        assertEq(_supply, usd.totalSupply(), "supply");
        (, uint256 outstanding) = usd.mintCeiling(issuer);
        assertEq(_outstanding, outstanding, "outstanding");
        for (uint256 i = 0; i < _wallets.length; i++) {
            address wallet = _wallets[i];
            assertEq(_balances[wallet], usd.balanceOf(wallet), "balance");
            assertEq(_frozen[wallet], usd.frozen(wallet), "frozen");
            if (i < 3) assertEq(_spentBy[wallet], _spent(_participants[i]), "spent");
            bool lost = wallet == alice.wallet && _wallets.length == 4;
            for (uint256 k = 0; k < _notaries.length && !lost; k++) {
                assertEq(_held[_notaries[k]][wallet], usd.heldFor(_notaries[k], wallet), "held");
            }
        }
    }

    function _address(bytes32 topic) private pure returns (address) {
        return address(uint160(uint256(topic)));
    }
}
