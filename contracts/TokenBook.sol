// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start naming-convention (as OpenZeppelin writes it)

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {IAuthorizations} from "./interfaces/IAuthorizations.sol";
import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {IMandates} from "./interfaces/IMandates.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IRestrictedAsset} from "./interfaces/IRestrictedAsset.sol";
import {Interval} from "./libraries/Interval.sol";
import {Movements} from "./libraries/Movements.sol";
import {Path, Reason, Standing} from "./libraries/Reason.sol";
import {References} from "./libraries/References.sol";
import {TokenDeposits} from "./libraries/TokenDeposits.sol";
import {TokenDomain} from "./libraries/TokenDomain.sol";
import {TokenMandates} from "./libraries/TokenMandates.sol";
import {TokenNet} from "./libraries/TokenNet.sol";
import {TokenRare} from "./libraries/TokenRare.sol";
import {MintCeiling, RetailTier, TokenState, TokenStorage} from "./libraries/TokenStorage.sol";

/// @title What a deposit token answers
/// @dev The reading half of DepositToken.
abstract contract TokenBook is IDepositToken, IERC20Metadata, IERC20Permit, IERC5267 {
    IParticipantRegistry internal immutable REGISTRY;

    constructor(address registry_) {
        REGISTRY = IParticipantRegistry(registry_);
    }

    // ------------------------------------------------------------------------------------------------ money

    /// @inheritdoc IDepositToken
    function check(Path path, address caller, address from, address to, uint256 amount) external view returns (Reason) {
        return TokenRare.check(REGISTRY, path, caller, from, to, amount);
    }

    /// @inheritdoc IRestrictedAsset
    function canTransfer(address from, address to, uint256 amount) external view returns (bool) {
        return TokenRare.check(REGISTRY, Path.TRANSFER, from, from, to, amount) == Reason.OK;
    }

    /// @inheritdoc IRestrictedAsset
    function canSend(address account) public view returns (bool) {
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (Standing standing,) = REGISTRY.standingOf(account);
        return standing == Standing.GOOD;
    }

    /// @inheritdoc IRestrictedAsset
    function canReceive(address account) external view returns (bool) {
        return canSend(account);
    }

    /// @inheritdoc IRestrictedAsset
    function getFrozenTokens(address account) external view returns (uint256) {
        return frozen(account);
    }

    /// @inheritdoc IDepositToken
    function checkNet(address, NetSource[] calldata) external view returns (Reason, address) {
        _look(address(TokenNet), TokenNet.checkNet.selector);
    }

    /// @inheritdoc IDepositToken
    function available(address wallet) external view returns (uint256) {
        TokenState storage $ = TokenStorage.load();
        return Movements.availableOf($.accounts[wallet], $.frozen[wallet]);
    }

    /// @inheritdoc IERC20
    function balanceOf(address wallet) external view returns (uint256) {
        return TokenStorage.load().accounts[wallet].balance();
    }

    /// @inheritdoc IDepositToken
    function held(address wallet) external view returns (uint256) {
        return TokenStorage.load().accounts[wallet].held();
    }

    /// @inheritdoc IDepositToken
    function heldFor(address notary, address wallet) external view returns (uint256) {
        TokenState storage $ = TokenStorage.load();
        return uint88($.heldBy[notary][Movements.follow($, REGISTRY, wallet)]);
    }

    /// @inheritdoc IDepositToken
    function frozen(address wallet) public view returns (uint256) {
        return TokenStorage.load().frozen[wallet];
    }

    /// @inheritdoc IDepositToken
    function dailyLimit(uint32 participant) external view returns (uint256 limit, uint256 spentToday) {
        TokenState storage $ = TokenStorage.load();
        return ($.limits[participant].limit(), $.limits[participant].spentOn(Movements.today()));
    }

    /// @inheritdoc IDepositToken
    function sponsorCeiling(uint32 sponsor) external view returns (uint256) {
        return TokenStorage.load().sponsorCeilings[sponsor];
    }

    /// @inheritdoc IDepositToken
    function retailTier() external view returns (uint256 dailyLimit_, uint256 maxBalance) {
        RetailTier storage tier = TokenStorage.load().retailTier;
        return (tier.dailyLimit, tier.maxBalance);
    }

    // ------------------------------------------------------------------------------------------------ what was done

    /// @inheritdoc IDepositToken
    function referenceState(address wallet, bytes32 ref) external view returns (ReferenceState) {
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (uint32 participant,,) = REGISTRY.walletOf(wallet);
        if (participant == 0) revert UnknownParticipantOfWallet(wallet);
        return referenceState(participant, ref);
    }

    /// @inheritdoc IDepositToken
    function referenceState(uint32 participant, bytes32 ref) public view returns (ReferenceState) {
        return References.stateOf(TokenStorage.load(), participant, ref);
    }

    /// @inheritdoc IDepositToken
    function paid(uint32 participant, bytes32 ref) external view returns (bool) {
        return referenceState(participant, ref) == ReferenceState.PAID;
    }

    /// @inheritdoc IDepositToken
    function mintedFor(bytes32 depositRef) external view returns (bool) {
        return TokenStorage.load().minted[depositRef];
    }

    /// @inheritdoc IDepositToken
    function mintCeiling(address issuer) external view returns (uint256 ceiling, uint256 outstanding) {
        MintCeiling storage mint_ = TokenStorage.load().ceilings[issuer];
        return (mint_.ceiling, mint_.outstanding);
    }

    /// @inheritdoc IDepositToken
    function mintRate(address issuer) external view returns (uint256 amount, uint256 period, uint256 free) {
        return TokenDeposits.mintRate(issuer);
    }

    /// @inheritdoc IDepositToken
    function reserve() external view returns (address) {
        return TokenStorage.load().reserve;
    }

    /// @inheritdoc IDepositToken
    function redemptionOf(uint32 participant, bytes32 ref) external view returns (Redemption memory) {
        return TokenStorage.load().redemptions[participant][ref];
    }

    /// @inheritdoc IDepositToken
    function consentSpent(address payer, uint256 nonce) external view returns (bool) {
        return TokenStorage.load().spentConsents[payer][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    /// @inheritdoc IAuthorizations
    function authorizationState(address authorizer, bytes32 nonce) external view returns (bool) {
        (uint256 word, uint256 bit) = References.place(nonce);
        return TokenStorage.load().spentAuthorizations[authorizer][word] & bit != 0;
    }

    /// @inheritdoc IMandates
    function mandateState(Mandate calldata) external view returns (MandateStatus, uint256) {
        _look(address(TokenMandates), TokenMandates.mandateState.selector);
    }

    /// @inheritdoc IMandates
    function mandateId(Mandate calldata) external view returns (bytes32) {
        _look(address(TokenMandates), TokenMandates.mandateId.selector);
    }

    // ------------------------------------------------------------------------------------------------ the token

    /// @inheritdoc IDepositToken
    function notaryStatus(address notary) external view returns (NotaryStatus) {
        return TokenStorage.load().notaryStates[notary].status;
    }

    /// @inheritdoc IDepositToken
    function notaries() external view returns (address[] memory) {
        return TokenStorage.load().notaries;
    }

    /// @inheritdoc IDepositToken
    function registry() external view returns (address) {
        return address(REGISTRY);
    }

    /// @inheritdoc IDepositToken
    function paused() external view returns (bool) {
        return TokenStorage.load().paused;
    }

    /// @inheritdoc IDepositToken
    function pausesSince(uint40 from) external view returns (Interval[] memory) {
        return TokenRare.pausesSince(from);
    }

    /// @inheritdoc IDepositToken
    function currency() external view returns (string memory) {
        return TokenStorage.load().currency;
    }

    /// @inheritdoc IERC20
    function totalSupply() external view returns (uint256) {
        return TokenStorage.load().totalSupply;
    }

    /// @inheritdoc IERC20
    function allowance(address owner, address spender) external view returns (uint256) {
        return TokenStorage.load().allowances[owner][spender];
    }

    /// @inheritdoc IERC20Metadata
    function name() external view returns (string memory) {
        return TokenStorage.load().name;
    }

    /// @inheritdoc IERC20Metadata
    function symbol() external view returns (string memory) {
        return TokenStorage.load().symbol;
    }

    /// @inheritdoc IERC20Metadata
    function decimals() external view returns (uint8) {
        return TokenStorage.load().decimals;
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner) external view returns (uint256) {
        return TokenStorage.load().permitNonces[owner];
    }

    /// @inheritdoc IERC20Permit
    // solhint-disable-next-line func-name-mixedcase
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return TokenDomain.separator();
    }

    /// @inheritdoc IERC5267
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory)
    {
        return (hex"0f", TokenStorage.load().name, "1", block.chainid, address(this), bytes32(0), new uint256[](0));
    }

    /// @notice The version of this contract's code.
    function version() external pure virtual returns (string memory) {
        return "1.0.0";
    }

    /// @dev Has a library answer this very call, and answers the same. The typed way would decode and encode the calldata
    /// again; the untyped DELEGATECALL Solidity keeps from views, but what these libraries' views run writes nothing.
    function _look(address library_, bytes4 selector) private view {
        function(address, bytes memory) internal returns (bytes memory) run = Address.functionDelegateCall;
        function(address, bytes memory) internal view returns (bytes memory) look;
        assembly ("memory-safe") {
            look := run
        }
        bytes memory answer = look(library_, bytes.concat(selector, msg.data[4:]));
        assembly ("memory-safe") {
            return(add(answer, 32), mload(answer))
        }
    }
}

// slither-disable-end assembly
// slither-disable-end naming-convention
