// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {INetting} from "../../contracts/interfaces/INetting.sol";
import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {Trade} from "../../contracts/libraries/TradeTerms.sol";
import {NetTradeBase} from "./base/NetTradeBase.sol";
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

/// @dev Assets are foreign code in a net too: each account has in the end exactly what the legs say, or nothing happened.
contract SettlementNetHostileTest is NetTradeBase {
    // ---- ERC-20s that are not what they seem: 0 sells 100 to 1, who sells 60 of them to 2 ----

    function test_D1_aTokenThatOnlySaysYes() public {
        _expectMismatch(new LyingERC20(), dealers[0].wallet, -100, 0);
    }

    function test_D1_aTokenThatSaysNo() public {
        FalseERC20 token = new FalseERC20();
        _expectNetReverts(_sales(token), abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token));
        _assertNothingPaid();
    }

    function test_D2_aTokenThatKeepsAFee() public {
        _expectMismatch(new FeeERC20(), dealers[1].wallet, 40, 39);
    }

    function test_D2_aTokenThatGivesMore() public {
        _expectMismatch(new GenerousERC20(), dealers[1].wallet, 40, 41);
    }

    function test_D2_aTokenThatTakesMore() public {
        _expectMismatch(new GreedyERC20(), dealers[0].wallet, -100, -102);
    }

    function test_aTokenThatAnswersNothing() public {
        MuteERC20 token = new MuteERC20();
        token.mint(dealers[0].wallet, 100);
        vm.prank(dealers[0].wallet);
        token.approve(address(settlement), 100);
        _settleNet(_salesOf(address(token)), false);
        assertEq(token.balanceOf(dealers[1].wallet), 40);
        assertEq(token.balanceOf(dealers[2].wallet), 60);
    }

    /// @dev What moves nothing in the end is not called.
    function test_aFeeOnWhatDoesNotMove() public {
        FeeERC20 token = new FeeERC20();
        _settleNet(
            _several(
                _single(_asset(address(token), dealers[0], dealers[1], 100), "there"),
                _single(_asset(address(token), dealers[1], dealers[0], 100), "back")
            ),
            false
        );
        assertEq(token.balanceOf(dealers[0].wallet) + token.balanceOf(dealers[1].wallet), 0);
    }

    function test_anAllowanceThatIsMissing() public {
        PlainERC20 token = new PlainERC20();
        Trade[] memory trades = _sales(token);
        vm.prank(dealers[0].wallet);
        token.approve(address(settlement), 99);
        INetting.NetTrade[] memory all = _riding(trades);
        vm.expectRevert();
        settlement.settleNet(all, false);
        _assertNothingPaid();
    }

    /// @dev Bank money that a trade calls an asset: this contract has no allowance that would serve.
    function test_moneyInDisguise() public {
        Trade[] memory trades = new Trade[](1);
        trades[0] = _single(_asset(address(usd), dealers[3], dealers[0], 1), "disguised");
        _deposit(usd, dealers[3].wallet, 1);
        vm.prank(dealers[3].wallet);
        usd.approve(address(settlement), 1);
        INetting.NetTrade[] memory all = _riding(trades);
        vm.expectRevert();
        settlement.settleNet(all, false);
        assertEq(usd.balanceOf(dealers[3].wallet), 1);
    }

    /// @dev Two who sell the same title: one of them has it at most.
    function test_oneTitleSoldTwice() public {
        _issueTitle(dealers[0].wallet, 9);
        Trade[] memory trades =
            _several(_single(_title(dealers[0], dealers[2], 9), "a"), _single(_title(dealers[1], dealers[2], 9), "b"));
        INetting.NetTrade[] memory all = _riding(trades);
        vm.expectRevert();
        settlement.settleNet(all, false);
        assertEq(titles.ownerOf(9), dealers[0].wallet);
    }

    // ---- calls back ----

    function test_reentering() public {
        Trade[] memory inner = _ring(3, usd, 10);
        INetting.NetTrade[] memory all = _riding(inner);
        _expectClosed(abi.encodeCall(settlement.settleNet, (all, false)));
        _expectClosed(abi.encodeCall(settlement.settle, (inner[0], all[0].affirmations, all[0].consents)));
        _expectClosed(abi.encodeCall(settlement.cancel, (inner[0])));
        _assertAll(inner, ISettlement.State.None);
    }

    /// @dev A net within a settlement is as closed as a settlement within a net.
    function test_reenteringFromASettlement() public {
        INetting.NetTrade[] memory all = _riding(_ring(3, usd, 10));
        ReenteringERC20 token = new ReenteringERC20();
        Trade[] memory sales = _sales(token);
        token.reenter(address(settlement), abi.encodeCall(settlement.settleNet, (all, false)));
        INetting.NetTrade memory sale = _riding(sales[0]);
        _deposit(usd, dealers[1].wallet, 1000);
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        settlement.settle(sale.trade, sale.affirmations, sale.consents);
    }

    function test_whoLooksInTheMiddleSeesTheEnd() public {
        ReenteringERC20 token = new ReenteringERC20();
        Trade[] memory trades = _sales(token);
        token.reenter(address(this), abi.encodeCall(this.seeSettled, (trades)));
        _settleNet(trades, false);
        assertEq(token.balanceOf(dealers[2].wallet), 60);
    }

    function seeSettled(Trade[] calldata trades) external view {
        for (uint256 i; i < trades.length; ++i) {
            _assertState(trades[i], ISettlement.State.Settled);
        }
        assertEq(usd.balanceOf(dealers[0].wallet), 1000, "and is paid");
    }

    /// @dev ERC-1155 calls its receiver: it finds the settlement closed, and refusing undoes all.
    function test_aReceiverThatCallsBackOrRefuses() public {
        (Trade[] memory trades, ContractWallet wallet) = _toContract();
        INetting.NetTrade[] memory inner = _riding(_ring(3, usd, 10));
        wallet.whenReceiving(address(settlement), abi.encodeCall(settlement.settleNet, (inner, false)));
        _expectNetReverts(
            trades, abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
        wallet.whenReceiving(address(units), abi.encodeCall(units.transfer, (dealers[0].wallet, 1)));
        INetting.NetTrade[] memory all = _riding(trades);
        vm.expectRevert();
        settlement.settleNet(all, false);
        _assertAll(trades, ISettlement.State.None);
    }

    function test_aContractReceives() public {
        (Trade[] memory trades, ContractWallet wallet) = _toContract();
        _settleNet(trades, false);
        assertEq(goods.balanceOf(address(wallet), 5), 7);
        assertEq(goods.balanceOf(dealers[0].wallet, 5), 1e6 - 7);
        assertEq(goods.balanceOf(dealers[1].wallet, 5), 1e6);
    }

    // ---- helpers ----

    function _sales(PlainERC20 token) private returns (Trade[] memory) {
        token.mint(dealers[0].wallet, 1000);
        vm.prank(dealers[0].wallet);
        token.approve(address(settlement), 1000);
        return _salesOf(address(token));
    }

    function _salesOf(address token) private returns (Trade[] memory) {
        _deposit(usd, dealers[2].wallet, 1000);
        return _several(
            _trade(_two(_asset(token, dealers[0], dealers[1], 100), _cash(usd, dealers[1], dealers[0], 1000))),
            _trade(_two(_asset(token, dealers[1], dealers[2], 60), _cash(usd, dealers[2], dealers[1], 1000)))
        );
    }

    function _expectMismatch(PlainERC20 token, address account, int256 expected, int256 actual) private {
        _expectNetReverts(
            _sales(token),
            abi.encodeWithSelector(ISettlement.DeliveryMismatch.selector, token, 0, account, expected, actual)
        );
        _assertNothingPaid();
    }

    function _expectClosed(bytes memory call) private {
        ReenteringERC20 token = new ReenteringERC20();
        token.reenter(address(settlement), call);
        _expectNetReverts(
            _sales(token), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
    }

    /// @dev Goods from 0 by way of 1 to a contract wallet of dealer 2.
    function _toContract() private returns (Trade[] memory trades, ContractWallet wallet) {
        Vm.Wallet memory key = _key("warehouse keeper");
        wallet = new ContractWallet(key.addr);
        Party memory owner = dealers[2];
        bytes memory link = _signLink(key.privateKey, owner.identity, address(wallet), block.timestamp);
        vm.prank(onboarder);
        registry.linkWallet(owner.id, address(wallet), block.timestamp, link);
        keyOf[address(wallet)] = key.privateKey;
        Party memory keeper = Party(owner.id, address(wallet), key.privateKey, owner.identity);
        trades = _several(
            _single(_goods(5, dealers[0], dealers[1], 7), "in"), _single(_goods(5, dealers[1], keeper, 7), "out")
        );
    }

    function _assertNothingPaid() private view {
        assertEq(usd.balanceOf(dealers[2].wallet), 1000);
        assertEq(usd.balanceOf(dealers[0].wallet), 0);
    }
}
