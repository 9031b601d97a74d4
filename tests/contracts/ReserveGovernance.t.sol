// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

import {DepositToken} from "../../contracts/DepositToken.sol";
import {PlatformProxy} from "../../contracts/PlatformProxy.sol";
import {Reserve} from "../../contracts/Reserve.sol";
import {IReserve} from "../../contracts/interfaces/IReserve.sol";
import {ReserveBase} from "./base/ReserveBase.sol";

contract NextReserve is Reserve {
    function version() external pure override returns (string memory) {
        return "1.1.0";
    }

    function isNext() external pure returns (bool) {
        return true;
    }
}

/// @notice A contract that calls itself a token of any currency.
contract Pretender {
    string public currency;

    constructor(string memory currency_) {
        currency = currency_;
    }
}

/// @notice Who may change what stands behind the reserve, and what nobody may.
contract ReserveGovernance is ReserveBase {
    function _governed(bytes memory call_, bytes memory expected) private {
        _schedule(governor, address(reserve), call_);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(expected);
        _executeDelayed(governor, address(reserve), call_);
    }

    function test_nobody_changes_it_without_the_role_and_governors_only_announced() public {
        bytes[6] memory calls = [
            abi.encodeCall(reserve.addAuditor, (address(1))),
            abi.encodeCall(reserve.removeAuditor, (three[0].addr)),
            abi.encodeCall(reserve.setThreshold, (1)),
            abi.encodeCall(reserve.setCycle, ("USD", 1)),
            abi.encodeCall(reserve.registerToken, (address(usd))),
            abi.encodeCall(reserve.upgradeToAndCall, (address(1), ""))
        ];
        address[4] memory callers = [alice.wallet, issuer, governor, three[0].addr];
        for (uint256 i = 0; i < calls.length; i++) {
            for (uint256 j = 0; j < callers.length; j++) {
                vm.prank(callers[j]);
                (bool done,) = address(reserve).call(calls[i]);
                assertFalse(done, "by anybody, at once");
            }
        }
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice.wallet));
        vm.prank(alice.wallet);
        reserve.setThreshold(1);
    }

    function test_auditors_come_and_go() public {
        address[] memory expected = new address[](3);
        address[] memory found = reserve.auditors();
        assertEq(found.length, 3);
        for (uint256 i = 0; i < 3; i++) {
            assertTrue(reserve.isAuditor(found[i]));
        }
        assertFalse(reserve.isAuditor(auditor.addr));
        vm.expectEmit(true, true, true, true, address(reserve));
        emit IReserve.AuditorRemoved(found[1]);
        _removeAuditor(found[1]);
        expected = reserve.auditors();
        assertEq(expected.length, 2);
        assertEq(expected[0], found[0]);
        assertEq(expected[1], found[2]);
        assertEq(reserve.threshold(), 2);
    }

    function test_an_auditor_is_added_once_and_never_comes_back() public {
        address first = three[0].addr;
        _governed(
            abi.encodeCall(reserve.addAuditor, (first)), abi.encodeWithSelector(IReserve.AuditorKnown.selector, first)
        );
        first = three[1].addr;
        _removeAuditor(first);
        _governed(
            abi.encodeCall(reserve.addAuditor, (first)), abi.encodeWithSelector(IReserve.AuditorKnown.selector, first)
        );
        vm.expectRevert(abi.encodeWithSelector(IReserve.NotAnAuditor.selector, first));
        _removeAuditor(first);
        _governed(
            abi.encodeCall(reserve.addAuditor, (address(0))),
            abi.encodeWithSelector(IReserve.InvalidAuditor.selector, address(0))
        );
    }

    function test_there_are_at_most_256_auditors_ever() public {
        address[] memory all = new address[](257);
        for (uint256 i = 0; i < 257; i++) {
            all[i] = address(uint160(0x10000 + i));
        }
        address implementation = address(new Reserve());
        vm.expectRevert(abi.encodeWithSelector(IReserve.TooManyAuditors.selector, 256));
        new PlatformProxy(implementation, abi.encodeCall(Reserve.initialize, (address(governance), all, 2)));
        assembly {
            mstore(all, 256)
        }
        bytes memory initialization = abi.encodeCall(Reserve.initialize, (address(governance), all, 2));
        Reserve full = Reserve(address(new PlatformProxy(implementation, initialization)));
        assertEq(full.auditors().length, 256);
        assertTrue(full.isAuditor(all[255]));
    }

    function test_the_same_first_auditor_twice_is_refused() public {
        address[] memory twice = new address[](2);
        (twice[0], twice[1]) = (three[0].addr, three[0].addr);
        address implementation = address(new Reserve());
        vm.expectRevert(abi.encodeWithSelector(IReserve.AuditorKnown.selector, three[0].addr));
        new PlatformProxy(implementation, abi.encodeCall(Reserve.initialize, (address(governance), twice, 2)));
    }

    function test_a_cycle_is_of_a_known_currency_and_bounded() public {
        uint40 tooLong = 1096 days + 1;
        _governed(
            abi.encodeCall(reserve.setCycle, ("USD", tooLong)),
            abi.encodeWithSelector(IReserve.CycleTooLong.selector, tooLong, 1096 days)
        );
        _governed(
            abi.encodeCall(reserve.setCycle, ("JPY", 1 days)),
            abi.encodeWithSelector(IReserve.UnknownReserveCurrency.selector, bytes3("JPY"))
        );
        assertEq(reserve.cycleOf("USD"), CYCLE);
        vm.expectRevert(abi.encodeWithSelector(IReserve.UnknownReserveCurrency.selector, bytes3("JPY")));
        reserve.backing("JPY");
        vm.expectRevert(abi.encodeWithSelector(IReserve.UnknownReserveCurrency.selector, bytes3("JPY")));
        reserve.linesOf("JPY");
    }

    function _register(address token) private pure returns (bytes memory) {
        return abi.encodeCall(Reserve.registerToken, (token));
    }

    function test_a_token_is_registered_once_and_has_a_currency() public {
        assertEq(reserve.currencyOf(address(usd)), "USD");
        bytes3[] memory listed = reserve.currencies();
        assertEq(listed.length, 2);
        assertEq(listed[0], "USD");
        assertEq(listed[1], "EUR");
        assertEq(reserve.currencyOf(address(1)), bytes3(0));
        _governed(_register(address(usd)), abi.encodeWithSelector(IReserve.ReserveTokenKnown.selector, address(usd)));
        _governed(
            _register(address(0xCAFE)), abi.encodeWithSelector(IReserve.InvalidReserveToken.selector, address(0xCAFE))
        );
        _governed(_register(address(0)), abi.encodeWithSelector(IReserve.InvalidReserveToken.selector, address(0)));
        address longName = address(new Pretender("USDC"));
        _governed(_register(longName), abi.encodeWithSelector(IReserve.InvalidReserveToken.selector, longName));
        address noName = address(new Pretender(""));
        _governed(_register(noName), abi.encodeWithSelector(IReserve.InvalidReserveToken.selector, noName));
    }

    function test_at_most_eight_tokens_share_a_backing() public {
        for (uint256 i = 1; i < 8; i++) {
            DepositToken token = _deployToken("one more", "USD");
            _govern(address(reserve), _register(address(token)));
        }
        DepositToken ninth = _deployToken("one more", "USD");
        _governed(
            _register(address(ninth)), abi.encodeWithSelector(IReserve.TooManyReserveTokens.selector, bytes3("USD"), 8)
        );
        _attest(MONEY + 1);
        (, uint256 attested, uint256 supply) = reserve.backingOf(address(usd));
        assertEq(attested - supply, 1);
    }

    function test_it_is_initialized_once() public {
        vm.expectRevert(abi.encodeWithSelector(Initializable.InvalidInitialization.selector));
        reserve.initialize(address(this), new address[](0), 0);
        Reserve implementation = new Reserve();
        vm.expectRevert(abi.encodeWithSelector(Initializable.InvalidInitialization.selector));
        implementation.initialize(address(this), new address[](0), 0);
        assertEq(reserve.version(), "1.0.0");
    }

    function test_an_upgrade_keeps_what_was_attested() public {
        _attest(MONEY + 7);
        address next = address(new NextReserve());
        _delayed(upgrader, address(reserve), abi.encodeCall(reserve.upgradeToAndCall, (next, "")));
        assertTrue(NextReserve(address(reserve)).isNext());
        assertEq(reserve.backing("USD").attested, MONEY + 7);
        assertEq(reserve.auditors().length, 3);
    }
}
