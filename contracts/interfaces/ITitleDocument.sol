// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IRecoverable} from "./IRecoverable.sol";

/// @title Title documents such as electronic bills of lading: ERC-721, each bound to the hash of its document
interface ITitleDocument is IRecoverable {
    /// @dev Each stands beside the Transfer that it explains. The document is bound at issue and never changes.
    event TitleIssued(address indexed to, uint256 indexed id, bytes32 documentHash);
    event TitleRetired(address indexed holder, uint256 indexed id);
    /// @dev Followed by one Transfer per title.
    event TitlesRecovered(address indexed lost, address indexed successor, uint256 count, bytes32 orderHash);

    error DocumentHashMissing();
    /// @notice Once issued an id is never issued again, retired or not.
    error AlreadyIssued(uint256 id);
    error TooManyTitles(address holder, uint256 most);

    /// @notice By the registrar.
    // slither-disable-next-line shadowing-local (the function of that name is not called here)
    function issue(address to, uint256 id, bytes32 documentHash) external;

    /// @notice By the registrar, once the holder has approved it (or surrendered the title to it).
    function retire(uint256 id) external;

    /// @notice Hash of the document, kept after the title is retired; 0 where nothing was issued.
    function documentHash(uint256 id) external view returns (bytes32);

    /// @notice All titles of a wallet, in no particular order.
    function titlesOf(address holder) external view returns (uint256[] memory);

    /// @notice The participant registry, which alone may move a lost wallet's titles.
    function registry() external view returns (address);
    function version() external pure returns (string memory);
}
