// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start unused-return (what is left out of the answer is not asked for)

import {
    AccessManagedUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/manager/AccessManagedUpgradeable.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {CheckedUpgrade} from "./CheckedUpgrade.sol";
import {TokenBook} from "./TokenBook.sol";
import {IAuthorizations} from "./interfaces/IAuthorizations.sol";
import {IClearances} from "./interfaces/IClearances.sol";
import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {IMandates} from "./interfaces/IMandates.sol";
import {INotary} from "./interfaces/INotary.sol";
import {IRecoverable} from "./interfaces/IRecoverable.sol";
import {Clearances} from "./libraries/Clearances.sol";
import {Consents} from "./libraries/Consents.sol";
import {Movements} from "./libraries/Movements.sol";
import {PlainMovements} from "./libraries/PlainMovements.sol";
import {Path} from "./libraries/Reason.sol";
import {References} from "./libraries/References.sol";
import {TokenAuthorizations} from "./libraries/TokenAuthorizations.sol";
import {TokenBatch} from "./libraries/TokenBatch.sol";
import {TokenClearances} from "./libraries/TokenClearances.sol";
import {TokenDeposits} from "./libraries/TokenDeposits.sol";
import {TokenMandates} from "./libraries/TokenMandates.sol";
import {TokenNet} from "./libraries/TokenNet.sol";
import {TokenRare} from "./libraries/TokenRare.sol";
import {TokenState, TokenStorage} from "./libraries/TokenStorage.sol";
import {UpgradeCheck} from "./libraries/UpgradeCheck.sol";

/// @title DepositToken
/// @dev What is frequent and plain is here (PlainMovements). The linked libraries, run by DELEGATECALL in this contract's
/// storage, have the rest: TokenBatch, TokenNet, TokenMandates, TokenDeposits, and TokenRare with all rules (Movements) and the acts of
/// the bank.
contract DepositToken is AccessManagedUpgradeable, CheckedUpgrade, TokenBook, IRecoverable, IERC20Errors {
    // ------------------------------------------------------------------------------------------------ making

    constructor(address registry_) TokenBook(registry_) {
        _disableInitializers();
    }

    /// @param authority the AccessManager.
    /// @param name_ also the EIP-712 domain's name: changing it would void every signature.
    /// @param currency_ ISO 4217 code.
    /// @param decimals_ the currency's minor units.
    function initialize(
        address authority,
        string calldata name_,
        string calldata symbol_,
        string calldata currency_,
        uint8 decimals_
    ) external initializer {
        if (authority.code.length == 0) revert AccessManagedInvalidAuthority(authority);
        __AccessManaged_init(authority);
        TokenState storage $ = TokenStorage.load();
        ($.name, $.symbol, $.currency, $.decimals) = (name_, symbol_, currency_, decimals_);
        $.nameHash = keccak256(bytes(name_));
        $.notaries.push(address(this)); // of its redemptions
        $.notaryStates[address(this)].status = NotaryStatus.ACTIVE;
        emit NotaryStatusChanged(address(this), NotaryStatus.ACTIVE);
    }

    // slither-disable-next-line dead-code (called by the upgrade that it inherits)
    function _authorizeUpgrade(address) internal override restricted {}

    function _upgrade(address newImplementation, bytes memory data) internal override {
        UpgradeCheck.upgradeToken(newImplementation, data);
    }

    // ------------------------------------------------------------------------------------------------ ERC-20

    /// @inheritdoc IERC20
    function transfer(address to, uint256 amount) external returns (bool) {
        _transfer(TokenStorage.load(), msg.sender, to, amount);
        emit Transfer(msg.sender, to, amount);
        return true;
    }

    /// @inheritdoc IERC20
    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        TokenState storage $ = TokenStorage.load();
        _transfer($, from, to, amount);
        _spendAllowance($, from, amount);
        emit Transfer(from, to, amount);
        return true;
    }

    /// @inheritdoc IERC20
    function approve(address spender, uint256 amount) external returns (bool) {
        _approve(msg.sender, spender, amount);
        return true;
    }

    /// @inheritdoc IERC20Permit
    function permit(address, address, uint256, uint256, uint8, bytes32, bytes32) external {
        _pass(address(TokenRare), TokenRare.permit.selector);
    }

    function _approve(address owner, address spender, uint256 amount) private {
        if (spender == address(0)) revert ERC20InvalidSpender(spender);
        TokenStorage.load().allowances[owner][spender] = amount;
        emit Approval(owner, spender, amount);
    }

    function _spendAllowance(TokenState storage $, address owner, uint256 amount) private {
        uint256 allowed = $.allowances[owner][msg.sender];
        if (allowed == type(uint256).max) return;
        if (allowed < amount) revert ERC20InsufficientAllowance(msg.sender, allowed, amount);
        unchecked {
            $.allowances[owner][msg.sender] = allowed - amount;
        }
    }

    // ------------------------------------------------------------------------------------------------ paying

    /// @inheritdoc IDepositToken
    function pay(address to, uint256 amount, bytes32 ref, bytes calldata remittance) external {
        if (amount == 0) revert ZeroAmount();
        TokenState storage $ = TokenStorage.load();
        References.spend($, _transfer($, msg.sender, to, amount), ref);
        emit Paid(msg.sender, to, ref, amount, keccak256(remittance));
        emit Transfer(msg.sender, to, amount);
    }

    /// @inheritdoc IDepositToken
    function payBatch(Payment[] calldata) external {
        _pass(address(TokenBatch), TokenBatch.payBatch.selector);
    }

    /// @inheritdoc IDepositToken
    function voidReference(uint32, bytes32) external {
        _pass(address(TokenRare), TokenRare.voidReference.selector);
    }

    /// @inheritdoc IAuthorizations
    function transferWithAuthorization(
        address,
        address,
        uint256,
        uint256,
        uint256,
        bytes32,
        bytes32,
        bytes calldata,
        bytes calldata
    ) external {
        _pass(address(TokenAuthorizations), TokenAuthorizations.transferWithAuthorization.selector);
    }

    /// @inheritdoc IAuthorizations
    function receiveWithAuthorization(
        address,
        address,
        uint256,
        uint256,
        uint256,
        bytes32,
        bytes32,
        bytes calldata,
        bytes calldata
    ) external {
        _pass(address(TokenAuthorizations), TokenAuthorizations.receiveWithAuthorization.selector);
    }

    /// @inheritdoc IAuthorizations
    function cancelAuthorization(address, bytes32, bytes calldata) external {
        _pass(address(TokenAuthorizations), TokenAuthorizations.cancelAuthorization.selector);
    }

    /// @inheritdoc IClearances
    function cleared(bytes calldata, uint256, bytes calldata) external {
        _pass(address(TokenClearances), TokenClearances.cleared.selector);
    }

    /// @dev By the caller; returns the payer's participant.
    function _transfer(TokenState storage $, address from, address to, uint256 amount) private returns (uint32) {
        uint32 participant = PlainMovements.transfer($, REGISTRY, from, to, amount);
        if (participant == 0) (, participant) = TokenRare.move(REGISTRY, Path.TRANSFER, msg.sender, from, to, amount);
        return participant;
    }

    // ------------------------------------------------------------------------------------------------ holding

    /// @inheritdoc IDepositToken
    function hold(address payer, uint256 amount, bytes32 ref, uint256 nonce, uint256 deadline, bytes calldata signature)
        external
    {
        bool clears = Consents.use(TokenStorage.load(), payer, amount, ref, nonce, deadline, signature);
        _holdByConsent(payer, amount, ref, clears);
    }

    /// @inheritdoc IDepositToken
    function executeByConsent(
        address payer,
        address to,
        uint256 amount,
        bytes32 ref,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bool clears = Consents.use(TokenStorage.load(), payer, amount, ref, nonce, deadline, signature);
        TokenState storage $ = TokenStorage.load();
        if (PlainMovements.transferHeld($, REGISTRY, payer, to, amount)) {
            emit Held(msg.sender, payer, ref, amount);
            emit HoldExecuted(msg.sender, payer, to, amount, ref);
            emit Transfer(payer, to, amount);
        } else {
            _holdByConsent(payer, amount, ref, clears);
            execute(payer, to, amount, ref);
        }
    }

    /// @inheritdoc IDepositToken
    function holdAndCall(address notary, uint256 amount, bytes32 ref, bytes calldata data) external {
        if (notary == address(this)) revert InvalidNotary(notary);
        _hold(notary, msg.sender, amount, ref);
        if (INotary(notary).onHold(msg.sender, amount, ref, data) != INotary.onHold.selector) {
            revert NotaryRefusedHold(notary);
        }
    }

    /// @inheritdoc IDepositToken
    function execute(address payer, address to, uint256 amount, bytes32 ref) public {
        TokenState storage $ = TokenStorage.load();
        if (!PlainMovements.execute($, REGISTRY, msg.sender, payer, to, amount)) {
            (payer,) = TokenRare.move(REGISTRY, Path.EXECUTE, msg.sender, payer, to, amount);
        }
        emit HoldExecuted(msg.sender, payer, to, amount, ref);
        emit Transfer(payer, to, amount);
    }

    /// @inheritdoc IDepositToken
    function release(address payer, uint256 amount, bytes32 ref, uint256 day) external {
        TokenState storage $ = TokenStorage.load();
        if (!PlainMovements.release($, msg.sender, payer, amount, day)) {
            uint32 participant;
            (payer, participant) = TokenRare.move(REGISTRY, Path.RELEASE, msg.sender, payer, address(0), amount);
            Movements.giveBack($, participant, amount, day);
        }
        emit HoldReleased(msg.sender, payer, ref, amount, day);
    }

    /// @inheritdoc IDepositToken
    function executeNet(NetSource[] calldata) external {
        _pass(address(TokenNet), TokenNet.executeNet.selector);
    }

    /// @inheritdoc IDepositToken
    function cancelByOrder(address, uint256, bytes32, bytes32) external {
        _pass(address(TokenRare), TokenRare.cancelByOrder.selector);
    }

    /// @inheritdoc IDepositToken
    function cancelConsent(uint256 nonce) external {
        Consents.spend(TokenStorage.load(), msg.sender, nonce);
        emit ConsentCancelled(msg.sender, nonce);
    }

    function _holdByConsent(address payer, uint256 amount, bytes32 ref, bool clears) private {
        if (clears) Clearances.open(payer);
        _hold(msg.sender, payer, amount, ref);
        if (clears) Clearances.close();
    }

    function _hold(address notary, address payer, uint256 amount, bytes32 ref) private {
        if (amount == 0) revert ZeroAmount();
        TokenState storage $ = TokenStorage.load();
        if (!PlainMovements.hold($, REGISTRY, notary, payer, amount)) {
            TokenRare.move(REGISTRY, Path.HOLD, notary, payer, address(0), amount);
        }
        emit Held(notary, payer, ref, amount);
    }

    // ------------------------------------------------------------------------------------------------ mandates

    /// @inheritdoc IMandates
    function registerMandate(Mandate calldata) external {
        _pass(address(TokenMandates), TokenMandates.registerMandate.selector);
    }

    /// @inheritdoc IMandates
    function registerMandateBySignature(Mandate calldata, uint256, uint256, bytes calldata) external {
        _pass(address(TokenMandates), TokenMandates.registerMandateBySignature.selector);
    }

    /// @inheritdoc IMandates
    function revokeMandate(bytes32) external {
        _pass(address(TokenMandates), TokenMandates.revokeMandate.selector);
    }

    /// @inheritdoc IMandates
    function executeByMandate(Mandate calldata, address, uint256, bytes32) external {
        _pass(address(TokenMandates), TokenMandates.executeByMandate.selector);
    }

    // ------------------------------------------------------------------------------- deposits and redemption

    // The rules refuse whoever lacks the role; what is left to the authority is to use up a delayed caller's schedule.

    /// @inheritdoc IDepositToken
    function mint(bytes32, address, uint256) external {
        _pass(address(TokenDeposits), TokenDeposits.mint.selector);
        _checkCanCall(msg.sender, msg.data);
    }

    /// @inheritdoc IDepositToken
    function requestRedemption(uint256, bytes32, bytes32) external {
        _pass(address(TokenDeposits), TokenDeposits.requestRedemption.selector);
    }

    /// @inheritdoc IDepositToken
    function instructRedemption(uint32, bytes32) external {
        _pass(address(TokenDeposits), TokenDeposits.instructRedemption.selector);
        _checkCanCall(msg.sender, msg.data);
    }

    /// @inheritdoc IDepositToken
    function settleRedemption(uint32, bytes32, bytes32) external {
        _pass(address(TokenDeposits), TokenDeposits.settleRedemption.selector);
        _checkCanCall(msg.sender, msg.data);
    }

    /// @inheritdoc IDepositToken
    function returnRedemption(uint32, bytes32, bytes32) external {
        _pass(address(TokenDeposits), TokenDeposits.returnRedemption.selector);
        _checkCanCall(msg.sender, msg.data);
    }

    // ------------------------------------------------------------------------------------------------ compliance

    /// @inheritdoc IDepositToken
    function freezeAmount(address, uint256, bytes32) external restricted {
        _pass(address(TokenRare), TokenRare.freezeAmount.selector);
    }

    /// @inheritdoc IDepositToken
    function unfreezeAmount(address, uint256, bytes32) external restricted {
        _pass(address(TokenRare), TokenRare.unfreezeAmount.selector);
    }

    /// @inheritdoc IDepositToken
    function seize(address, address, uint256, uint256, bytes32) external {
        _pass(address(TokenRare), TokenRare.seize.selector);
        _checkCanCall(msg.sender, msg.data);
    }

    /// @inheritdoc IRecoverable
    function recover(address, address, bytes32) external {
        if (msg.sender != address(REGISTRY)) revert OnlyRegistry(msg.sender);
        _pass(address(TokenRare), TokenRare.recover.selector);
    }

    /// @inheritdoc IDepositToken
    function pause() external restricted {
        _pass(address(TokenRare), TokenRare.pause.selector);
    }

    /// @inheritdoc IDepositToken
    function unpause() external restricted {
        _pass(address(TokenRare), TokenRare.unpause.selector);
    }

    // ------------------------------------------------------------------------------------------------ governance

    /// @inheritdoc IDepositToken
    function setDailyLimit(uint32, uint256) external restricted {
        _pass(address(TokenRare), TokenRare.setDailyLimit.selector);
    }

    /// @inheritdoc IDepositToken
    function setCustomerLimit(uint32, uint256) external {
        _pass(address(TokenRare), TokenRare.setCustomerLimit.selector);
    }

    /// @inheritdoc IDepositToken
    function setSponsorCeiling(uint32, uint256) external restricted {
        _pass(address(TokenRare), TokenRare.setSponsorCeiling.selector);
    }

    /// @inheritdoc IDepositToken
    function setRetailTier(uint256, uint256) external restricted {
        _pass(address(TokenRare), TokenRare.setRetailTier.selector);
    }

    /// @inheritdoc IDepositToken
    function decreaseDailyLimit(uint32, uint256) external restricted {
        _pass(address(TokenRare), TokenRare.decreaseDailyLimit.selector);
    }

    /// @inheritdoc IDepositToken
    function setMintCeiling(address, uint256) external restricted {
        _pass(address(TokenRare), TokenRare.setMintCeiling.selector);
    }

    /// @inheritdoc IDepositToken
    function setMintRate(address, uint256, uint256) external restricted {
        _pass(address(TokenDeposits), TokenDeposits.setMintRate.selector);
    }

    /// @inheritdoc IDepositToken
    function setReserve(address) external restricted {
        _pass(address(TokenDeposits), TokenDeposits.setReserve.selector);
    }

    /// @inheritdoc IDepositToken
    function registerNotary(address) external restricted {
        _pass(address(TokenRare), TokenRare.registerNotary.selector);
    }

    /// @inheritdoc IDepositToken
    function runOffNotary(address) external restricted {
        _pass(address(TokenRare), TokenRare.runOffNotary.selector);
    }

    /// @inheritdoc IDepositToken
    function stopNotary(address) external restricted {
        _pass(address(TokenRare), TokenRare.stopNotary.selector);
    }

    /// @inheritdoc IDepositToken
    function resumeNotary(address) external restricted {
        _pass(address(TokenRare), TokenRare.resumeNotary.selector);
    }

    /// @inheritdoc IDepositToken
    function rescueHold(address, address, uint256, bytes32) external restricted {
        _pass(address(TokenRare), TokenRare.rescueHold.selector);
    }

    /// @dev Has a library do this very call in this contract's storage, with the calldata as it came. Only the selector
    /// is the library's: it spells struct types otherwise.
    function _pass(address library_, bytes4 selector) private {
        Address.functionDelegateCall(library_, bytes.concat(selector, msg.data[4:]));
    }
}

// slither-disable-end unused-return
