// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {MintRate, MintRates} from "./MintRates.sol";
import {Movement, Movements} from "./Movements.sol";
import {Offices} from "./Offices.sol";
import {Path} from "./Reason.sol";
import {TokenState, TokenStorage} from "./TokenStorage.sol";

/// @title Deposits become money, and money becomes deposits again
/// @notice In a redemption the token is its own notary, and its condition is that the fiat has left the bank.
/// @dev Runs by DELEGATECALL in the token's storage with the token's calldata, as TokenRare does.
library TokenDeposits {
    function mint(bytes32 depositRef, address to, uint256 amount) external {
        if (depositRef == 0) revert IDepositToken.ReferenceMissing();
        if (amount == 0) revert IDepositToken.ZeroAmount();
        TokenState storage $ = TokenStorage.load();
        Movement memory m = Movements.make(_registry(), Path.MINT, msg.sender, address(0), to, amount);
        Offices.update($, m);
        if ($.minted[depositRef]) revert IDepositToken.AlreadyMinted(depositRef);
        $.minted[depositRef] = true;
        $.ceilings[msg.sender].outstanding += uint128(amount);
        MintRates.charge($.mintRates[msg.sender], amount);
        emit IDepositToken.DepositMinted(msg.sender, to, depositRef, amount);
        emit IERC20.Transfer(address(0), to, amount);
    }

    function requestRedemption(uint256 amount, bytes32 ref, bytes32 payoutHash) external {
        if (amount == 0) revert IDepositToken.ZeroAmount();
        if (ref == 0 || payoutHash == 0) revert IDepositToken.ReferenceMissing();
        TokenState storage $ = TokenStorage.load();
        Movement memory m = Movements.make(_registry(), Path.HOLD, address(this), msg.sender, address(0), amount);
        Movements.update($, m);
        uint32 participant = m.payer.participant();
        IDepositToken.Redemption storage redemption = $.redemptions[participant][ref];
        if (redemption.status != IDepositToken.RedemptionStatus.NONE) {
            revert IDepositToken.RedemptionExists(participant, ref);
        }
        $.redemptions[participant][ref] = IDepositToken.Redemption({
            status: IDepositToken.RedemptionStatus.REQUESTED,
            amount: uint88(amount),
            requestedAt: uint40(block.timestamp),
            wallet: msg.sender,
            payoutHash: payoutHash
        });
        emit IDepositToken.Held(address(this), msg.sender, ref, amount);
        emit IDepositToken.RedemptionRequested(participant, msg.sender, ref, amount, payoutHash);
    }

    function instructRedemption(uint32 participant, bytes32 ref) external {
        TokenState storage $ = TokenStorage.load();
        IDepositToken.Redemption storage redemption = $.redemptions[participant][ref];
        _requireStatus(redemption, IDepositToken.RedemptionStatus.REQUESTED);
        Movement memory m = _ofRedemption(Path.INSTRUCT, redemption);
        if (!Offices.passes($, m)) Movements.refuse(m);
        redemption.status = IDepositToken.RedemptionStatus.INSTRUCTED;
        emit IDepositToken.RedemptionInstructed(participant, ref, msg.sender);
    }

    function settleRedemption(uint32 participant, bytes32 ref, bytes32 fiatReference) external {
        if (fiatReference == 0) revert IDepositToken.ReferenceMissing();
        TokenState storage $ = TokenStorage.load();
        IDepositToken.Redemption storage redemption = $.redemptions[participant][ref];
        _requireStatus(redemption, IDepositToken.RedemptionStatus.INSTRUCTED);
        Movement memory m = _ofRedemption(Path.SETTLE, redemption);
        Offices.update($, m);
        redemption.status = IDepositToken.RedemptionStatus.SETTLED;
        uint128 outstanding = $.ceilings[msg.sender].outstanding;
        $.ceilings[msg.sender].outstanding = m.amount < outstanding ? outstanding - uint128(m.amount) : 0;
        emit IDepositToken.RedemptionSettled(participant, ref, m.from, m.amount, fiatReference);
        emit IERC20.Transfer(m.from, address(0), m.amount);
    }

    function returnRedemption(uint32 participant, bytes32 ref, bytes32 evidenceHash) external {
        TokenState storage $ = TokenStorage.load();
        IDepositToken.Redemption storage redemption = $.redemptions[participant][ref];
        if (redemption.status == IDepositToken.RedemptionStatus.INSTRUCTED) {
            if (evidenceHash == 0) revert IDepositToken.EvidenceMissing();
        } else {
            _requireStatus(redemption, IDepositToken.RedemptionStatus.REQUESTED);
        }
        Movement memory m = _ofRedemption(Path.RETURN, redemption);
        Offices.update($, m);
        redemption.status = IDepositToken.RedemptionStatus.RETURNED;
        uint256 day = redemption.requestedAt / 1 days;
        Movements.giveBack($, participant, m.amount, day);
        emit IDepositToken.HoldReleased(address(this), m.from, ref, m.amount, day);
        emit IDepositToken.RedemptionReturned(participant, ref, m.from, m.amount, evidenceHash);
    }

    function setMintRate(address issuer, uint256 amount, uint256 period) external {
        if (issuer == address(0)) revert IDepositToken.InvalidIssuer(issuer);
        MintRates.change(TokenStorage.load().mintRates[issuer], amount, period);
        emit IDepositToken.MintRateSet(issuer, amount, period);
    }

    function setReserve(address reserve) external {
        if (reserve != address(0) && reserve.code.length == 0) revert IDepositToken.InvalidReserve(reserve);
        TokenStorage.load().reserve = reserve;
        emit IDepositToken.ReserveSet(reserve);
    }

    function mintRate(address issuer) external view returns (uint256 amount, uint256 period, uint256 free) {
        MintRate memory rate = TokenStorage.load().mintRates[issuer];
        return (rate.amount, rate.period, MintRates.available(rate));
    }

    function _ofRedemption(Path path, IDepositToken.Redemption storage redemption)
        private
        view
        returns (Movement memory)
    {
        return Movements.make(_registry(), path, msg.sender, redemption.wallet, address(0), redemption.amount);
    }

    function _requireStatus(IDepositToken.Redemption storage redemption, IDepositToken.RedemptionStatus expected)
        private
        view
    {
        if (redemption.status != expected) revert IDepositToken.RedemptionNotIn(expected, redemption.status);
    }

    /// @dev By a call, as the token has it in its code.
    function _registry() private view returns (IParticipantRegistry) {
        return IParticipantRegistry(IDepositToken(address(this)).registry());
    }
}
