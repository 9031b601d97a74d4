// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20Errors, IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

import {IRecoverable} from "../../contracts/interfaces/IRecoverable.sol";
import {ITitleDocument} from "../../contracts/interfaces/ITitleDocument.sol";
import {IUnitToken} from "../../contracts/interfaces/IUnitToken.sol";
import {BadInputTable} from "./base/BadInputTable.sol";
import {SettlementBase} from "./base/SettlementBase.sol";

abstract contract BadInputAsset is SettlementBase, BadInputTable {
    address internal constant NOBODY = address(0);
    address internal constant HOLDER = address(0x501);
    address internal constant OTHER = address(0x502);

    function test_recover() external {
        _refuses(
            compliance,
            abi.encodeCall(IRecoverable.recover, (HOLDER, OTHER, ORDER)),
            abi.encodeWithSelector(IRecoverable.OnlyRegistry.selector, compliance)
        );
    }

    function test_setAuthority() external {
        _refuses(
            address(governance),
            abi.encodeWithSignature("setAuthority(address)", OTHER),
            abi.encodeWithSelector(IAccessManaged.AccessManagedInvalidAuthority.selector, OTHER)
        );
    }
}

/// @notice UnitToken, function by function.
contract BadInputUnitToken is BadInputAsset {
    uint256 private constant MAX = type(uint256).max;
    uint256 private constant MOST = type(uint128).max;

    function setUp() public override {
        super.setUp();
        subject = address(units);
        _issueUnits(HOLDER, 5);
    }

    function test_issue() external {
        _refuses(
            registrar,
            abi.encodeCall(units.issue, (NOBODY, 1)),
            abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, NOBODY)
        );
        uint256[3] memory amounts = [0, MOST - 4, MAX];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                registrar,
                abi.encodeCall(units.issue, (HOLDER, amounts[i])),
                abi.encodeWithSelector(IUnitToken.InvalidUnits.selector, amounts[i], MOST - 5)
            );
        }
        _issueUnits(HOLDER, MOST - 5);
        assertEq(units.totalSupply(), MOST, "as many as there may be");
    }

    function test_retire() external {
        _refuses(
            registrar,
            abi.encodeCall(units.retire, (HOLDER, 1)),
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, registrar, 0, 1)
        );
        vm.prank(HOLDER);
        units.approve(registrar, MAX);
        _refuses(
            registrar,
            abi.encodeCall(units.retire, (HOLDER, MAX)),
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, HOLDER, 5, MAX)
        );
        _refuses(
            registrar,
            abi.encodeCall(units.retire, (HOLDER, 0)),
            abi.encodeWithSelector(IUnitToken.InvalidUnits.selector, 0, MAX)
        );
    }

    function test_transfer() external {
        _refuses(
            HOLDER,
            abi.encodeCall(units.transfer, (NOBODY, 1)),
            abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, NOBODY)
        );
        _refuses(
            HOLDER,
            abi.encodeCall(units.transfer, (OTHER, MAX)),
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, HOLDER, 5, MAX)
        );
    }

    function test_transferFrom() external {
        _refuses(
            OTHER,
            abi.encodeCall(units.transferFrom, (HOLDER, OTHER, 1)),
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, OTHER, 0, 1)
        );
    }

    function test_approve() external {
        _refuses(
            HOLDER,
            abi.encodeCall(units.approve, (NOBODY, 1)),
            abi.encodeWithSelector(IERC20Errors.ERC20InvalidSpender.selector, NOBODY)
        );
    }

    function test_permit() external {
        uint256 late = block.timestamp - 1;
        _refuses(
            OTHER,
            abi.encodeCall(units.permit, (HOLDER, OTHER, 1, late, 27, bytes32(uint256(1)), bytes32(uint256(1)))),
            abi.encodeWithSelector(ERC20Permit.ERC2612ExpiredSignature.selector, late)
        );
        _refuses(
            OTHER,
            abi.encodeCall(
                units.permit, (HOLDER, OTHER, 1, block.timestamp, 27, bytes32(uint256(1)), bytes32(uint256(1)))
            ),
            ERC20Permit.ERC2612InvalidSigner.selector
        );
        _refuses(
            OTHER,
            abi.encodeCall(units.permit, (NOBODY, OTHER, 1, block.timestamp, 0, 0, 0)),
            abi.encodePacked(bytes4(keccak256("ECDSAInvalidSignature()")))
        );
    }
}

/// @notice TitleDocument, function by function.
contract BadInputTitleDocument is BadInputAsset {
    uint256 private constant TITLE = 7;
    uint256 private constant NONE = 8;

    function setUp() public override {
        super.setUp();
        subject = address(titles);
        _issueTitle(HOLDER, TITLE);
    }

    function _nonexistent(uint256 id) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, id);
    }

    function test_issue() external {
        _refuses(
            registrar, abi.encodeCall(titles.issue, (HOLDER, NONE, 0)), ITitleDocument.DocumentHashMissing.selector
        );
        _refuses(
            registrar,
            abi.encodeCall(titles.issue, (HOLDER, TITLE, "hash")),
            abi.encodeWithSelector(ITitleDocument.AlreadyIssued.selector, TITLE)
        );
        _refuses(
            registrar,
            abi.encodeCall(titles.issue, (NOBODY, NONE, "hash")),
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, NOBODY)
        );
    }

    function test_retire() external {
        _refuses(registrar, abi.encodeCall(titles.retire, (NONE)), _nonexistent(NONE));
        _refuses(registrar, abi.encodeCall(titles.retire, (type(uint256).max)), _nonexistent(type(uint256).max));
        _refuses(
            registrar,
            abi.encodeCall(titles.retire, (TITLE)),
            abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, registrar, TITLE)
        );
    }

    function test_transferFrom() external {
        _refuses(HOLDER, abi.encodeCall(titles.transferFrom, (HOLDER, OTHER, NONE)), _nonexistent(NONE));
        _refuses(
            HOLDER,
            abi.encodeCall(titles.transferFrom, (HOLDER, NOBODY, TITLE)),
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, NOBODY)
        );
        _refuses(
            HOLDER,
            abi.encodeCall(titles.transferFrom, (OTHER, HOLDER, TITLE)),
            abi.encodeWithSelector(IERC721Errors.ERC721IncorrectOwner.selector, OTHER, TITLE, HOLDER)
        );
    }

    function test_safeTransferFrom() external {
        bytes4 plain = bytes4(keccak256("safeTransferFrom(address,address,uint256)"));
        _refuses(HOLDER, abi.encodeWithSelector(plain, HOLDER, OTHER, NONE), _nonexistent(NONE));
        _refuses(
            HOLDER,
            abi.encodeWithSelector(plain, HOLDER, address(governance), TITLE),
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(governance))
        );
    }

    function test_approve() external {
        _refuses(HOLDER, abi.encodeCall(titles.approve, (OTHER, NONE)), _nonexistent(NONE));
        _refuses(
            OTHER,
            abi.encodeCall(titles.approve, (OTHER, TITLE)),
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidApprover.selector, OTHER)
        );
    }

    function test_setApprovalForAll() external {
        _refuses(
            HOLDER,
            abi.encodeCall(titles.setApprovalForAll, (NOBODY, true)),
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidOperator.selector, NOBODY)
        );
    }
}
