// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PaymentRules} from "../../contracts/PaymentRules.sol";
import {IMandates} from "../../contracts/interfaces/IMandates.sol";
import {IPaymentRules} from "../../contracts/interfaces/IPaymentRules.sol";
import {ActionKind} from "../../contracts/libraries/ActionKind.sol";
import {Recurrence} from "../../contracts/libraries/Calendar.sol";
import {Every} from "../../contracts/libraries/Every.sol";
import {NodeKind} from "../../contracts/libraries/NodeKind.sol";
import {Rule} from "../../contracts/libraries/RuleTerms.sol";
import {RulesBase} from "./base/RulesBase.sol";
import {Vm} from "./base/Vm.sol";

/// @dev Whatever happens to four kinds of rules of two payers, each run by two contracts of which one takes the other's
/// place, while time passes and payers, payees, compliance and the bank do what they may.
contract RulesInvariant is RulesBase {
    uint256 private constant MOST_RULES = 10;

    PaymentRules[2] private _contracts;
    bytes[] private _all; // encoded: the compiler does not store them otherwise

    mapping(bytes32 ref => uint256 times) private _paid;
    mapping(bytes32 mandateAndWindow => uint256 amount) private _spent;
    uint256 private _paidTwice;
    uint256 private _capsPassed;
    uint256 private _differs; // previews that foretold something else
    uint256 private _unaccounted; // executions whose events, amounts and balances do not agree
    uint256 private _left; // executions that left something held

    uint256 private _executed;
    uint256 private _refusals;
    uint256 private _passedOver; // by the contract in the other's place
    uint256 private _caughtUp;

    function setUp() public override {
        super.setUp();
        _contracts[0] = rules;
        _contracts[1] = new PaymentRules(address(registry));
        _registerNotary(usd, address(_contracts[1]));
        _deposit(usd, bob.wallet, MONEY);
        vm.warp(JANUARY);
        for (uint256 kind; kind < 4; ++kind) {
            _make(kind);
        }
        bytes4[] memory selectors = new bytes4[](10);
        selectors[0] = this.executeSome.selector;
        selectors[1] = this.executeMany.selector;
        selectors[2] = this.pass.selector;
        selectors[3] = this.pauseOrRearm.selector;
        selectors[4] = this.revokeOne.selector;
        selectors[5] = this.freezeSomebody.selector;
        selectors[6] = this.pauseToken.selector;
        selectors[7] = this.pay.selector;
        selectors[8] = this.voidOne.selector;
        selectors[9] = this.freezeMoney.selector;
        _target(address(this), selectors);
    }

    /// @dev Not about nothing: the acts below lead to payments, refusals, catching up and passing over.
    function test_theActsReachEveryOutcome() public {
        for (uint256 i; i < 600; ++i) {
            uint256 random = uint256(keccak256(abi.encode(i)));
            if (random % 3 == 0) this.pass(random >> 8);
            if (random % 7 == 0) this.pauseOrRearm(random >> 8, random >> 16);
            if (random % 31 == 0) this.freezeSomebody(random >> 8);
            if (random % 11 == 0) this.voidOne(random >> 8, random >> 16);
            this.executeMany(random >> 24, random >> 32);
        }
        assertGt(_executed, 30);
        assertGt(_refusals, 50);
        assertGt(_passedOver, 0);
        assertGt(_caughtUp, 0);
        invariant_aPeriodIsPaidAtMostOnce();
        invariant_noCapIsPassed();
        invariant_previewIsExecution();
        invariant_whatMovedIsWhatEventsSay();
        invariant_nothingStaysHeld();
    }

    // ---- what may happen ----

    /// @dev Before, at or after the next period.
    function executeSome(uint256 which, uint256 where, uint256 offset) external {
        Rule memory r = _ruleOf(which);
        PaymentRules by = _contracts[where % 2];
        uint256 next = by.preview(r).period;
        _try(by, r, next + offset % 3 - 1);
    }

    function executeMany(uint256 which, uint256 where) external {
        Rule memory r = _ruleOf(which);
        PaymentRules by = _contracts[where % 2];
        for (uint256 i; i < 3 && _try(by, r, by.preview(r).period); ++i) {
            if (i != 0) ++_caughtUp;
        }
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + time % 3 days);
    }

    function pauseOrRearm(uint256 which, uint256 where) external {
        Rule memory r = _ruleOf(which);
        rules = _contracts[where % 2];
        if (rules.stateOf(rules.ruleId(r)).state == IPaymentRules.RuleState.PAUSED) {
            rules.arm(r, _approvals(r, 2));
        } else {
            vm.prank(r.payer);
            rules.pause(r);
        }
    }

    /// @dev A rule of the same kind takes the place of the one whose mandate is gone.
    function revokeOne(uint256 which) external {
        if (_all.length == MOST_RULES) return;
        Rule memory r = _ruleOf(which);
        IMandates.Mandate memory mandate = _contracts[0].mandateOf(r);
        (IMandates.MandateStatus status,) = usd.mandateState(mandate);
        if (status != IMandates.MandateStatus.ACTIVE) return;
        if (!_isGood(alice.id) || !_isGood(bob.id)) return;
        bytes32 id = usd.mandateId(mandate);
        vm.prank(which % 2 == 0 ? r.payer : compliance);
        usd.revokeMandate(id);
        _make(which % 4);
    }

    /// @dev Two days pass where somebody is let go.
    function freezeSomebody(uint256 who) external {
        uint32 id = [alice.id, bob.id, carol.id][who % 3];
        if (_isGood(id)) _freeze(id);
        else _unfreeze(id);
    }

    function pauseToken(uint256 rarely) external {
        if (usd.paused()) _unpause(usd);
        else if (rarely % 4 == 0) _pause(usd);
    }

    function pay(uint256 from, uint256 to, uint256 amount) external {
        address[3] memory wallets = [alice.wallet, bob.wallet, carol.wallet];
        vm.prank(wallets[from % 3]);
        (bool done,) = address(usd).call(abi.encodeCall(usd.transfer, (wallets[to % 3], amount % 3000)));
        if (!done) ++_refusals;
    }

    /// @dev The payer leaves out a share of the next period.
    function voidOne(uint256 which, uint256 share) external {
        Rule memory r = _ruleOf(which);
        (uint32 payer,,) = registry.walletOf(r.payer);
        bytes32 ref = rules.referenceOf(rules.ruleId(r), rules.preview(r).period, share % r.payees.length);
        vm.prank(r.payer);
        (bool done,) = address(usd).call(abi.encodeCall(usd.voidReference, (payer, ref)));
        if (done) _paid[ref] += 1; // spent: whoever pays it now pays it again
    }

    function freezeMoney(uint256 amount) external {
        uint256 frozen = usd.frozen(alice.wallet);
        if (frozen == 0) _freezeAmount(usd, alice.wallet, bound(amount, MONEY / 2, MONEY));
        else _delayed(resolution, address(usd), abi.encodeCall(usd.unfreezeAmount, (alice.wallet, frozen, ORDER)));
    }

    // ---- what holds, whatever happened ----

    function invariant_aPeriodIsPaidAtMostOnce() public view {
        assertEq(_paidTwice, 0);
    }

    function invariant_noCapIsPassed() public view {
        assertEq(_capsPassed, 0);
    }

    function invariant_previewIsExecution() public view {
        assertEq(_differs, 0);
    }

    function invariant_whatMovedIsWhatEventsSay() public view {
        assertEq(_unaccounted, 0);
    }

    function invariant_nothingStaysHeld() public view {
        assertEq(_left, 0);
        uint256 sum;
        address[3] memory wallets = [alice.wallet, bob.wallet, carol.wallet];
        for (uint256 i; i < 3; ++i) {
            assertEq(usd.held(wallets[i]), 0);
            sum += usd.balanceOf(wallets[i]);
        }
        assertEq(sum, usd.totalSupply());
    }

    // ---- one execution, looked at from all sides ----

    function _try(PaymentRules by, Rule memory r, uint256 period) private returns (bool done) {
        IPaymentRules.Preview memory p = by.previewPeriod(r, period);
        uint256[] memory before = _balances();
        vm.recordLogs();
        bytes memory problem;
        (done, problem) = address(by).call(abi.encodeCall(by.execute, (r, period)));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (keccak256(problem) != keccak256(p.problem)) ++_differs;
        if (!done) {
            ++_refusals;
            if (keccak256(abi.encode(before)) != keccak256(abi.encode(_balances()))) ++_unaccounted;
            return false;
        }
        ++_executed;
        if (p.moves.length == 0) ++_passedOver;
        _count(by, r, p, logs, before);
        if (usd.heldFor(address(by), r.payer) != 0) ++_left;
    }

    function _count(
        PaymentRules by,
        Rule memory r,
        IPaymentRules.Preview memory p,
        Vm.Log[] memory logs,
        uint256[] memory before
    ) private {
        uint256 found;
        uint256 sum;
        bytes32 mandate = usd.mandateId(by.mandateOf(r));
        bytes32 window = keccak256(abi.encode(mandate, (block.timestamp - r.start) / r.capPeriod));
        uint256[] memory expected = before;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IPaymentRules.RuleExecuted.selector) {
                (uint256 payments, uint256 total) = abi.decode(logs[i].data, (uint256, uint256));
                if (payments != p.moves.length || total != sum) ++_unaccounted;
            }
            if (logs[i].topics[0] != IMandates.PaidByMandate.selector) continue;
            if (found == p.moves.length || logs[i].topics[1] != mandate) {
                ++_differs;
                continue;
            }
            IPaymentRules.Move memory m = p.moves[found++];
            (uint256 amount,,) = abi.decode(logs[i].data, (uint256, uint256, uint256));
            if (amount != m.amount || logs[i].topics[2] != m.ref) ++_differs;
            sum += amount;
            if (amount > r.capPerPayment) ++_capsPassed;
            if (_paid[m.ref]++ != 0) ++_paidTwice;
            _book(expected, r.payer, m.to, amount);
        }
        if (found != p.moves.length) ++_differs;
        _spent[window] += sum;
        if (_spent[window] > r.capPerPeriod) ++_capsPassed;
        if (keccak256(abi.encode(expected)) != keccak256(abi.encode(_balances()))) ++_unaccounted;
    }

    function _book(uint256[] memory balances, address from, address to, uint256 amount) private view {
        address[3] memory wallets = [alice.wallet, bob.wallet, carol.wallet];
        for (uint256 i; i < 3; ++i) {
            if (wallets[i] == from) balances[i] -= amount;
            if (wallets[i] == to) balances[i] += amount;
        }
    }

    function _balances() private view returns (uint256[] memory each) {
        each = new uint256[](3);
        (each[0], each[1], each[2]) =
        (usd.balanceOf(alice.wallet), usd.balanceOf(bob.wallet), usd.balanceOf(carol.wallet));
    }

    // ---- rules ----

    /// @dev 0: split by the day, caught up. 1: a weekly sweep. 2: a daily top-up. 3: by Bob, on a condition.
    function _make(uint256 kind) private {
        Rule memory r = _rule();
        r.ruleReference = bytes32(_all.length + 1);
        (r.start, r.end) = (uint40(block.timestamp), uint40(block.timestamp + 3 * 366 days));
        (r.capPerPayment, r.capPerPeriod, r.capPeriod) = (700, 1500, 2 days);
        r.schedule = Recurrence(Every.DAY, 0, 0, NINE, 0);
        if (kind == 0) {
            r.catchUp = true;
            r.payees = _payees(_payee(bob.id, 3333), _payee(carol.id, 6667));
        } else if (kind == 1) {
            r.schedule = Recurrence(Every.WEEK, 0, 3, NINE, 0);
            (r.action, r.amount) = (ActionKind.SWEEP_ABOVE, uint88(MONEY / 2));
            (r.capPerPayment, r.capPerPeriod, r.capPeriod) = (uint88(MONEY), uint88(MONEY), 7 days);
        } else if (kind == 2) {
            (r.action, r.amount) = (ActionKind.TOP_UP, 5000);
            r.payees = _payees(_payee(carol.id, 10_000));
            r.capPerPayment = 1500;
        } else {
            r.payer = bob.wallet;
            r.payees = _payees(_payee(alice.id, 10_000));
            r.trigger = _nodes(
                _balance(NodeKind.AVAILABLE_AT_LEAST, bob.wallet, MONEY / 2),
                _balance(NodeKind.BALANCE_AT_MOST, alice.wallet, MONEY),
                _gate(NodeKind.AND)
            );
        }
        _all.push(abi.encode(r));
        for (uint256 i; i < 2; ++i) {
            rules = _contracts[i];
            _start(r);
        }
    }

    function _ruleOf(uint256 which) private view returns (Rule memory) {
        return abi.decode(_all[which % _all.length], (Rule));
    }

    function _isGood(uint32 id) private view returns (bool) {
        return !registry.isStopped(id);
    }
}
