// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../../../contracts/interfaces/IDepositToken.sol";
import {INetting} from "../../../contracts/interfaces/INetting.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {ISettlement} from "../../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../../contracts/libraries/Ids.sol";
import {Path, Reason, Standing} from "../../../contracts/libraries/Reason.sol";
import {Leg, LegKind, Trade} from "../../../contracts/libraries/TradeTerms.sol";
import {FeeERC20, GreedyERC20, LyingERC20, PlainERC20, StubbornERC20} from "../mocks/settlement/HostileERC20.sol";
import {Rows} from "./Rows.sol";
import {TradeBase} from "./TradeBase.sol";
import {Vm} from "./Vm.sol";

/// @notice What can happen to trades between three parties, of units and of tokens that lie, take fees, take more and call
/// back, while parties are stopped and lose their wallets, the token is paused, the settlement is stopped and time passes.
/// Balances are counted around every settlement; who has affirmed is kept in books of its own.
abstract contract TradeActs is TradeBase, Rows {
    uint256 private constant MOST = 12; // live at a time
    uint256 internal constant PARTIES = 3;
    uint256 internal constant TOKENS = 6; // the dollar, the units, and four that are hostile
    uint256 internal constant ALL_UNITS = PARTIES * 1e6;

    Party[PARTIES] internal _parties;
    Trade[] internal _trades;
    uint256[] private _running; // of _trades, those that were live when the last was proposed
    uint256 internal _nets;
    StubbornERC20 private _stubborn;
    address[TOKENS] private _tokens;
    mapping(address wallet => uint256 key) private _keyOf;
    mapping(address wallet => uint256 party) internal _indexOf; // successors too
    mapping(uint256 trade => mapping(address wallet => bool)) private _affirmed;
    uint256 private _names;

    // what must not be
    uint256 internal _torn; // D1: some legs and not others
    uint256 internal _unaffirmed; // D3
    uint256 internal _late; // D5
    uint256 internal _unlike; // D6: a net that is not the gross
    uint256 internal _unblocked; // D7

    function setUp() public virtual override {
        super.setUp();
        _beSwift();
        _parties[0] = buyer;
        _parties[1] = seller;
        _parties[2] = _client("third", usd, 1e9);
        _deposit(usd, seller.wallet, 1e9);
        _stubborn = new StubbornERC20();
        _tokens = [
            address(usd),
            address(units),
            address(new LyingERC20()),
            address(new FeeERC20()),
            address(new GreedyERC20()),
            address(_stubborn)
        ];
        for (uint256 i; i < PARTIES; ++i) {
            _issueUnits(_parties[i].wallet, 1e6 - units.balanceOf(_parties[i].wallet));
            _equip(i);
        }
        _nameRows();
    }

    function _equip(uint256 party) private {
        (address wallet, uint256 key) = (_parties[party].wallet, _parties[party].key);
        (_keyOf[wallet], _indexOf[wallet]) = (key, party);
        for (uint256 t = 1; t < TOKENS; ++t) {
            if (t > 1) PlainERC20(_tokens[t]).mint(wallet, 1e6);
            vm.prank(wallet);
            IERC20(_tokens[t]).approve(address(settlement), type(uint256).max);
        }
    }

    function _nameRows() private {
        _nameTable("settlement");
        _row("None > Affirmed, by a party's call");
        _row("None > Affirmed, by signature");
        _row("None > Affirmed, by holding the cash");
        _row("None > Settled, all riding along");
        _row("None > Settled, in a net");
        _row("None > Cancelled, by a party");
        _row("Affirmed > Matched, by a party's call");
        _row("Affirmed > Matched, by signature");
        _row("Affirmed > Matched, by holding the cash");
        _row("Affirmed > Settled, the rest riding along");
        _row("Affirmed > Settled, in a net");
        _row("Affirmed > Cancelled, by a party");
        _row("None > Matched, some lots");
        _row("Affirmed > Matched, some lots");
        _row("Matched > Matched, some lots");
        _row("Matched > Settled, the whole");
        _row("Matched > Settled, the last lots");
        _row("Matched > Settled, in a net");
        _row("Matched > Cancelled, by all");
        _row("Cancelled, a hold given back later");
        _row("Expired, a hold given back");
    }

    // ---- trades ----

    function propose(uint256 seed) public {
        for (uint256 k = _running.length; k > 0; --k) {
            if (_isLive(_trades[_running[k - 1]])) continue;
            _running[k - 1] = _running[_running.length - 1];
            _running.pop();
        }
        if (_running.length == MOST) return;
        _running.push(_trades.length);
        (address from, address to) =
            (_parties[seed % PARTIES].wallet, _parties[(seed % PARTIES + 1 + (seed >> 8) % 2) % PARTIES].wallet);
        uint256 kind = (seed >> 16) % 10;
        address token = _tokens[kind < 7 ? 1 : 2 + (seed >> 20) % 4];
        Trade storage trade = _trades.push();
        trade.legs.push(Leg(LegKind.ERC20, token, from, to, 0, (seed >> 24) % 1000 + 1));
        trade.legs.push(Leg(LegKind.CASH, address(usd), to, from, 0, (seed >> 40) % 1e6 + 1));
        trade.tradeReference = bytes32(_trades.length);
        trade.settleAfter = uint40(block.timestamp + ((seed >> 72) % 8 == 0 ? 6 hours : 0));
        trade.expiry = uint40(block.timestamp + 1 days + (seed >> 80) % 12 days);
        (trade.agent, trade.lots) = (address(this), uint16((seed >> 112) % 6 + 1));
    }

    function affirm(uint256 seed) external {
        (uint256 i, Trade memory trade) = _pick(seed);
        address wallet = seed >> 128 & 1 == 0 ? trade.legs[0].from : trade.legs[0].to;
        string memory from = _stateName(trade);
        if (seed >> 129 & 1 == 0) {
            if (!_act(wallet, address(settlement), abi.encodeCall(settlement.affirm, (trade)))) return;
            _noteAffirmed(i, trade, wallet);
            _took(string.concat(from, " > ", _stateName(trade), ", by a party's call"));
        } else {
            ISettlement.Affirmation[] memory one = _affirmations(trade, _as(wallet));
            if (!_act(address(this), address(settlement), abi.encodeCall(settlement.affirmBySignature, (trade, one)))) {
                return;
            }
            _noteAffirmed(i, trade, wallet);
            _took(string.concat(from, " > ", _stateName(trade), ", by signature"));
        }
    }

    function holdCash(uint256 seed) external {
        (uint256 i, Trade memory trade) = _pick(seed);
        if (_heldFor(trade) != 0 || _view(trade).lotsSettled != 0) return;
        string memory from = _stateName(trade);
        bytes32 ref = TradeId.unwrap(settlement.tradeId(trade));
        Leg memory leg = trade.legs[1];
        bytes memory call_ = abi.encodeCall(usd.holdAndCall, (address(settlement), leg.amount, ref, abi.encode(trade)));
        if (!_act(leg.from, address(usd), call_)) return;
        _noteAffirmed(i, trade, leg.from);
        _took(string.concat(from, " > ", _stateName(trade), ", by holding the cash"));
    }

    // ---- settling ----

    /// @dev Whatever is missing rides along: the giver's signature and the payer's consent.
    function settle(uint256 seed) external {
        uint256 i = seed >> 138 & 7 == 0 ? seed % (_trades.length + 1) : _choose(seed, seed >> 136 & 1 == 0);
        if (i >= _trades.length) return propose(seed);
        Trade memory trade = _trades[i];
        string memory from = _stateName(trade);
        INetting.NetTrade memory t = _riding(trade, seed >> 128 & 3 == 0);
        _stubborn.reenter(address(settlement), abi.encodeCall(settlement.settle, (trade, t.affirmations, t.consents)));
        uint256 first = _view(trade).lotsSettled;
        uint256 count = trade.lots - first;
        bytes memory call_ = abi.encodeCall(settlement.settle, (trade, t.affirmations, t.consents));
        if (seed >> 130 & 3 != 0 && count != 0) {
            count = 1 + (seed >> 144) % count;
            call_ = abi.encodeCall(settlement.settleLots, (trade, first, count, t.affirmations, t.consents));
        }
        INetting.NetTrade[] memory all = new INetting.NetTrade[](1);
        uint256[] memory which = new uint256[](1);
        (all[0], which[0]) = (t, i);
        if (!_settle(which, all, count, call_)) return;
        if (first + count < trade.lots) return _took(string.concat(from, " > ", _stateName(trade), ", some lots"));
        if (_is(from, "Matched")) {
            _took(first == 0 ? "Matched > Settled, the whole" : "Matched > Settled, the last lots");
        } else if (_is(from, "Affirmed")) {
            _took("Affirmed > Settled, the rest riding along");
        } else {
            _took("None > Settled, all riding along");
        }
    }

    function net(uint256 seed) external {
        uint256 start = _choose(seed, seed >> 137 & 1 == 0);
        if (start == _trades.length) return propose(seed);
        (uint256[] memory which, INetting.NetTrade[] memory all) = _together(seed, start);
        string[] memory from = new string[](all.length);
        for (uint256 k; k < all.length; ++k) {
            from[k] = _stateName(all[k].trade);
        }
        bytes memory call_ = abi.encodeCall(settlement.settleNet, (all, seed >> 140 & 1 == 0));
        if (!_settle(which, all, 0, call_)) return;
        _nets += all.length;
        for (uint256 k; k < all.length; ++k) {
            _took(string.concat(from[k], " > Settled, in a net"));
        }
    }

    /// @dev Up to five trades from `start` on, mostly such as may well settle.
    function _together(uint256 seed, uint256 start)
        private
        returns (uint256[] memory which, INetting.NetTrade[] memory all)
    {
        uint256 most = 1 + (seed >> 128) % 5;
        if (most > _trades.length) most = _trades.length;
        (which, all) = (new uint256[](most), new INetting.NetTrade[](most));
        uint256 n;
        for (uint256 k; k < most; ++k) {
            uint256 i = (start + k) % _trades.length;
            Trade memory trade = _trades[i];
            if (!_isLive(trade) || (!_isPromising(trade) && seed >> 136 & 7 != 0)) continue;
            (which[n], all[n]) = (i, _riding(trade, false));
            ++n;
        }
        assembly ("memory-safe") {
            mstore(all, n)
            mstore(which, n)
        }
    }

    /// @param lots of the one trade that is settled alone; 0: it is a net, of all that is left of each.
    function _settle(uint256[] memory which, INetting.NetTrade[] memory all, uint256 lots, bytes memory call_)
        private
        returns (bool done)
    {
        int256[TOKENS][PARTIES] memory due = _due(all, lots);
        (bool blocked, bool late) = _mayNot(all);
        bytes32 words = _words(all);
        int256[TOKENS][PARTIES] memory before = _balances();
        done = _act(address(this), address(settlement), call_);
        bool asDue = _changedBy(before, due);
        if (!done) {
            if (!_changedBy(before, _nothing()) || _words(all) != words) ++_torn;
            return false;
        }
        if (!asDue) lots == 0 ? ++_unlike : ++_torn;
        if (blocked) ++_unblocked;
        if (late) ++_late;
        for (uint256 k; k < all.length; ++k) {
            _noteSettled(which[k], all[k]);
        }
    }

    /// @dev D3: whoever gives has affirmed, before or by what rode along.
    function _noteSettled(uint256 i, INetting.NetTrade memory t) private {
        for (uint256 a; a < t.affirmations.length; ++a) {
            _affirmed[i][t.affirmations[a].wallet] = true;
        }
        if (t.consents.length != 0) _affirmed[i][t.consents[0].payer] = true;
        if (!_affirmed[i][t.trade.legs[0].from] || !_affirmed[i][t.trade.legs[1].from]) ++_unaffirmed;
    }

    function _mayNot(INetting.NetTrade[] memory all) private view returns (bool blocked, bool late) {
        for (uint256 k; k < all.length; ++k) {
            Leg memory leg = all[k].trade.legs[0];
            if (!_good(leg.from) || !_good(leg.to)) blocked = true;
            if (!_isLive(all[k].trade)) late = true;
        }
    }

    function _riding(Trade memory trade, bool bare) private returns (INetting.NetTrade memory) {
        ISettlement.CashConsent[] memory consents = _noConsents();
        if (bare) return INetting.NetTrade(trade, _nobody(), consents);
        if (_heldFor(trade) == 0) {
            consents = _consents(_consent(trade, usd, _as(trade.legs[1].from), trade.legs[1].amount));
        }
        return INetting.NetTrade(trade, _affirmations(trade, _as(trade.legs[0].from)), consents);
    }

    // ---- ending ----

    function cancel(uint256 seed) external {
        (, Trade memory trade) = _pick(seed);
        string memory from = _stateName(trade);
        if (!_is(from, "Matched")) {
            // now and then while the settlement may not release
            bool stopped = seed >> 130 & 15 != 0 && _heldFor(trade) != 0;
            if (stopped) _stopSettlement(true);
            bool done =
                _act(trade.legs[seed >> 128 & 1].from, address(settlement), abi.encodeCall(settlement.cancel, (trade)));
            if (stopped) _stopSettlement(false);
            if (done) _took(string.concat(from, " > Cancelled, by a party"));
            return;
        }
        uint40 deadline = uint40(block.timestamp);
        bytes32 digest = settlement.cancelDigest(settlement.tradeId(trade), deadline);
        ISettlement.Affirmation[] memory both = new ISettlement.Affirmation[](2);
        for (uint256 k; k < 2; ++k) {
            address signer = registry.resolve(trade.legs[k].from);
            both[k] = ISettlement.Affirmation(signer, _sign(_keyOf[signer], digest));
        }
        bytes memory call_ = abi.encodeCall(settlement.cancelTogether, (trade, deadline, both));
        if (_act(address(this), address(settlement), call_)) _took("Matched > Cancelled, by all");
    }

    /// @dev Whatever is still held of a trade that is over goes back.
    function giveBack(uint256 seed) external {
        for (uint256 k; k < _trades.length; ++k) {
            Trade memory trade = _trades[(seed % _trades.length + k) % _trades.length];
            if (_heldFor(trade) == 0 || _isLive(trade)) continue;
            _giveBack(trade);
            return;
        }
    }

    function _giveBack(Trade memory trade) private {
        ISettlement.State state = settlement.stateOf(trade);
        bytes memory call_ = abi.encodeCall(settlement.releaseHold, (trade, address(usd), trade.legs[1].from));
        if (!_act(address(this), address(settlement), call_)) {
            Reason why = usd.check(Path.RELEASE, address(settlement), trade.legs[1].from, address(0), 1);
            assertTrue(why != Reason.OK, "D5: a hold of what is over stays");
            return;
        }
        if (state == ISettlement.State.Expired) _took("Expired, a hold given back");
        if (state == ISettlement.State.Cancelled) _took("Cancelled, a hold given back later");
    }

    /// @dev Wherever a run ends: once nobody is stopped and all has expired, strangers give back all that is held.
    function _endAll() internal {
        for (uint256 k; k < 5; ++k) {
            loosen(k);
        }
        vm.warp(block.timestamp + 14 days);
        for (uint256 k; k < _trades.length; ++k) {
            if (_heldFor(_trades[k]) != 0) _giveBack(_trades[k]);
        }
        for (uint256 p; p < PARTIES; ++p) {
            assertEq(usd.heldFor(address(settlement), _parties[p].wallet), 0, "D5: held for ever");
        }
    }

    // ---- what else happens ----

    function pass(uint256 time) external {
        vm.warp(block.timestamp + (time % 8 == 0 ? time % 4 days : time % 8 hours));
        for (uint256 p; p < PARTIES; ++p) {
            vm.prank(onboarder);
            registry.renewKyc(_parties[p].id, uint40(block.timestamp) + KYC_TERM, keccak256("questionnaire"));
        }
    }

    function stop(uint256 who, uint256 how) external {
        Party memory party = _parties[who % PARTIES];
        if (how % 4 == 3) {
            if (!usd.paused()) _pause(usd);
            return;
        }
        if (!_good(party.wallet)) return;
        if (how % 4 == 0) _freeze(party.id);
        else if (how % 4 == 1) _suspend(party.id);
        else _suspendWallet(party.wallet);
    }

    function loosen(uint256 who) public {
        if (usd.paused()) {
            _unpause(usd);
            return;
        }
        for (uint256 k; k < PARTIES; ++k) {
            Party memory party = _parties[(who % PARTIES + k) % PARTIES];
            (,, IParticipantRegistry.WalletStatus status) = registry.walletOf(party.wallet);
            if (status == IParticipantRegistry.WalletStatus.SUSPENDED) return _reinstateWallet(party.wallet);
            if (!registry.isStopped(party.id)) continue;
            if (registry.participantOf(party.id).frozen) return _unfreeze(party.id);
            return _reinstate(party.id);
        }
    }

    function loseWallet(uint256 who) external {
        Party storage party = _parties[who % PARTIES];
        if (!_good(party.wallet)) return;
        Vm.Wallet memory next = _link(party, string.concat("successor ", vm.toString(++_names)));
        _recover(party.wallet, next.addr);
        (party.wallet, party.key) = (next.addr, next.privateKey);
        _equip(who % PARTIES);
    }

    function _stopSettlement(bool stopped) private {
        if (stopped) {
            vm.prank(pauser);
            usd.stopNotary(address(settlement));
        } else {
            _govern(address(usd), abi.encodeCall(usd.resumeNotary, (address(settlement))));
        }
    }

    // ---- helpers ----

    function _act(address caller, address target, bytes memory call_) private returns (bool done) {
        vm.prank(caller);
        bytes memory answer;
        (done, answer) = target.call(call_);
        if (!done) assertTrue(bytes4(answer) != bytes4(keccak256("Panic(uint256)")), "no panic");
    }

    /// @dev A live one, unless none is.
    function _pick(uint256 seed) private returns (uint256 i, Trade memory trade) {
        if (_trades.length == 0) propose(seed);
        for (uint256 k; k < _running.length; ++k) {
            i = _running[(seed % _running.length + k) % _running.length];
            trade = _trades[i];
            if (_isLive(trade)) return (i, trade);
        }
    }

    /// @dev One that may well settle, if any; matched by all already where that is asked.
    function _choose(uint256 seed, bool matched) private view returns (uint256 other) {
        other = _trades.length;
        for (uint256 k; k < _running.length; ++k) {
            uint256 i = _running[(seed % _running.length + k) % _running.length];
            Trade memory trade = _trades[i];
            if (!_isLive(trade) || !_isPromising(trade)) continue;
            if (!matched || _view(trade).matched) return i;
            other = i;
        }
    }

    function _noteAffirmed(uint256 i, Trade memory trade, address wallet) private {
        _affirmed[i][wallet] = true;
        if (block.timestamp > trade.expiry) ++_late;
    }

    function _as(address wallet) private view returns (Party memory party) {
        (party.wallet, party.key) = (wallet, _keyOf[wallet]);
    }

    function _good(address wallet) private view returns (bool) {
        (Standing standing,) = registry.standingOf(wallet);
        return standing == Standing.GOOD;
    }

    function _view(Trade memory trade) internal view returns (ISettlement.TradeView memory) {
        return settlement.tradeOf(settlement.tradeId(trade));
    }

    function _isLive(Trade memory trade) private view returns (bool) {
        return uint8(settlement.stateOf(trade)) <= uint8(ISettlement.State.Affirmed) && block.timestamp <= trade.expiry;
    }

    function _isPromising(Trade memory trade) private view returns (bool) {
        Leg memory leg = trade.legs[0];
        return (leg.token == address(units) || leg.token == address(_stubborn)) && _good(leg.from) && _good(leg.to);
    }

    function _heldFor(Trade memory trade) internal view returns (uint256) {
        return settlement.heldFor(settlement.tradeId(trade), address(usd), trade.legs[1].from);
    }

    function _stateName(Trade memory trade) private view returns (string memory) {
        ISettlement.TradeView memory seen = _view(trade);
        if (seen.state == ISettlement.State.None) return "None";
        if (seen.state != ISettlement.State.Affirmed) return "over";
        return seen.matched ? "Matched" : "Affirmed";
    }

    function _is(string memory a, string memory b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }

    /// @dev What the contract remembers of these trades.
    function _words(INetting.NetTrade[] memory all) private view returns (bytes32 words) {
        for (uint256 k; k < all.length; ++k) {
            words = keccak256(abi.encode(words, _view(all[k].trade), _heldFor(all[k].trade)));
        }
    }

    // ---- what each party has, and what it is due ----

    function _balances() private view returns (int256[TOKENS][PARTIES] memory all) {
        for (uint256 p; p < PARTIES; ++p) {
            for (uint256 t; t < TOKENS; ++t) {
                all[p][t] = int256(IERC20(_tokens[t]).balanceOf(_parties[p].wallet));
            }
        }
    }

    function _nothing() private pure returns (int256[TOKENS][PARTIES] memory) {}

    function _changedBy(int256[TOKENS][PARTIES] memory before, int256[TOKENS][PARTIES] memory due)
        private
        view
        returns (bool)
    {
        int256[TOKENS][PARTIES] memory now_ = _balances();
        for (uint256 p; p < PARTIES; ++p) {
            for (uint256 t; t < TOKENS; ++t) {
                if (now_[p][t] != before[p][t] + due[p][t]) return false;
            }
        }
        return true;
    }

    /// @dev The gross of every leg: lot k of n delivers floor(amount (k + 1) / n) - floor(amount k / n).
    function _due(INetting.NetTrade[] memory all, uint256 lots)
        private
        view
        returns (int256[TOKENS][PARTIES] memory due)
    {
        for (uint256 k; k < all.length; ++k) {
            Trade memory trade = all[k].trade;
            uint256 first = _view(trade).lotsSettled;
            uint256 last = lots == 0 ? trade.lots : first + lots;
            for (uint256 l; l < trade.legs.length; ++l) {
                Leg memory leg = trade.legs[l];
                int256 part = int256(leg.amount * last / trade.lots - leg.amount * first / trade.lots);
                uint256 t;
                while (_tokens[t] != leg.token) ++t;
                due[_indexOf[leg.from]][t] -= part;
                due[_indexOf[leg.to]][t] += part;
            }
        }
    }
}
