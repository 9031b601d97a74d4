// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {INetting} from "../../contracts/interfaces/INetting.sol";
import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../contracts/libraries/Ids.sol";
import {Leg, Trade} from "../../contracts/libraries/TradeTerms.sol";
import {BadInputTable} from "./base/BadInputTable.sol";
import {NetTradeBase} from "./base/NetTradeBase.sol";

/// @notice Settlement, function by function. Terms that make no sense, field by field: SettlementTerms.t.sol. Tokens that
/// are none, or false: SettlementHostile.t.sol.
contract BadInputSettlement is NetTradeBase, BadInputTable {
    address private constant NOBODY = address(0);
    address private constant NO_CODE = address(0xC0DE);
    address private constant STRANGER = address(0xBAD);

    function setUp() public override {
        super.setUp();
        subject = address(settlement);
    }

    // ---- trades that are none ----

    /// @dev By every function that takes up a trade.
    function _refusesTrades(function(Trade memory) view returns (bytes memory) call_) private {
        Trade memory trade = _dvp();
        trade.legs = new Leg[](0);
        _refusesTrade(call_, trade, "legs");
        trade.legs = new Leg[](33);
        _refusesTrade(call_, trade, "legs");
        trade = _dvp();
        trade.legs[0].token = NOBODY;
        _refusesTrade(call_, trade, "token");
        trade = _dvp();
        trade.legs[0].from = NOBODY;
        _refusesTrade(call_, trade, "from");
        trade = _dvp();
        trade.legs[0].to = NOBODY;
        _refusesTrade(call_, trade, "to");
        trade = _dvp();
        trade.legs[0].amount = 0;
        _refusesTrade(call_, trade, "amount");
        trade.legs[0].amount = type(uint256).max;
        _refusesTrade(call_, trade, "amount");
        trade = _dvp();
        trade.lots = 0;
        _refusesTrade(call_, trade, "lots");
        trade = _dvp();
        trade.expiry = type(uint40).max;
        _refusesTrade(call_, trade, "expiry");
        trade = _dvp();
        trade.legs[1].token = address(units);
        _refusesTrade(call_, trade, "kind");
        trade = _dvp();
        trade.expiry = uint40(block.timestamp) - 1;
        _refuses(
            seller.wallet,
            call_(trade),
            abi.encodeWithSelector(ISettlement.TradeExpired.selector, trade.expiry, block.timestamp)
        );
    }

    function _refusesTrade(
        function(Trade memory) view returns (bytes memory) call_,
        Trade memory trade,
        string memory f
    ) private {
        _refuses(seller.wallet, call_(trade), abi.encodeWithSelector(ISettlement.InvalidTrade.selector, f));
    }

    function _affirming(Trade memory trade) private view returns (bytes memory) {
        return abi.encodeCall(settlement.affirm, (trade));
    }

    function _affirmingBySignature(Trade memory trade) private view returns (bytes memory) {
        return abi.encodeCall(settlement.affirmBySignature, (trade, _nobody()));
    }

    function _settling(Trade memory trade) private view returns (bytes memory) {
        return abi.encodeCall(settlement.settle, (trade, _nobody(), _noConsents()));
    }

    function _settlingLots(Trade memory trade) private view returns (bytes memory) {
        trade.agent = seller.wallet;
        return abi.encodeCall(settlement.settleLots, (trade, 0, 1, _nobody(), _noConsents()));
    }

    function _netting(Trade memory trade) private view returns (bytes memory) {
        INetting.NetTrade[] memory net = new INetting.NetTrade[](1);
        net[0].trade = trade;
        return abi.encodeCall(settlement.settleNet, (net, false));
    }

    function _cancelling(Trade memory trade) private view returns (bytes memory) {
        return abi.encodeCall(settlement.cancel, (trade));
    }

    function _cancellingTogether(Trade memory trade) private view returns (bytes memory) {
        return abi.encodeCall(settlement.cancelTogether, (trade, trade.expiry, _nobody()));
    }

    // ---- affirming ----

    function test_affirm() external {
        _refusesTrades(_affirming);
    }

    function test_affirmBySignature() external {
        _refusesTrades(_affirmingBySignature);
        Trade memory trade = _dvp();
        TradeId id = settlement.tradeId(trade);
        _refuses(
            STRANGER,
            abi.encodeCall(settlement.affirmBySignature, (trade, _nobody())),
            abi.encodeWithSelector(ISettlement.NotAffirmed.selector, id, seller.wallet)
        );
        _assertState(trade, ISettlement.State.None);
        ISettlement.Affirmation[] memory one = _affirmations(trade, seller);
        bytes[5] memory forged = _forgeries(one[0].signature, _affirmation(trade, buyer).signature);
        for (uint256 i; i < 5; ++i) {
            one[0].signature = forged[i];
            _refuses(
                STRANGER,
                abi.encodeCall(settlement.affirmBySignature, (trade, one)),
                abi.encodeWithSelector(ISettlement.InvalidAffirmation.selector, id, seller.wallet)
            );
            _refuses(
                STRANGER,
                abi.encodeCall(settlement.settle, (trade, one, _noConsents())),
                abi.encodeWithSelector(ISettlement.InvalidAffirmation.selector, id, seller.wallet)
            );
        }
        one[0].wallet = NOBODY;
        _refuses(
            STRANGER,
            abi.encodeCall(settlement.affirmBySignature, (trade, one)),
            abi.encodePacked(ISettlement.PartyRefused.selector)
        );
    }

    function test_onHold() external {
        Trade memory trade = _dvp();
        bytes32 ref = _idOf(trade);
        bytes memory data = abi.encode(trade);
        _refuses(
            STRANGER,
            abi.encodeCall(settlement.onHold, (buyer.wallet, PRICE, ref, data)),
            abi.encodeWithSelector(ISettlement.OnlyDepositToken.selector, STRANGER)
        );
        _refuses(
            address(usd),
            abi.encodeCall(settlement.onHold, (buyer.wallet, PRICE, 0, data)),
            abi.encodeWithSelector(ISettlement.UnknownTrade.selector, 0)
        );
        uint256[3] memory amounts = [0, PRICE + 1, type(uint256).max];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                address(usd),
                abi.encodeCall(settlement.onHold, (buyer.wallet, amounts[i], ref, data)),
                abi.encodeWithSelector(
                    ISettlement.WrongHold.selector, ref, address(usd), buyer.wallet, amounts[i], PRICE
                )
            );
        }
        _refuses(
            address(usd),
            abi.encodeCall(settlement.onHold, (NOBODY, PRICE, ref, data)),
            abi.encodeWithSelector(ISettlement.WrongHold.selector, ref, address(usd), NOBODY, PRICE, 0)
        );
    }

    // ---- settling ----

    function test_settle() external {
        _refusesTrades(_settling);
        Trade memory trade = _dvp();
        ISettlement.CashConsent memory consent = _consent(trade, usd, buyer, PRICE);
        bytes memory good = consent.signature;
        bytes[5] memory forged = _forgeries(good, _consent(trade, usd, seller, PRICE).signature);
        for (uint256 i; i < 5; ++i) {
            consent.signature = forged[i];
            _refusesConsent(trade, consent, abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, buyer.wallet));
        }
        consent.deadline = block.timestamp - 1;
        _refusesConsent(trade, consent, abi.encodePacked(IDepositToken.ConsentExpired.selector));
        consent.deadline = type(uint256).max;
        _refusesConsent(trade, consent, abi.encodePacked(IDepositToken.SignatureDeadlineTooFar.selector));
        (consent.payer, consent.signature) = (NOBODY, good);
        _refusesConsent(trade, consent, abi.encodePacked(ISettlement.WrongHold.selector));
        trade.legs[0].token = NO_CODE;
        _refusesConsent(
            trade,
            _consent(trade, usd, buyer, PRICE),
            abi.encodeWithSelector(ISettlement.BalanceUnknown.selector, NO_CODE, 0, seller.wallet)
        );
    }

    function _refusesConsent(Trade memory trade, ISettlement.CashConsent memory consent, bytes memory refusal) private {
        _refuses(seller.wallet, abi.encodeCall(settlement.settle, (trade, _nobody(), _consents(consent))), refusal);
    }

    function test_settleLots() external {
        _refusesTrades(_settlingLots);
        Trade memory trade = _dvp();
        (trade.agent, trade.lots) = (STRANGER, 4);
        uint256[2][4] memory wrong =
            [[uint256(0), 0], [uint256(0), 5], [uint256(1), 1], [uint256(0), type(uint256).max]];
        for (uint256 i; i < 4; ++i) {
            (uint256 first, uint256 count) = (wrong[i][0], wrong[i][1]);
            _refuses(
                STRANGER,
                abi.encodeCall(settlement.settleLots, (trade, first, count, _nobody(), _noConsents())),
                abi.encodeWithSelector(ISettlement.LotOutOfTurn.selector, first, 0, 4)
            );
        }
        trade.agent = NOBODY;
        _refuses(
            STRANGER,
            abi.encodeCall(settlement.settleLots, (trade, 0, 1, _nobody(), _noConsents())),
            abi.encodeWithSelector(ISettlement.NotAgent.selector, STRANGER, NOBODY)
        );
    }

    function test_settleNet() external {
        _refusesTrades(_netting);
        uint256[2] memory sizes = [uint256(0), 65];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                STRANGER,
                abi.encodeCall(settlement.settleNet, (new INetting.NetTrade[](sizes[i]), false)),
                abi.encodeWithSelector(INetting.WrongNumberOfTrades.selector, sizes[i], 64)
            );
        }
        Trade memory trade = _single(_asset(NO_CODE, seller, buyer, 5), "none");
        INetting.NetTrade[] memory net = new INetting.NetTrade[](1);
        net[0] = _riding(trade);
        _refuses(
            STRANGER,
            abi.encodeCall(settlement.settleNet, (net, false)),
            abi.encodeWithSelector(ISettlement.BalanceUnknown.selector, NO_CODE, 0, seller.wallet)
        );
    }

    // ---- ending ----

    function test_cancel() external {
        _refusesTrades(_cancelling);
    }

    function test_cancelTogether() external {
        _refusesTrades(_cancellingTogether);
        Trade memory trade = _dvp();
        TradeId id = settlement.tradeId(trade);
        _refuses(STRANGER, _cancellingTogether(trade), abi.encodeWithSelector(ISettlement.UnknownTrade.selector, id));
        _matched(trade);
        uint40 now_ = uint40(block.timestamp);
        bytes32 digest = settlement.cancelDigest(id, now_);
        ISettlement.Affirmation[] memory both = new ISettlement.Affirmation[](2);
        both[1] = ISettlement.Affirmation(buyer.wallet, _sign(buyer.key, digest));
        bytes[5] memory forged = _forgeries(_sign(seller.key, digest), both[1].signature);
        for (uint256 i; i < 5; ++i) {
            both[0] = ISettlement.Affirmation(seller.wallet, forged[i]);
            _refusesTogether(
                trade, now_, both, abi.encodeWithSelector(ISettlement.InvalidCancellation.selector, id, seller.wallet)
            );
        }
        both[0] = both[1]; // the same key twice
        _refusesTogether(
            trade, now_, both, abi.encodeWithSelector(ISettlement.InvalidCancellation.selector, id, seller.wallet)
        );
        _refusesTogether(
            trade,
            now_ - 1,
            both,
            abi.encodeWithSelector(ISettlement.SignatureExpired.selector, now_ - 1, block.timestamp)
        );
        uint40 far = type(uint40).max;
        _refusesTogether(
            trade,
            far,
            both,
            abi.encodeWithSelector(ISettlement.SignatureDeadlineTooFar.selector, far, block.timestamp + 1096 days)
        );
    }

    function _refusesTogether(
        Trade memory trade,
        uint40 deadline,
        ISettlement.Affirmation[] memory cancellations,
        bytes memory refusal
    ) private {
        _refuses(STRANGER, abi.encodeCall(settlement.cancelTogether, (trade, deadline, cancellations)), refusal);
    }

    function test_releaseHold() external {
        Trade memory trade = _dvp();
        TradeId id = settlement.tradeId(trade);
        _refuses(
            STRANGER,
            abi.encodeCall(settlement.releaseHold, (trade, address(usd), buyer.wallet)),
            abi.encodeWithSelector(ISettlement.UnknownTrade.selector, id)
        );
        _settleAtOnce(trade);
        _refuses(
            STRANGER,
            abi.encodeCall(settlement.releaseHold, (trade, NOBODY, NOBODY)),
            abi.encodeWithSelector(ISettlement.NothingHeld.selector, id, NOBODY, NOBODY)
        );
    }
}
