// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../contracts/libraries/Ids.sol";
import {Trade} from "../../contracts/libraries/TradeTerms.sol";
import {TradeBase} from "./base/TradeBase.sol";

contract SettlementSettleTest is TradeBase {
    function test_settlesAtOnceWithEverythingRidingAlong() public {
        Trade memory trade = _dvp();
        _settleAtOnce(trade);
        assertEq(units.balanceOf(buyer.wallet), UNITS);
        assertEq(usd.balanceOf(seller.wallet), PRICE);
        _assertState(trade, ISettlement.State.Settled);
    }
}
