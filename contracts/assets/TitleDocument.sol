// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

import {IRecoverable} from "../interfaces/IRecoverable.sol";
import {ITitleDocument} from "../interfaces/ITitleDocument.sol";

/// @title TitleDocument
/// @notice A recovery moves every title of the lost wallet in one transaction, so
/// - each wallet's titles are listed (the ids alone: nobody needs the list of all), and
/// - a wallet holds at most MOST titles: nobody can make another's wallet unrecoverable by filling it. Recovery itself
///   may pass the bound, for it must not fail; 250 titles cost some 10 million gas.
contract TitleDocument is ITitleDocument, ERC721, AccessManaged {
    uint256 public constant MOST = 250;

    /// @inheritdoc ITitleDocument
    address public immutable registry;
    /// @inheritdoc ITitleDocument
    mapping(uint256 id => bytes32) public documentHash;

    // slither-disable-next-line uninitialized-state (a mapping: written by issue and transfer)
    mapping(address holder => uint256[]) private _titles;
    mapping(uint256 id => uint256) private _positions;

    constructor(address registry_, address authority, string memory name_, string memory symbol_)
        ERC721(name_, symbol_)
        AccessManaged(authority)
    {
        // slither-disable-next-line missing-zero-check (made once; a wrong one shows at the first call)
        registry = registry_;
    }

    /// @inheritdoc ITitleDocument
    function issue(address to, uint256 id, bytes32 hash) external restricted {
        if (hash == 0) revert DocumentHashMissing();
        if (documentHash[id] != 0) revert AlreadyIssued(id);
        documentHash[id] = hash;
        _mint(to, id);
        emit TitleIssued(to, id, hash);
    }

    /// @inheritdoc ITitleDocument
    function retire(uint256 id) external restricted {
        address holder = _update(address(0), id, msg.sender);
        emit TitleRetired(holder, id);
    }

    /// @inheritdoc IRecoverable
    function recover(address lost, address successor, bytes32 orderHash) external {
        if (msg.sender != registry) revert OnlyRegistry(msg.sender);
        uint256[] memory ids = _titles[lost];
        if (ids.length == 0) return;
        emit TitlesRecovered(lost, successor, ids.length, orderHash);
        // backwards: each title is the last of the list when it leaves
        for (uint256 i = ids.length; i > 0; --i) {
            _update(successor, ids[i - 1], address(0));
        }
    }

    /// @inheritdoc ITitleDocument
    function titlesOf(address holder) external view returns (uint256[] memory) {
        return _titles[holder];
    }

    /// @inheritdoc ITitleDocument
    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    /// @dev The one place where titles move; keeps the lists.
    function _update(address to, uint256 id, address auth) internal override returns (address from) {
        from = super._update(to, id, auth);
        if (from == to) return from;
        if (from != address(0)) _delist(from, id);
        if (to != address(0)) _list(to, id);
    }

    function _list(address holder, uint256 id) private {
        uint256[] storage titles = _titles[holder];
        if (titles.length >= MOST && msg.sender != registry) revert TooManyTitles(holder, MOST);
        _positions[id] = titles.length;
        titles.push(id);
    }

    function _delist(address holder, uint256 id) private {
        uint256[] storage titles = _titles[holder];
        uint256 last = titles[titles.length - 1];
        uint256 position = _positions[id];
        titles[position] = last;
        _positions[last] = position;
        titles.pop();
    }
}
