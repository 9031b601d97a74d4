// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {Leg, LegKind, Trade} from "../../contracts/libraries/TradeTerms.sol";
import {TradeBase} from "./base/TradeBase.sol";

/// @dev What is not a trade: each field, at its bound.
contract SettlementTermsTest is TradeBase {
    function test_legs() public {
        _expectInvalid(_trade(new Leg[](0)), "legs");
        _expectInvalid(_trade(_many(33)), "legs");
        _expectValid(_trade(_many(32)));
    }

    /// @dev Bits beyond a member's type, which no encoder makes: the id of such a trade would be another one, of a trade
    /// that reads the same.
    function test_legs_with_dirty_words() public {
        Trade memory trade = _dvp();
        bytes memory clean = abi.encodeCall(settlement.affirm, (trade));
        for (uint256 word; word < 4; ++word) {
            bytes memory dirty = bytes.concat(clean);
            uint256 place = 4 + 32 * (1 + 6 + 1 + word); // past the offset of the trade, its head and the count of legs
            assembly ("memory-safe") {
                let at_ := add(add(dirty, 32), place)
                mstore(at_, or(mload(at_), shl(200, 1)))
            }
            vm.prank(seller.wallet);
            (bool done, bytes memory answer) = address(settlement).call(dirty);
            assertFalse(done, "another trade that reads the same");
            assertEq(answer, abi.encodeWithSelector(ISettlement.InvalidTrade.selector, "legs"));
        }
        vm.prank(seller.wallet);
        (bool passed,) = address(settlement).call(clean);
        assertTrue(passed, "but for those bits");
    }

    function test_wallets() public {
        // 16 legs from 16 wallets to 16 others: 32; a 17th pair: 34
        _expectValidFor(_trade(_strangers(16)));
        _expectInvalid(_trade(_strangers(17)), "wallets");
    }

    function test_lots() public {
        Trade memory trade = _dvp();
        trade.lots = 0;
        _expectInvalid(trade, "lots");
        trade.lots = type(uint16).max;
        _expectValid(trade);
        Trade memory titled = _trade(_two(_title(seller, buyer, TITLE), _cash(usd, buyer, seller, PRICE)));
        titled.lots = 2;
        _expectInvalid(titled, "lots");
    }

    function test_dates() public {
        Trade memory trade = _dvp();
        trade.settleAfter = trade.expiry + 1;
        _expectInvalid(trade, "settleAfter");
        trade.settleAfter = trade.expiry;
        _expectValid(trade);
        trade.expiry = uint40(block.timestamp + 1096 days + 1);
        _expectInvalid(trade, "expiry");
        trade.expiry = uint40(block.timestamp + 1096 days);
        _expectValid(trade);
    }

    function test_parties() public {
        Trade memory trade = _dvp();
        trade.legs[0].from = address(0);
        _expectInvalid(trade, "from");
        trade.legs[0].from = buyer.wallet;
        _expectInvalid(trade, "to"); // to oneself
        trade.legs[0].from = seller.wallet;
        trade.legs[0].to = address(0);
        _expectInvalid(trade, "to");
    }

    function test_tokens() public {
        Trade memory trade = _dvp();
        trade.legs[0].token = address(0);
        _expectInvalid(trade, "token");
    }

    function test_ids() public {
        Trade memory trade = _dvp();
        trade.legs[0].id = 1;
        _expectInvalid(trade, "id");
        trade.legs[0].id = 0;
        trade.legs[1].id = 1;
        _expectInvalid(trade, "id");
    }

    function test_amounts() public {
        Trade memory trade = _dvp();
        trade.legs[0].amount = 0;
        _expectInvalid(trade, "amount");
        trade.legs[0].amount = uint256(type(uint128).max) + 1;
        _expectInvalid(trade, "amount");
        trade.legs[0].amount = type(uint128).max;
        _expectValid(trade);
        Trade memory titled = _trade(_two(_title(seller, buyer, TITLE), _cash(usd, buyer, seller, PRICE)));
        titled.legs[0].amount = 2;
        _expectInvalid(titled, "amount");
    }

    /// @dev Money is CASH, held; nothing else is called CASH: a fake token cannot play the cash leg.
    function test_cashIsForRegisteredDepositTokensAndForThemOnly() public {
        Trade memory trade = _dvp();
        trade.legs[1].kind = LegKind.ERC20;
        _expectInvalid(trade, "kind");
        trade.legs[1].kind = LegKind.CASH;
        trade.legs[0].kind = LegKind.CASH;
        _expectInvalid(trade, "kind");
        // also where an earlier leg names the same token rightly
        Trade memory mixed = _trade(
            _three(_units(seller, buyer, 1), _cash(usd, buyer, seller, 1), _asset(address(usd), buyer, seller, 1))
        );
        _expectInvalid(mixed, "kind");
    }

    // ---- helpers ----

    function _expectInvalid(Trade memory trade, string memory field) private {
        vm.expectRevert(abi.encodeWithSelector(ISettlement.InvalidTrade.selector, field));
        vm.prank(buyer.wallet);
        settlement.affirm(trade);
    }

    function _expectValid(Trade memory trade) private {
        _affirmAs(buyer, trade);
        _assertState(trade, ISettlement.State.Affirmed);
    }

    function _expectValidFor(Trade memory trade) private {
        Party memory first = _client("member of a crowd");
        trade.legs[0].from = first.wallet;
        vm.prank(first.wallet);
        settlement.affirm(trade);
        _assertState(trade, ISettlement.State.Affirmed);
        assertEq(settlement.walletsOf(trade).length, 2 * trade.legs.length);
    }

    function _many(uint256 n) private view returns (Leg[] memory legs) {
        legs = new Leg[](n);
        for (uint256 i; i < n; ++i) {
            legs[i] = _units(seller, buyer, 1);
        }
    }

    function _strangers(uint256 n) private view returns (Leg[] memory legs) {
        legs = new Leg[](n);
        for (uint160 i; i < n; ++i) {
            legs[i] = Leg(LegKind.ERC20, address(units), address(0xA000 + i), address(0xB000 + i), 0, 1);
        }
    }
}
