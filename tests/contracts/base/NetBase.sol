// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../../contracts/interfaces/IDepositToken.sol";
import {Path, Reason} from "../../../contracts/libraries/Reason.sol";
import {TokenScenario} from "./TokenScenario.sol";

/// @notice Four clients, of whom only Alice has money, and what it takes to net payments between them.
abstract contract NetBase is TokenScenario {
    Party internal carol;
    Party internal dave;
    Party[] internal parties;

    function setUp() public virtual override {
        super.setUp();
        carol = _party("carol", 0);
        dave = _party("dave", 0);
        parties.push(alice);
        parties.push(bob);
        parties.push(carol);
        parties.push(dave);
    }

    // ---- what goes in ----

    function _legs(Party memory to, uint256 amount) internal pure returns (IDepositToken.NetLeg[] memory legs) {
        legs = new IDepositToken.NetLeg[](1);
        legs[0] = IDepositToken.NetLeg(to.wallet, amount);
    }

    function _legs(Party memory a, uint256 ofA, Party memory b, uint256 ofB)
        internal
        pure
        returns (IDepositToken.NetLeg[] memory legs)
    {
        legs = new IDepositToken.NetLeg[](2);
        (legs[0], legs[1]) = (IDepositToken.NetLeg(a.wallet, ofA), IDepositToken.NetLeg(b.wallet, ofB));
    }

    function _consent(Party memory payer, IDepositToken.NetLeg[] memory legs)
        internal
        returns (IDepositToken.NetSource memory source)
    {
        (uint256 nonce, uint256 deadline) = (_next(), block.timestamp + 1 days);
        bytes32 ref = keccak256(abi.encode("trade", nonce));
        uint256 total;
        for (uint256 i; i < legs.length; ++i) {
            total += legs[i].amount;
        }
        bytes memory signature =
            _signConsent(payer.key, usd, payer.wallet, address(notary), total, ref, nonce, deadline);
        return IDepositToken.NetSource(payer.wallet, ref, 0, nonce, deadline, signature, legs);
    }

    function _held(Party memory payer, uint256 day, IDepositToken.NetLeg[] memory legs)
        internal
        pure
        returns (IDepositToken.NetSource memory)
    {
        return IDepositToken.NetSource(payer.wallet, "ref", day, 0, 0, "", legs);
    }

    function _one(IDepositToken.NetSource memory source)
        internal
        pure
        returns (IDepositToken.NetSource[] memory sources)
    {
        sources = new IDepositToken.NetSource[](1);
        sources[0] = source;
    }

    /// @dev a pays b pays c pays a.
    function _ring(Party memory a, Party memory b, Party memory c, uint256 amount)
        internal
        returns (IDepositToken.NetSource[] memory sources)
    {
        sources = new IDepositToken.NetSource[](3);
        sources[0] = _consent(a, _legs(b, amount));
        sources[1] = _consent(b, _legs(c, amount));
        sources[2] = _consent(c, _legs(a, amount));
    }

    /// @dev Up to 8 payments of up to `most` among all parties, by consent or, where `holds`, some out of new holds.
    function _random(uint256 seed, uint256 most, bool holds)
        internal
        returns (IDepositToken.NetSource[] memory sources)
    {
        sources = new IDepositToken.NetSource[](1 + seed % 8);
        for (uint256 i; i < sources.length; ++i) {
            uint256 r = uint256(keccak256(abi.encode(seed, i)));
            Party memory payer = parties[r % 4];
            IDepositToken.NetLeg[] memory legs = _legs(
                parties[(r + 1 + (r >> 8) % 3) % 4],
                1 + (r >> 16) % most,
                parties[(r + 1 + (r >> 64) % 3) % 4],
                1 + (r >> 72) % most
            );
            if (holds && r >> 128 & 1 == 1) {
                _hold(payer.wallet, legs[0].amount + legs[1].amount);
                sources[i] = _held(payer, _today(), legs);
            } else {
                sources[i] = _consent(payer, legs);
            }
        }
    }

    // ---- doing ----

    function _net(IDepositToken.NetSource[] memory sources) internal {
        (Reason reason,) = usd.checkNet(address(notary), sources);
        assertEq(uint8(reason), 0, "foretold");
        vm.prank(address(notary));
        usd.executeNet(sources);
    }

    function _oneByOne(IDepositToken.NetSource[] memory sources) internal {
        for (uint256 i; i < sources.length; ++i) {
            IDepositToken.NetSource memory s = sources[i];
            vm.startPrank(address(notary));
            if (s.day == 0) {
                uint256 total = s.legs[0].amount + s.legs[1].amount;
                usd.hold(s.payer, total, s.ref, s.nonce, s.deadline, s.signature);
            }
            for (uint256 k; k < s.legs.length; ++k) {
                usd.execute(s.payer, s.legs[k].to, s.legs[k].amount, s.ref);
            }
            vm.stopPrank();
        }
    }

    function _books() internal view returns (uint256[] memory balances, uint256[] memory spent) {
        (balances, spent) = (new uint256[](parties.length), new uint256[](parties.length));
        for (uint256 i; i < parties.length; ++i) {
            (balances[i], spent[i]) = (usd.balanceOf(parties[i].wallet), _spent(parties[i].id));
        }
    }

    // ---- refusals ----

    /// @dev checkNet says so too.
    function _expectRefused(
        IDepositToken.NetSource[] memory sources,
        Path path,
        Reason reason,
        address account,
        uint256 has,
        uint256 needs
    ) internal {
        (Reason foretold, address about) = usd.checkNet(address(notary), sources);
        assertEq(uint8(foretold), uint8(reason), "foretold");
        assertEq(about, account, "about");
        _expectRevert(
            sources, abi.encodeWithSelector(IDepositToken.Refused.selector, path, reason, account, has, needs)
        );
    }

    function _expectRevert(IDepositToken.NetSource[] memory sources, bytes memory data) internal {
        vm.expectRevert(data);
        vm.prank(address(notary));
        usd.executeNet(sources);
    }
}
