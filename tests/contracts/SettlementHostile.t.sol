// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {Leg, LegKind, Trade} from "../../contracts/libraries/TradeTerms.sol";
import {TradeBase} from "./base/TradeBase.sol";
import {Vm} from "./base/Vm.sol";
import {ContractWallet} from "./mocks/settlement/ContractWallet.sol";
import {
    FalseERC20,
    FeeERC20,
    GenerousERC20,
    GreedyERC20,
    LyingERC20,
    MuteERC20,
    PlainERC20,
    ReenteringERC20
} from "./mocks/settlement/HostileERC20.sol";
import {Warehouse1155} from "./mocks/settlement/Warehouse1155.sol";

/// @dev Assets are foreign code. Whatever they do, money moves against exactly what was agreed, or not at all: D1, D2.
contract SettlementHostileTest is TradeBase {
    // ---- ERC-20s that are not what they seem ----

    /// @dev The one-legged settlement: the token says yes, and nothing came.
    function test_D1_aTokenThatOnlySaysYes() public {
        LyingERC20 token = new LyingERC20();
        _expectMismatch(token, seller.wallet, -100, 0);
    }

    function test_D1_aTokenThatSaysNo() public {
        FalseERC20 token = new FalseERC20();
        Trade memory trade = _against(token);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token));
        vm.prank(seller.wallet);
        settlement.settle(trade, _nobody(), consents);
        _assertNothingPaid();
    }

    function test_D2_aTokenThatKeepsAFee() public {
        _expectMismatch(new FeeERC20(), buyer.wallet, 100, 99);
    }

    function test_D2_aTokenThatGivesMore() public {
        _expectMismatch(new GenerousERC20(), buyer.wallet, 100, 101);
    }

    function test_D2_aTokenThatTakesMore() public {
        _expectMismatch(new GreedyERC20(), seller.wallet, -100, -101);
    }

    function test_aTokenThatAnswersNothing() public {
        MuteERC20 token = new MuteERC20();
        token.mint(seller.wallet, 100);
        vm.prank(seller.wallet);
        token.approve(address(settlement), 100);
        Trade memory trade = _trade(_two(_asset(address(token), seller, buyer, 100), _cash(usd, buyer, seller, PRICE)));
        _settleAtOnce(trade);
        assertEq(token.balanceOf(buyer.wallet), 100);
        assertEq(usd.balanceOf(seller.wallet), PRICE);
    }

    function test_aTokenThatIsNoContract() public {
        Trade memory trade = _trade(_two(_asset(address(0xDEAD), seller, buyer, 100), _cash(usd, buyer, seller, PRICE)));
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BalanceUnknown.selector, address(0xDEAD), 0, seller.wallet));
        vm.prank(seller.wallet);
        settlement.settle(trade, _nobody(), consents);
        _assertNothingPaid();
    }

    /// @dev transferFrom(from, to, id) is the same call for units and titles: 7 units are not title 7.
    function test_unitsAreNoTitle() public {
        Trade memory trade = _trade(_two(_title(seller, buyer, TITLE), _cash(usd, buyer, seller, PRICE)));
        trade.legs[0].token = address(units);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.BalanceUnknown.selector, address(units), TITLE, seller.wallet)
        );
        vm.prank(seller.wallet);
        settlement.settle(trade, _nobody(), consents);
        assertEq(units.balanceOf(buyer.wallet), 0);
        _assertNothingPaid();
    }

    /// @dev A title of the same number, but somebody else's.
    function test_aTitleOfAnother() public {
        Party memory third = _client("third");
        _issueTitle(third.wallet, 99);
        vm.prank(third.wallet);
        titles.setApprovalForAll(address(settlement), true);
        Trade memory trade = _trade(_two(_title(seller, buyer, 99), _cash(usd, buyer, seller, PRICE)));
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        vm.expectRevert();
        vm.prank(seller.wallet);
        settlement.settle(trade, _nobody(), consents);
        assertEq(titles.ownerOf(99), third.wallet);
    }

    // ---- calls back ----

    function test_reenteringSettle() public {
        Trade memory inner = _dvp();
        _matched(inner);
        _expectClosed(abi.encodeCall(settlement.settle, (inner, _nobody(), _noConsents())));
        _assertState(inner, ISettlement.State.Affirmed);
    }

    function test_reenteringTheSameTrade() public {
        ReenteringERC20 token = new ReenteringERC20();
        Trade memory trade = _against(token);
        _matched(trade);
        token.reenter(address(settlement), abi.encodeCall(settlement.settle, (trade, _nobody(), _noConsents())));
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        _settle(trade);
    }

    function test_reenteringEverythingElse() public {
        Trade memory inner = _dvp();
        inner.agent = address(this);
        _expectClosed(abi.encodeCall(settlement.affirm, (inner)));
        _expectClosed(abi.encodeCall(settlement.affirmBySignature, (inner, _nobody())));
        _expectClosed(abi.encodeCall(settlement.settleLots, (inner, 0, 1, _nobody(), _noConsents())));
        _expectClosed(abi.encodeCall(settlement.cancel, (inner)));
        _expectClosed(abi.encodeCall(settlement.cancelTogether, (inner, inner.expiry, _nobody())));
        _expectClosed(abi.encodeCall(settlement.releaseHold, (inner, address(usd), buyer.wallet)));
    }

    /// @dev In the middle of a settlement the trade is settled already: who looks sees the end.
    function test_whoLooksInTheMiddleSeesTheEnd() public {
        ReenteringERC20 token = new ReenteringERC20();
        Trade memory trade = _against(token);
        _matched(trade);
        token.reenter(address(this), abi.encodeCall(this.seeSettled, (trade)));
        _settle(trade);
        assertEq(usd.balanceOf(seller.wallet), PRICE);
    }

    function seeSettled(Trade calldata trade) external view {
        _assertState(trade, ISettlement.State.Settled);
        assertEq(settlement.heldFor(settlement.tradeId(trade), address(usd), buyer.wallet), 0);
    }

    // ---- ERC-1155 ----

    function test_lotsOfGoods() public {
        (Warehouse1155 goods, Trade memory trade,) = _goods();
        _settleAtOnce(trade);
        assertEq(goods.balanceOf(trade.legs[0].to, 5), 60);
        assertEq(goods.balanceOf(seller.wallet, 5), 40);
        assertEq(usd.balanceOf(seller.wallet), PRICE);
    }

    function test_aReceiverThatCallsBackFindsItClosed() public {
        (, Trade memory trade, ContractWallet wallet) = _goods();
        Trade memory inner = _dvp();
        _matched(inner);
        wallet.whenReceiving(address(settlement), abi.encodeCall(settlement.settle, (inner, _nobody(), _noConsents())));
        _matched(trade);
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        _settle(trade);
        _assertState(trade, ISettlement.State.Affirmed);
    }

    /// @dev A receiver may refuse goods: then nobody pays for them.
    function test_aReceiverThatRefuses() public {
        (, Trade memory trade, ContractWallet wallet) = _goods();
        wallet.whenReceiving(address(units), abi.encodeCall(units.transfer, (seller.wallet, 1)));
        _matched(trade);
        vm.expectRevert();
        _settle(trade);
        _assertNothingPaid();
    }

    // ---- helpers ----

    function _against(PlainERC20 token) private returns (Trade memory) {
        token.mint(seller.wallet, 1000);
        vm.prank(seller.wallet);
        token.approve(address(settlement), 1000);
        return _trade(_two(_asset(address(token), seller, buyer, 100), _cash(usd, buyer, seller, PRICE)));
    }

    function _expectMismatch(PlainERC20 token, address account, int256 expected, int256 actual) private {
        Trade memory trade = _against(token);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.DeliveryMismatch.selector, token, 0, account, expected, actual)
        );
        vm.prank(seller.wallet);
        settlement.settle(trade, _nobody(), consents);
        _assertNothingPaid();
    }

    function _expectClosed(bytes memory call) private {
        ReenteringERC20 token = new ReenteringERC20();
        Trade memory trade = _against(token);
        trade.tradeReference = keccak256(call);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        token.reenter(address(settlement), call);
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        vm.prank(seller.wallet);
        settlement.settle(trade, _nobody(), consents);
    }

    /// @dev 60 of lot 5 to a contract wallet of the buyer, which affirms by a signature of its owner.
    function _goods() private returns (Warehouse1155 goods, Trade memory trade, ContractWallet wallet) {
        goods = new Warehouse1155();
        goods.mint(seller.wallet, 5, 100);
        vm.prank(seller.wallet);
        goods.setApprovalForAll(address(settlement), true);
        Vm.Wallet memory key = _key("warehouse keeper");
        wallet = new ContractWallet(key.addr);
        bytes memory link = _signLink(key.privateKey, buyer.identity, address(wallet), block.timestamp);
        vm.prank(onboarder);
        registry.linkWallet(buyer.id, address(wallet), block.timestamp, link);
        trade = _trade(
            _two(
                Leg(LegKind.ERC1155, address(goods), seller.wallet, address(wallet), 5, 60),
                _cash(usd, buyer, seller, PRICE)
            )
        );
        Party memory keeper = Party(buyer.id, address(wallet), key.privateKey, buyer.identity);
        settlement.affirmBySignature(trade, _affirmations(trade, keeper));
    }

    function _assertNothingPaid() private view {
        assertEq(usd.balanceOf(seller.wallet), 0);
        assertEq(usd.balanceOf(buyer.wallet), 10 * PRICE);
        assertEq(usd.held(buyer.wallet) % PRICE, 0);
    }
}
