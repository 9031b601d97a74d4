// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {OrderId} from "../libraries/Ids.sol";
import {Terms} from "../libraries/OrderTerms.sol";
import {IOrderBook} from "./IOrderBook.sol";

/// @title New terms in the place of old ones, and money back after it was released
/// @notice An amendment ends every milestone of the old order that is not over and opens the new order, in one
/// transaction. Milestones stand by their index: where the buyer's money is held for the old milestone i and the new
/// milestone i is one that the buyer funds in advance, that money goes over, in its place, up to the new amount; what
/// the new amount lacks is held with the buyer's consent, what is too much goes back. All other held money goes back,
/// a third payer's too, who signed neither terms. What was released, refunded or decided of the old order stays so.
interface IOrderAmendments is IOrderBook {
    event OrderAmended(OrderId indexed previous, OrderId indexed next);
    /// @dev Right after the MilestoneFunded of the new milestone (its whole amount), of the same index. No token event
    /// tells of it: the money stays held for the escrow, of the same wallet or, were that lost, its successor.
    event MilestoneCarried(
        OrderId indexed previous, OrderId indexed next, uint256 indexed milestone, address payer, uint256 amount
    );
    event ReleasedRefunded(
        OrderId indexed orderId, uint256 indexed milestone, bytes32 indexed creditNote, address to, uint256 amount
    );

    /// @dev Accepted, Due, disputed or decided, or a part is owed since a stop: that is settled first.
    error NotAmendable(OrderId orderId, uint256 milestone, State state);
    /// @dev Every milestone of the order is over.
    error NothingToAmend(OrderId orderId);
    /// @dev Fewer or more consents than milestones that lack money.
    error WrongConsents(uint256 given, uint256 needed);
    error CreditNoteMissing();
    error CreditNoteUsed(bytes32 creditNote);
    /// @dev `most`: what was released less what was paid back.
    error WrongCredit(uint256 amount, uint256 most);

    /// @notice Any Open or Funded → Amended, and the new order – → Open, Funded where money went over. By anyone; both
    /// current wallets sign Amendment(previous, next, deadline), the ids being those of the terms; a signature is empty
    /// for the one that calls. Buyer, seller and token stay. The new terms are as `open` wants them, openBy included.
    /// @param consents the buyer's, from the wallet whose money goes over, one for each new milestone whose amount is
    /// more than what went over, ascending: each over the difference, ref that of the new milestone.
    function amend(
        Terms calldata previous,
        Terms calldata next,
        uint40 deadline,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature,
        ConsentSignature[] calldata consents
    ) external returns (OrderId);

    /// @notice The seller pays back of what was released, in any state, up to all of it: to the wallet that paid, or
    /// its successor; of what was owed on delivery, to the current wallet of the milestone's payer. The seller's
    /// consent (to this escrow, ref `creditReference`) may be brought by anyone. A credit note serves once.
    /// @param amount minor units.
    function refundReleased(
        Terms calldata terms,
        uint256 milestone,
        uint256 amount,
        bytes32 creditNote,
        ConsentSignature calldata consent
    ) external;

    function amendmentDigest(OrderId previous, OrderId next, uint40 deadline) external view returns (bytes32);
    /// @notice Minor units paid back after release.
    function creditedOf(OrderId orderId, uint256 milestone) external view returns (uint256);
    function creditReference(OrderId orderId, uint256 milestone, bytes32 creditNote) external view returns (bytes32);
}
