// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice How much a rule moves.
library ActionKind {
    uint8 internal constant PAY = 0; // `amount`
    uint8 internal constant SWEEP_ABOVE = 1; // whatever the payer has available above `amount`
    uint8 internal constant TOP_UP = 2; // what the one payee's balance lacks of `amount`
}
