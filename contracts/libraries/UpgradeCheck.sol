// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC1822Proxiable} from "@openzeppelin/contracts/interfaces/draft-IERC1822.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {IReserve} from "../interfaces/IReserve.sol";
import {ISponsorships} from "../interfaces/ISponsorships.sol";

/// @notice What every contract behind a proxy answers.
// slither-disable-next-line missing-inheritance (its code, run by the contract that has that face)
interface IVersioned {
    function version() external view returns (string memory);
}

/// @title The self-test of an upgrade: new code must know what the old code knew
/// @notice Questions about what matters are put to the old code, then, in the same transaction, to the new code in the
/// same storage. An answer that differs reverts the upgrade. The questions are the old code's own, so code that reads
/// its storage wrongly cannot vouch for itself, and nothing that happens between announcing and executing is in the way.
/// @dev Runs by DELEGATECALL, so that `address(this)` is the proxy: whichever code stands behind it answers. What can be
/// without bound is sampled, its first and its last: a layout that shifts does so for all of them.
library UpgradeCheck {
    uint256 private constant SAMPLED = 8; // at each end
    uint256 private constant QUESTIONS = 512; // room; see the asking functions for how many there can be

    error UpgradeChangedAnswer(bytes question, bytes before, bytes found);
    error UpgradeNotNewer(string from, string to);

    struct Asked {
        bytes[] questions;
        uint256 count;
    }

    // ------------------------------------------------------------------------------------------------ upgrading

    function upgradeToken(address newImplementation, bytes calldata data) external {
        _change(_ofToken(), newImplementation, data);
    }

    function upgradeRegistry(address newImplementation, bytes calldata data) external {
        _change(_ofRegistry(), newImplementation, data);
    }

    function upgradeReserve(address newImplementation, bytes calldata data) external {
        _change(_ofReserve(), newImplementation, data);
    }

    /// @dev As UUPSUpgradeable does it, which keeps it to itself; between asking and asking again.
    function _change(Asked memory asked, address newImplementation, bytes calldata data) private {
        if (newImplementation.code.length == 0) revert ERC1967Utils.ERC1967InvalidImplementation(newImplementation);
        string memory from = IVersioned(address(this)).version();
        bytes[] memory answers = _answers(asked);
        try IERC1822Proxiable(newImplementation).proxiableUUID() returns (bytes32 slot) {
            if (slot != ERC1967Utils.IMPLEMENTATION_SLOT) {
                revert UUPSUpgradeable.UUPSUnsupportedProxiableUUID(slot);
            }
            ERC1967Utils.upgradeToAndCall(newImplementation, data);
        } catch {
            revert ERC1967Utils.ERC1967InvalidImplementation(newImplementation);
        }
        string memory to = IVersioned(address(this)).version();
        if (_number(to) <= _number(from)) revert UpgradeNotNewer(from, to);
        for (uint256 i; i < asked.count; ++i) {
            bytes memory found = _answer(asked.questions[i]);
            if (!_beginsWith(found, answers[i])) revert UpgradeChangedAnswer(asked.questions[i], answers[i], found);
        }
    }

    // ------------------------------------------------------------------------------------------------ questions

    function _ofToken() private view returns (Asked memory asked) {
        IDepositToken token = IDepositToken(address(this));
        asked = _begin();
        _ask(asked, abi.encodeCall(IDepositToken.registry, ()));
        _ask(asked, abi.encodeCall(IDepositToken.reserve, ()));
        _ask(asked, abi.encodeCall(IDepositToken.currency, ()));
        _ask(asked, abi.encodeCall(IDepositToken.paused, ()));
        _ask(asked, abi.encodeCall(IDepositToken.pausesSince, (0)));
        _ask(asked, abi.encodeCall(IDepositToken.retailTier, ()));
        _ask(asked, abi.encodeCall(IDepositToken.notaries, ()));
        _ask(asked, abi.encodeCall(IERC20.totalSupply, ()));
        _ask(asked, abi.encodeCall(IERC20Metadata.name, ()));
        _ask(asked, abi.encodeCall(IERC20Metadata.symbol, ()));
        _ask(asked, abi.encodeCall(IERC20Metadata.decimals, ()));
        _ask(asked, abi.encodeCall(IERC20Permit.DOMAIN_SEPARATOR, ()));
        address[] memory notaries = token.notaries();
        uint256 known = notaries.length < SAMPLED ? notaries.length : SAMPLED;
        for (uint256 i; i < known; ++i) {
            _ask(asked, abi.encodeCall(IDepositToken.notaryStatus, (notaries[i])));
        }
        IParticipantRegistry registry = IParticipantRegistry(token.registry());
        uint32 all = registry.participantCount();
        for (uint32 id = 1; id <= all; id = _next(id, all)) {
            address wallet = registry.currentWallet(id);
            _ask(asked, abi.encodeCall(IERC20.balanceOf, (wallet)));
            _ask(asked, abi.encodeCall(IDepositToken.held, (wallet)));
            _ask(asked, abi.encodeCall(IDepositToken.frozen, (wallet)));
            _ask(asked, abi.encodeCall(IDepositToken.available, (wallet)));
            _ask(asked, abi.encodeCall(IDepositToken.dailyLimit, (id)));
            _ask(asked, abi.encodeCall(IDepositToken.sponsorCeiling, (id)));
            _ask(asked, abi.encodeCall(IDepositToken.mintCeiling, (wallet)));
            _ask(asked, abi.encodeCall(IERC20Permit.nonces, (wallet)));
            for (uint256 i; i < known; ++i) {
                _ask(asked, abi.encodeCall(IDepositToken.heldFor, (notaries[i], wallet)));
            }
        }
    }

    function _ofRegistry() private view returns (Asked memory asked) {
        IParticipantRegistry registry = IParticipantRegistry(address(this));
        asked = _begin();
        _ask(asked, abi.encodeCall(IParticipantRegistry.participantCount, ()));
        _ask(asked, abi.encodeCall(IParticipantRegistry.assets, ()));
        address[] memory assets = registry.assets();
        for (uint256 i; i < assets.length && i < 2 * SAMPLED; ++i) {
            _ask(asked, abi.encodeCall(IParticipantRegistry.isDepositToken, (assets[i])));
        }
        uint32 all = registry.participantCount();
        for (uint32 id = 1; id <= all; id = _next(id, all)) {
            IParticipantRegistry.Participant memory p = registry.participantOf(id);
            _ask(asked, abi.encodeCall(IParticipantRegistry.participantOf, (id)));
            _ask(asked, abi.encodeCall(IParticipantRegistry.participantByIdentity, (p.identityHash)));
            _ask(asked, abi.encodeCall(IParticipantRegistry.stopsSince, (id, 0)));
            _ask(asked, abi.encodeCall(IParticipantRegistry.stopOf, (id)));
            _ask(asked, abi.encodeCall(IParticipantRegistry.flagsOf, (id)));
            _ask(asked, abi.encodeCall(IParticipantRegistry.pairPasses, (id, 1)));
            _ask(asked, abi.encodeCall(IParticipantRegistry.retailWallets, (id)));
            _ask(asked, abi.encodeCall(ISponsorships.sponsorshipOf, (id)));
            _ask(asked, abi.encodeCall(IParticipantRegistry.walletOf, (p.wallet)));
            _ask(asked, abi.encodeCall(IParticipantRegistry.standingOf, (p.wallet)));
            _ask(asked, abi.encodeCall(IParticipantRegistry.standings, (id, p.epoch, id, 0)));
        }
    }

    function _ofReserve() private view returns (Asked memory asked) {
        asked = _begin();
        _ask(asked, abi.encodeCall(IReserve.threshold, ()));
        _ask(asked, abi.encodeCall(IReserve.auditors, ()));
        _ask(asked, abi.encodeCall(IReserve.currencies, ()));
        bytes3[] memory currencies = IReserve(address(this)).currencies();
        for (uint256 i; i < currencies.length && i < 2 * SAMPLED; ++i) {
            _ask(asked, abi.encodeCall(IReserve.backing, (currencies[i])));
            _ask(asked, abi.encodeCall(IReserve.linesOf, (currencies[i])));
            _ask(asked, abi.encodeCall(IReserve.cycleOf, (currencies[i])));
            _ask(asked, abi.encodeCall(IReserve.tokensOf, (currencies[i])));
            address[] memory tokens = IReserve(address(this)).tokensOf(currencies[i]);
            for (uint256 j; j < tokens.length; ++j) {
                _ask(asked, abi.encodeCall(IReserve.currencyOf, (tokens[j])));
                _ask(asked, abi.encodeCall(IReserve.backingOf, (tokens[j])));
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ inside

    function _begin() private pure returns (Asked memory asked) {
        asked.questions = new bytes[](QUESTIONS);
        _ask(asked, abi.encodeCall(IAccessManaged.authority, ()));
    }

    function _ask(Asked memory asked, bytes memory question) private pure {
        asked.questions[asked.count++] = question;
    }

    /// @dev The first ones, then the last ones.
    function _next(uint32 id, uint32 all) private pure returns (uint32) {
        return id == SAMPLED && all > 2 * SAMPLED ? all - uint32(SAMPLED) + 1 : id + 1;
    }

    function _answers(Asked memory asked) private view returns (bytes[] memory answers) {
        answers = new bytes[](asked.count);
        for (uint256 i; i < asked.count; ++i) {
            answers[i] = _answer(asked.questions[i]);
        }
    }

    /// @dev One byte for whether it succeeded, then what came back.
    function _answer(bytes memory question) private view returns (bytes memory) {
        // slither-disable-next-line low-level-calls (its failure is an answer)
        (bool done, bytes memory answer) = address(this).staticcall(question);
        return bytes.concat(done ? bytes1(0x01) : bytes1(0x00), answer);
    }

    /// @dev New code may say more, at the end, where whoever knows the old code does not read.
    function _beginsWith(bytes memory found, bytes memory before) private pure returns (bool same) {
        uint256 length = before.length;
        if (found.length < length) return false;
        assembly ("memory-safe") {
            same := eq(keccak256(add(found, 32), length), keccak256(add(before, 32), length))
        }
    }

    /// @dev "1.2.3" as one number that orders as versions do; each part below 2^32. Anything else counts as less.
    function _number(string memory version) private pure returns (uint256 number) {
        bytes memory text = bytes(version);
        // slither-disable-next-line uninitialized-local (starts at zero)
        uint256 part;
        // slither-disable-next-line uninitialized-local (starts at zero)
        uint256 dots;
        for (uint256 i; i < text.length; ++i) {
            uint256 digit = uint8(text[i]);
            if (digit == 0x2e) {
                (number, part, dots) = ((number << 32) | part, 0, dots + 1);
            } else {
                if (digit < 0x30 || digit > 0x39) return 0;
                part = part * 10 + (digit - 0x30);
                if (part > type(uint32).max) return 0;
            }
        }
        return dots == 2 ? (number << 32) | part : 0;
    }
}

// slither-disable-end assembly
// slither-disable-end calls-loop
