// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {ISponsorships} from "../interfaces/ISponsorships.sol";
import {AccountWord} from "./AccountWord.sol";
import {Clearances} from "./Clearances.sol";
import {Flags} from "./Flags.sol";
import {Interval} from "./Interval.sol";
import {Movement, Movements} from "./Movements.sol";
import {Offices} from "./Offices.sol";
import {Path, Reason} from "./Reason.sol";
import {References} from "./References.sol";
import {TokenDomain} from "./TokenDomain.sol";
import {TokenRoles} from "./TokenRoles.sol";
import {RetailTier, TokenState, TokenStorage} from "./TokenStorage.sol";

/// @title What the deposit token does seldom: permits, voided references, the acts of compliance, notaries, pauses
/// @dev Runs by DELEGATECALL in the token's own storage, so that the token stays under the size limit (EIP-170). The token
/// passes its calldata on as it is, so functions have the token's signatures and are documented in IDepositToken; who may
/// call is asked there where the rules do not. The rules are those of Movements, compiled from the same source into both.
library TokenRare {
    bytes32 private constant PERMIT_TYPE =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    error ERC2612ExpiredSignature(uint256 deadline);
    error ERC2612InvalidSigner(address signer, address owner);

    // ------------------------------------------------------------------------------------------------ the question

    /// @dev What IDepositToken.check answers.
    function check(IParticipantRegistry registry, Path path, address caller, address from, address to, uint256 amount)
        external
        view
        returns (Reason)
    {
        TokenState storage $ = TokenStorage.load();
        Movement memory m = Movements.make(registry, path, caller, from, to, amount);
        bool passes =
            m.row & Movements.BY_OFFICE != 0 ? Offices.passes($, m) : Movements.begin($, m) && Movements.assess($, m);
        return passes ? Reason.OK : m.reason;
    }

    // ------------------------------------------------------------------------------------------------ the long way

    /// @dev A movement of a payer or notary that is not plain.
    /// @return the wallet that paid (or its successor) and its participant.
    function move(IParticipantRegistry registry, Path path, address caller, address from, address to, uint256 amount)
        external
        returns (address, uint32)
    {
        Movement memory m = Movements.make(registry, path, caller, from, to, amount);
        Movements.update(TokenStorage.load(), m);
        if (path == Path.HOLD) Clearances.close(); // the notary's code comes next
        return (m.from, m.payer.participant());
    }

    // ------------------------------------------------------------------------------------------------ the owner's word

    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        if (block.timestamp > deadline) revert ERC2612ExpiredSignature(deadline);
        TokenState storage $ = TokenStorage.load();
        uint256 nonce = $.permitNonces[owner]++;
        bytes32 digest = TokenDomain.digest(keccak256(abi.encode(PERMIT_TYPE, owner, spender, value, nonce, deadline)));
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (address signer, ECDSA.RecoverError err,) = ECDSA.tryRecover(digest, v, r, s);
        bool isKey = err == ECDSA.RecoverError.NoError && signer == owner;
        if (!isKey && !SignatureChecker.isValidERC1271SignatureNow(owner, digest, abi.encodePacked(r, s, v))) {
            revert ERC2612InvalidSigner(signer, owner);
        }
        if (spender == address(0)) revert IERC20Errors.ERC20InvalidSpender(spender);
        $.allowances[owner][spender] = value;
        emit IERC20.Approval(owner, spender, value);
    }

    function voidReference(uint32 participant, bytes32 ref) external {
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (uint32 own,, IParticipantRegistry.WalletStatus status) = _registry().walletOf(msg.sender);
        bool isOwn = own == participant && status == IParticipantRegistry.WalletStatus.LINKED;
        if (!isOwn && !TokenRoles.mayCall(msg.sender, IDepositToken.mint.selector)) {
            revert IDepositToken.NotOwnReference(participant, msg.sender);
        }
        _requireParticipant(participant);
        References.void(TokenStorage.load(), participant, ref);
        emit IDepositToken.ReferenceVoided(participant, ref, msg.sender);
    }

    // ------------------------------------------------------------------------------------------------ compliance

    function freezeAmount(address wallet, uint256 amount, bytes32 orderHash) external {
        _requireOrder(orderHash);
        if (wallet == address(0)) revert IDepositToken.UnknownParticipantOfWallet(wallet);
        _requireAmount(amount); // so that no sum of them overflows
        TokenState storage $ = TokenStorage.load();
        _freeze($, Movements.follow($, _registry(), wallet), amount, orderHash);
    }

    function unfreezeAmount(address wallet, uint256 amount, bytes32 orderHash) external {
        _requireOrder(orderHash);
        if (amount == 0) revert IDepositToken.ZeroAmount();
        TokenState storage $ = TokenStorage.load();
        wallet = Movements.follow($, _registry(), wallet);
        uint256 frozen = $.frozen[wallet];
        if (amount > frozen) revert IDepositToken.FrozenTooLittle(frozen, amount);
        $.accounts[wallet] = _setFrozen($, wallet, $.accounts[wallet], frozen - amount);
        emit IDepositToken.AmountUnfrozen(wallet, amount, frozen - amount, orderHash);
    }

    function seize(address from, address to, uint256 amount, uint256 frozenReleased, bytes32 orderHash) external {
        _requireOrder(orderHash);
        if (amount == 0) revert IDepositToken.ZeroAmount();
        TokenState storage $ = TokenStorage.load();
        Movement memory m = _movement(Path.SEIZE, from, to, amount);
        Offices.update($, m);
        uint256 released = _least(frozenReleased, _least(amount, m.frozen));
        if (released > 0) $.accounts[m.from] = _setFrozen($, m.from, m.payer, m.frozen - released);
        emit IDepositToken.Seized(m.from, to, amount, released, orderHash);
        emit IERC20.Transfer(m.from, to, amount);
    }

    function cancelByOrder(address payer, uint256 amount, bytes32 ref, bytes32 orderHash) external {
        _requireOrder(orderHash);
        TokenState storage $ = TokenStorage.load();
        Movement memory m = _movement(Path.CANCEL_BY_ORDER, payer, address(0), amount);
        Movements.update($, m);
        emit IDepositToken.HoldCancelledByOrder(msg.sender, m.from, ref, amount, orderHash);
        _freeze($, m.from, amount, orderHash);
    }

    function rescueHold(address notary, address payer, uint256 amount, bytes32 orderHash) external {
        _requireOrder(orderHash);
        if (amount == 0) revert IDepositToken.ZeroAmount();
        TokenState storage $ = TokenStorage.load();
        if ($.notaryStates[notary].status != IDepositToken.NotaryStatus.STOPPED) {
            revert IDepositToken.NotaryNotStopped(notary);
        }
        payer = Movements.follow($, _registry(), payer);
        uint256 held = uint88($.heldBy[notary][payer]);
        if (amount > held) {
            revert IDepositToken.Refused(Path.RELEASE, Reason.INSUFFICIENT_HELD, payer, held, amount);
        }
        $.heldBy[notary][payer] -= amount;
        $.accounts[payer] = $.accounts[payer].unearmark(amount);
        emit IDepositToken.HoldRescued(notary, payer, amount, orderHash);
    }

    /// @dev The registry has just marked `lost` LOST and vouches for `successor`, a linked wallet of the same participant.
    function recover(address lost, address successor, bytes32 orderHash) external {
        TokenState storage $ = TokenStorage.load();
        Movement memory m = _movement(Path.RECOVER, lost, successor, 0);
        if (!Offices.passes($, m)) Movements.refuse(m);
        AccountWord old = $.accounts[lost];
        uint256 frozen = $.frozen[lost];
        emit IDepositToken.Recovered(lost, successor, old.balance(), frozen, orderHash);
        _moveHolds($, lost, successor);
        AccountWord word = $.accounts[successor].credit(old.balance()).earmark(old.held());
        if (word.participant() == 0) word = word.remember(old.participant(), 0);
        $.accounts[successor] = frozen > 0 ? _setFrozen($, successor, word, $.frozen[successor] + frozen) : word;
        $.accounts[lost] = old.emptied();
        delete $.frozen[lost];
        emit IERC20.Transfer(lost, successor, old.balance());
    }

    function _moveHolds(TokenState storage $, address lost, address successor) private {
        uint256 count = $.notaries.length;
        for (uint256 i = 0; i < count; i++) {
            address notary = $.notaries[i];
            uint256 amount = uint88($.heldBy[notary][lost]);
            if (amount == 0) continue;
            $.heldBy[notary][lost] -= amount;
            $.heldBy[notary][successor] = ($.heldBy[notary][successor] + amount) | Movements.HOLD_USED;
            emit IDepositToken.HoldMoved(notary, lost, successor, amount);
        }
    }

    function _freeze(TokenState storage $, address wallet, uint256 amount, bytes32 orderHash) private {
        if (amount == 0) revert IDepositToken.ZeroAmount();
        uint256 frozen = $.frozen[wallet] + amount;
        $.accounts[wallet] = _setFrozen($, wallet, $.accounts[wallet], frozen);
        emit IDepositToken.AmountFrozen(wallet, amount, frozen, orderHash);
    }

    function _setFrozen(TokenState storage $, address wallet, AccountWord word, uint256 frozen)
        private
        returns (AccountWord)
    {
        $.frozen[wallet] = frozen;
        return word.withFrozen(frozen > 0);
    }

    /// @dev Reverts as the registry does where there is none.
    function _requireParticipant(uint32 participant) private view {
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        _registry().participantOf(participant);
    }

    function _requireOrder(bytes32 orderHash) private pure {
        if (orderHash == 0) revert IDepositToken.OrderHashMissing();
    }

    // ------------------------------------------------------------------------------------------------ governance

    function setDailyLimit(uint32 participant, uint256 limit) external {
        _requireAmount(limit);
        _requireParticipant(participant);
        TokenState storage $ = TokenStorage.load();
        _requireUnderTier($, participant, limit);
        $.limitHeldDown[participant] = false;
        _setDailyLimit($, participant, uint88(limit));
    }

    function decreaseDailyLimit(uint32 participant, uint256 limit) external {
        TokenState storage $ = TokenStorage.load();
        uint256 present = $.limits[participant].limit();
        if (limit >= present) revert IDepositToken.LimitNotLower(participant, present, limit);
        $.limitHeldDown[participant] = true;
        _setDailyLimit($, participant, uint88(limit));
    }

    function setCustomerLimit(uint32 participant, uint256 limit) external {
        TokenState storage $ = TokenStorage.load();
        uint32 sponsor = ISponsorships(address(_registry())).requireSponsorOf(msg.sender, participant);
        _requireUnder($.sponsorCeilings[sponsor], participant, limit);
        uint256 present = $.limits[participant].limit();
        if ($.limitHeldDown[participant] && limit > present) revert IDepositToken.LimitHeldDown(participant, present);
        _requireUnderTier($, participant, limit);
        _setDailyLimit($, participant, uint88(limit));
    }

    function _setDailyLimit(TokenState storage $, uint32 participant, uint88 limit) private {
        $.limits[participant] = $.limits[participant].withLimit(limit);
        emit IDepositToken.DailyLimitSet(participant, limit);
    }

    function _requireUnderTier(TokenState storage $, uint32 participant, uint256 limit) private view {
        if (_registry().flagsOf(participant) & Flags.RETAIL == 0) return;
        _requireUnder($.retailTier.dailyLimit, participant, limit);
    }

    function _requireUnder(uint256 ceiling, uint32 participant, uint256 limit) private pure {
        if (limit > ceiling) revert IDepositToken.LimitAboveCeiling(participant, limit, ceiling);
    }

    function setSponsorCeiling(uint32 sponsor, uint256 ceiling) external {
        _requireAmount(ceiling);
        _requireParticipant(sponsor);
        TokenStorage.load().sponsorCeilings[sponsor] = ceiling;
        emit IDepositToken.SponsorCeilingSet(sponsor, ceiling);
    }

    function setRetailTier(uint256 dailyLimit, uint256 maxBalance) external {
        _requireAmount(dailyLimit);
        _requireAmount(maxBalance);
        TokenStorage.load().retailTier = RetailTier(uint88(dailyLimit), uint88(maxBalance));
        emit IDepositToken.RetailTierSet(dailyLimit, maxBalance);
    }

    function _requireAmount(uint256 amount) private pure {
        if (amount > type(uint88).max) revert IDepositToken.AmountTooLarge(amount);
    }

    function setMintCeiling(address issuer, uint256 ceiling) external {
        _requireAmount(ceiling);
        if (issuer == address(0)) revert IDepositToken.InvalidIssuer(issuer);
        TokenStorage.load().ceilings[issuer].ceiling = uint128(ceiling);
        emit IDepositToken.MintCeilingSet(issuer, ceiling);
    }

    function registerNotary(address notary) external {
        TokenState storage $ = TokenStorage.load();
        if ($.notaryStates[notary].status != IDepositToken.NotaryStatus.NONE) {
            revert IDepositToken.NotaryAlreadyRegistered(notary);
        }
        if (notary.code.length == 0) revert IDepositToken.InvalidNotary(notary);
        $.notaries.push(notary);
        $.notaryStates[notary].paused = $.paused;
        _setNotary($, notary, IDepositToken.NotaryStatus.ACTIVE);
    }

    /// @dev Only from ACTIVE: from STOPPED it would loosen, and loosening has a delay.
    function runOffNotary(address notary) external {
        TokenState storage $ = _requireOther(notary);
        if ($.notaryStates[notary].status != IDepositToken.NotaryStatus.ACTIVE) {
            revert IDepositToken.InvalidNotary(notary);
        }
        _setNotary($, notary, IDepositToken.NotaryStatus.RUN_OFF);
    }

    function stopNotary(address notary) external {
        TokenState storage $ = _requireOther(notary);
        IDepositToken.NotaryStatus status = $.notaryStates[notary].status;
        if (status == IDepositToken.NotaryStatus.NONE || status == IDepositToken.NotaryStatus.STOPPED) {
            revert IDepositToken.InvalidNotary(notary);
        }
        _setNotary($, notary, IDepositToken.NotaryStatus.STOPPED);
    }

    function resumeNotary(address notary) external {
        TokenState storage $ = _requireOther(notary);
        IDepositToken.NotaryStatus status = $.notaryStates[notary].status;
        if (status == IDepositToken.NotaryStatus.NONE || status == IDepositToken.NotaryStatus.ACTIVE) {
            revert IDepositToken.InvalidNotary(notary);
        }
        _setNotary($, notary, IDepositToken.NotaryStatus.ACTIVE);
    }

    /// @dev The token, its own notary for redemptions, is stopped by pausing it: a hold rescued from an instructed
    /// redemption would be paid twice.
    function _requireOther(address notary) private view returns (TokenState storage) {
        if (notary == address(this)) revert IDepositToken.InvalidNotary(notary);
        return TokenStorage.load();
    }

    function _setNotary(TokenState storage $, address notary, IDepositToken.NotaryStatus status) private {
        $.notaryStates[notary].status = status;
        emit IDepositToken.NotaryStatusChanged(notary, status);
    }

    // ------------------------------------------------------------------------------------------------ pauses

    /// @dev Intervals stay ascending and disjoint: pausing in the second of the last end carries that one on, one that
    /// would be empty is dropped.
    function pause() external {
        TokenState storage $ = TokenStorage.load();
        if ($.paused) revert IDepositToken.AlreadyPaused();
        _setPaused($, true);
        uint40 now_ = uint40(block.timestamp);
        uint256 count = $.pauses.length;
        // slither-disable-next-line incorrect-equality (the very second is meant: one interval goes on)
        if (count > 0 && $.pauses[count - 1].end == now_) $.pauses[count - 1].end = 0;
        else $.pauses.push(Interval({start: now_, end: 0}));
        emit IDepositToken.Paused(msg.sender);
    }

    function unpause() external {
        TokenState storage $ = TokenStorage.load();
        if (!$.paused) revert IDepositToken.NotPaused();
        _setPaused($, false);
        uint40 now_ = uint40(block.timestamp);
        Interval storage last = $.pauses[$.pauses.length - 1];
        // slither-disable-next-line incorrect-equality (the very second is meant: one interval goes on)
        if (last.start == now_) $.pauses.pop();
        else last.end = now_;
        emit IDepositToken.Unpaused(msg.sender);
    }

    function _setPaused(TokenState storage $, bool paused) private {
        $.paused = paused;
        uint256 count = $.notaries.length;
        for (uint256 i = 0; i < count; i++) {
            $.notaryStates[$.notaries[i]].paused = paused;
        }
    }

    /// @dev Counted from the newest back, as clocks ask for recent times.
    function pausesSince(uint40 from) external view returns (Interval[] memory found) {
        Interval[] storage pauses = TokenStorage.load().pauses;
        uint256 count = pauses.length;
        uint256 first = count;
        while (first > 0 && (pauses[first - 1].end == 0 || pauses[first - 1].end > from)) first--;
        found = new Interval[](count - first);
        for (uint256 i = first; i < count; i++) {
            found[i - first] = pauses[i];
        }
    }

    // ------------------------------------------------------------------------------------------------ small things

    function _movement(Path path, address from, address to, uint256 amount) private view returns (Movement memory) {
        return Movements.make(_registry(), path, msg.sender, from, to, amount);
    }

    /// @dev By a call, as the token has it in its code.
    function _registry() private view returns (IParticipantRegistry) {
        return IParticipantRegistry(IDepositToken(address(this)).registry());
    }

    function _least(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}

// slither-disable-end timestamp
