// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManagedUpgradeable} from "@openzeppelin/contracts-upgradeable/access/manager/AccessManagedUpgradeable.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {INotary} from "./interfaces/INotary.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IRecoverable} from "./interfaces/IRecoverable.sol";
import {Interval} from "./libraries/Interval.sol";
import {Movement, Movements} from "./libraries/Movements.sol";
import {Path, Reason} from "./libraries/Reason.sol";
import {References} from "./libraries/References.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {TokenDomain} from "./libraries/TokenDomain.sol";
import {TokenRare} from "./libraries/TokenRare.sol";
import {TokenRedemption} from "./libraries/TokenRedemption.sol";
import {MintCeiling, TokenState, TokenStorage} from "./libraries/TokenStorage.sol";

/// @title DepositToken
/// @dev The hot paths are here; rules, balances and holds in Movements; what is seldom in TokenRare and TokenRedemption.
contract DepositToken is
    AccessManagedUpgradeable,
    UUPSUpgradeable,
    IDepositToken,
    IRecoverable,
    IERC20Metadata,
    IERC20Permit,
    IERC5267,
    IERC20Errors
{
    uint256 private constant LONGEST_BATCH = 500;

    bytes32 private constant CONSENT_TYPE = keccak256(
        "Consent(address payer,address notary,uint256 amount,bytes32 ref,uint256 nonce,uint256 deadline)"
    );

    IParticipantRegistry private immutable REGISTRY;

    // ------------------------------------------------------------------------------------------------ making

    constructor(address registry_) {
        REGISTRY = IParticipantRegistry(registry_);
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
        __AccessManaged_init(authority);
        TokenState storage $ = TokenStorage.load();
        ($.name, $.symbol, $.currency, $.decimals) = (name_, symbol_, currency_, decimals_);
        $.nameHash = keccak256(bytes(name_));
        $.notaries.push(address(this)); // of its redemptions
        $.notaryStatus[address(this)] = NotaryStatus.ACTIVE;
        emit NotaryStatusChanged(address(this), NotaryStatus.ACTIVE);
    }

    function _authorizeUpgrade(address) internal override restricted {}

    // ------------------------------------------------------------------------------------------------ ERC-20

    /// @inheritdoc IERC20
    function transfer(address to, uint256 amount) external returns (bool) {
        Movements.update(TokenStorage.load(), Movements.make(REGISTRY, Path.TRANSFER, msg.sender, msg.sender, to, amount));
        emit Transfer(msg.sender, to, amount);
        return true;
    }

    /// @inheritdoc IERC20
    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        TokenState storage $ = TokenStorage.load();
        Movements.update($, Movements.make(REGISTRY, Path.TRANSFER, msg.sender, from, to, amount));
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
        _byRare();
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
        TokenState storage $ = TokenStorage.load();
        Movement memory m = Movements.make(REGISTRY, Path.TRANSFER, msg.sender, msg.sender, to, amount);
        if (!Movements.begin($, m)) Movements.refuse(m);
        _payOne($, m, ref, remittance);
        Movements.finish($, m);
    }

    /// @inheritdoc IDepositToken
    function payBatch(Payment[] calldata payments) external {
        if (payments.length > LONGEST_BATCH) revert BatchTooLong(payments.length, LONGEST_BATCH);
        TokenState storage $ = TokenStorage.load();
        Movement memory m = Movements.make(REGISTRY, Path.TRANSFER, msg.sender, msg.sender, address(0), 0);
        if (!Movements.begin($, m)) Movements.refuse(m);
        for (uint256 i = 0; i < payments.length; i++) {
            Payment calldata payment = payments[i];
            (m.to, m.amount) = (payment.to, payment.amount);
            _payOne($, m, payment.ref, payment.remittance);
        }
        Movements.finish($, m);
    }

    /// @inheritdoc IDepositToken
    function voidReference(uint32, bytes32) external {
        _byRare();
    }

    function _payOne(TokenState storage $, Movement memory m, bytes32 ref, bytes calldata remittance) private {
        if (m.amount == 0) revert ZeroAmount();
        if (!Movements.assess($, m)) Movements.refuse(m);
        References.spend($, m.payer.participant(), ref);
        Movements.carryOut($, m);
        emit Paid(m.from, m.to, ref, m.amount, keccak256(remittance));
        emit Transfer(m.from, m.to, m.amount);
    }

    // ------------------------------------------------------------------------------------------------ holding

    /// @inheritdoc IDepositToken
    function hold(
        address payer,
        uint256 amount,
        bytes32 ref,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        if (block.timestamp > deadline) revert ConsentExpired(deadline, block.timestamp);
        _spendConsent(payer, nonce);
        bytes32 digest =
            TokenDomain.digest(keccak256(abi.encode(CONSENT_TYPE, payer, msg.sender, amount, ref, nonce, deadline)));
        if (!Signatures.isValid(payer, digest, signature)) revert InvalidConsent(payer);
        _hold(msg.sender, payer, amount, ref);
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
    function execute(address payer, address to, uint256 amount, bytes32 ref) external {
        Movement memory m = Movements.make(REGISTRY, Path.EXECUTE, msg.sender, payer, to, amount);
        Movements.update(TokenStorage.load(), m);
        emit HoldExecuted(msg.sender, m.from, to, amount, ref);
        emit Transfer(m.from, to, amount);
    }

    /// @inheritdoc IDepositToken
    function release(address payer, uint256 amount, bytes32 ref, uint256 day) external {
        TokenState storage $ = TokenStorage.load();
        Movement memory m = Movements.make(REGISTRY, Path.RELEASE, msg.sender, payer, address(0), amount);
        Movements.update($, m);
        Movements.giveBack($, m.payer.participant(), amount, day);
        emit HoldReleased(msg.sender, m.from, ref, amount, day);
    }

    /// @inheritdoc IDepositToken
    function cancelByOrder(address, uint256, bytes32, bytes32) external {
        _byRare();
    }

    /// @inheritdoc IDepositToken
    function cancelConsent(uint256 nonce) external {
        _spendConsent(msg.sender, nonce);
        emit ConsentCancelled(msg.sender, nonce);
    }

    function _hold(address notary, address payer, uint256 amount, bytes32 ref) private {
        if (amount == 0) revert ZeroAmount();
        Movement memory m = Movements.make(REGISTRY, Path.HOLD, notary, payer, address(0), amount);
        Movements.update(TokenStorage.load(), m);
        emit Held(notary, payer, ref, amount);
    }

    function _spendConsent(address payer, uint256 nonce) private {
        mapping(uint256 => uint256) storage spent = TokenStorage.load().spentConsents[payer];
        uint256 bits = spent[nonce >> 8];
        uint256 bit = 1 << (nonce & 0xff);
        if (bits & bit != 0) revert ConsentSpent(payer, nonce);
        spent[nonce >> 8] = bits | bit;
    }

    // ------------------------------------------------------------------------------- deposits and redemption

    /// @inheritdoc IDepositToken
    function mint(bytes32 depositRef, address to, uint256 amount) external {
        if (depositRef == 0) revert ReferenceMissing();
        if (amount == 0) revert ZeroAmount();
        TokenState storage $ = TokenStorage.load();
        Movements.update($, Movements.make(REGISTRY, Path.MINT, msg.sender, address(0), to, amount));
        _checkCanCall(msg.sender, msg.data);
        if ($.minted[depositRef]) revert AlreadyMinted(depositRef);
        $.minted[depositRef] = true;
        $.ceilings[msg.sender].outstanding += uint128(amount);
        emit DepositMinted(msg.sender, to, depositRef, amount);
        emit Transfer(address(0), to, amount);
    }

    /// @inheritdoc IDepositToken
    function requestRedemption(uint256, bytes32, bytes32) external {
        _byRedemption();
    }

    // The rules refuse whoever lacks the role; what is left to the authority is to use up a delayed caller's schedule.

    /// @inheritdoc IDepositToken
    function instructRedemption(uint32, bytes32) external {
        _byRedemption();
        _checkCanCall(msg.sender, msg.data);
    }

    /// @inheritdoc IDepositToken
    function settleRedemption(uint32, bytes32, bytes32) external {
        _byRedemption();
        _checkCanCall(msg.sender, msg.data);
    }

    /// @inheritdoc IDepositToken
    function returnRedemption(uint32, bytes32, bytes32) external {
        _byRedemption();
        _checkCanCall(msg.sender, msg.data);
    }

    // ------------------------------------------------------------------------------------------------ compliance

    /// @inheritdoc IDepositToken
    function freezeAmount(address, uint256, bytes32) external restricted {
        _byRare();
    }

    /// @inheritdoc IDepositToken
    function unfreezeAmount(address, uint256, bytes32) external restricted {
        _byRare();
    }

    /// @inheritdoc IDepositToken
    function seize(address, address, uint256, uint256, bytes32) external {
        _byRare();
        _checkCanCall(msg.sender, msg.data);
    }

    /// @inheritdoc IRecoverable
    function recover(address, address, bytes32) external {
        if (msg.sender != address(REGISTRY)) revert OnlyRegistry(msg.sender);
        _byRare();
    }

    /// @inheritdoc IDepositToken
    function pause() external restricted {
        _byRare();
    }

    /// @inheritdoc IDepositToken
    function unpause() external restricted {
        _byRare();
    }

    // ------------------------------------------------------------------------------------------------ governance

    /// @inheritdoc IDepositToken
    function setDailyLimit(uint32, uint256) external restricted {
        _byRare();
    }

    /// @inheritdoc IDepositToken
    function setMintCeiling(address, uint256) external restricted {
        _byRare();
    }

    /// @inheritdoc IDepositToken
    function registerNotary(address) external restricted {
        _byRare();
    }

    /// @inheritdoc IDepositToken
    function runOffNotary(address) external restricted {
        _byRare();
    }

    /// @inheritdoc IDepositToken
    function stopNotary(address) external restricted {
        _byRare();
    }

    /// @inheritdoc IDepositToken
    function resumeNotary(address) external restricted {
        _byRare();
    }

    /// @inheritdoc IDepositToken
    function rescueHold(address, address, uint256, bytes32) external restricted {
        _byRare();
    }

    // ------------------------------------------------------------------------------------------------ views

    /// @inheritdoc IDepositToken
    function check(Path path, address caller, address from, address to, uint256 amount)
        external
        view
        returns (Reason)
    {
        return TokenRare.check(REGISTRY, path, caller, from, to, amount);
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
    function frozen(address wallet) external view returns (uint256) {
        return TokenStorage.load().frozen[wallet];
    }

    /// @inheritdoc IDepositToken
    function dailyLimit(uint32 participant) external view returns (uint256 limit, uint256 spentToday) {
        TokenState storage $ = TokenStorage.load();
        return ($.limits[participant].limit(), $.limits[participant].spentOn(Movements.today()));
    }

    /// @inheritdoc IDepositToken
    function referenceState(address wallet, bytes32 ref) external view returns (ReferenceState) {
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
    function redemptionOf(uint32 participant, bytes32 ref) external view returns (Redemption memory) {
        return TokenStorage.load().redemptions[participant][ref];
    }

    /// @inheritdoc IDepositToken
    function consentSpent(address payer, uint256 nonce) external view returns (bool) {
        return TokenStorage.load().spentConsents[payer][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    /// @inheritdoc IDepositToken
    function notaryStatus(address notary) external view returns (NotaryStatus) {
        return TokenStorage.load().notaryStatus[notary];
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
    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    // ------------------------------------------------------------------------------------------------ small things

    /// @dev Has the library do this very call, calldata and all, in this contract's storage.
    function _byRare() private {
        Address.functionDelegateCall(address(TokenRare), msg.data);
    }

    function _byRedemption() private {
        Address.functionDelegateCall(address(TokenRedemption), msg.data);
    }
}
