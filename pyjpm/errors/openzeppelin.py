"""What the OpenZeppelin parts of the contracts refuse (governance, proxies, assets)."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class MissingRole(ContractError):
    """`caller` does not have the role for this."""

    solidity = "AccessManagedUnauthorized"
    code = "MISSING_ROLE"
    says = "{caller} does not have the role for this."
    hint = "Act with a signer that has the role."


class ActNotScheduled(ContractError):
    """`caller` may do this only after a delay of `delay` s."""

    solidity = "AccessManagedRequiredDelay"
    code = "ACT_NOT_SCHEDULED"
    says = "{caller} may do this only after a delay of {delay} s."
    hint = "Schedule the act first, and execute it when the delay has passed."


class AccessManagerNotReady(ContractError):
    """The scheduled act `operationId` may not be executed yet."""

    solidity = "AccessManagerNotReady"
    code = "ACCESS_MANAGER_NOT_READY"
    says = "The scheduled act {operationId} may not be executed yet."
    hint = "Wait until its delay has passed."


class AccessManagerExpired(ContractError):
    """The scheduled act `operationId` has expired."""

    solidity = "AccessManagerExpired"
    code = "ACCESS_MANAGER_EXPIRED"
    says = "The scheduled act {operationId} has expired."
    hint = "Schedule it again."


class AccessManagerNotScheduled(ContractError):
    """The act `operationId` is not scheduled."""

    solidity = "AccessManagerNotScheduled"
    code = "ACCESS_MANAGER_NOT_SCHEDULED"
    says = "The act {operationId} is not scheduled."
    hint = "Schedule it first."


class AccessManagerAlreadyScheduled(ContractError):
    """The act `operationId` is already scheduled."""

    solidity = "AccessManagerAlreadyScheduled"
    code = "ACCESS_MANAGER_ALREADY_SCHEDULED"
    says = "The act {operationId} is already scheduled."
    hint = "Wait for it, or cancel it."


class AccessManagerUnauthorizedAccount(ContractError):
    """`msgsender` lacks the role `roleId`."""

    solidity = "AccessManagerUnauthorizedAccount"
    code = "ACCESS_MANAGER_UNAUTHORIZED_ACCOUNT"
    says = "{msgsender} lacks the role {roleId}."
    hint = "Act with a signer that has the role."


class AccessManagerUnauthorizedCall(ContractError):
    """`caller` may not call `target`."""

    solidity = "AccessManagerUnauthorizedCall"
    code = "ACCESS_MANAGER_UNAUTHORIZED_CALL"
    says = "{caller} may not call {target}."
    hint = "Act with a signer that has the role."


class AccessManagerUnauthorizedCancel(ContractError):
    """`msgsender` may not cancel this."""

    solidity = "AccessManagerUnauthorizedCancel"
    code = "ACCESS_MANAGER_UNAUTHORIZED_CANCEL"
    says = "{msgsender} may not cancel this."
    hint = "Let the caller, an administrator or a guardian cancel it."


class AccessManagerUnauthorizedConsume(ContractError):
    """`target` may not consume this act."""

    solidity = "AccessManagerUnauthorizedConsume"
    code = "ACCESS_MANAGER_UNAUTHORIZED_CONSUME"
    says = "{target} may not consume this act."
    hint = "Act through the contract it was scheduled for."


class AccessManagerLockedRole(ContractError):
    """The role `roleId` is locked."""

    solidity = "AccessManagerLockedRole"
    code = "ACCESS_MANAGER_LOCKED_ROLE"
    says = "The role {roleId} is locked."
    hint = "Use another role."


class AccessManagerLockedFunction(ContractError):
    """The function is locked."""

    solidity = "AccessManagerLockedFunction"
    code = "ACCESS_MANAGER_LOCKED_FUNCTION"
    says = "The function is locked."
    hint = "It may not be reassigned."


class AccessManagerBadConfirmation(ContractError):
    """The role was not confirmed by its holder."""

    solidity = "AccessManagerBadConfirmation"
    code = "ACCESS_MANAGER_BAD_CONFIRMATION"
    says = "The role was not confirmed by its holder."
    hint = "Confirm with the holder's own address."


class AccessManagerInvalidInitialAdmin(ContractError):
    """The first administrator is not usable: `initialAdmin`."""

    solidity = "AccessManagerInvalidInitialAdmin"
    code = "ACCESS_MANAGER_INVALID_INITIAL_ADMIN"
    says = "The first administrator is not usable: {initialAdmin}."
    hint = "Give a non-zero address."


class AccessManagedInvalidAuthority(ContractError):
    """`authority` is not an access manager."""

    solidity = "AccessManagedInvalidAuthority"
    code = "ACCESS_MANAGED_INVALID_AUTHORITY"
    says = "{authority} is not an access manager."
    hint = "Give the governance contract."


class ERC2612ExpiredSignature(ContractError):
    """The permit ended at `deadline`."""

    solidity = "ERC2612ExpiredSignature"
    code = "E_R_C2612_EXPIRED_SIGNATURE"
    says = "The permit ended at {deadline}."
    hint = "Sign a new permit."


class ERC2612InvalidSigner(ContractError):
    """The permit was signed by `signer`, not by `owner`."""

    solidity = "ERC2612InvalidSigner"
    code = "E_R_C2612_INVALID_SIGNER"
    says = "The permit was signed by {signer}, not by {owner}."
    hint = "Have the owner sign it."


class InvalidAccountNonce(ContractError):
    """The nonce of `account` is `currentNonce`."""

    solidity = "InvalidAccountNonce"
    code = "INVALID_ACCOUNT_NONCE"
    says = "The nonce of {account} is {currentNonce}."
    hint = "Sign with the current nonce."


class ERC1967InvalidImplementation(ContractError):
    """`implementation` is not an implementation."""

    solidity = "ERC1967InvalidImplementation"
    code = "E_R_C1967_INVALID_IMPLEMENTATION"
    says = "{implementation} is not an implementation."
    hint = "Upgrade to a UUPS implementation of this contract."


class ERC1967NonPayable(ContractError):
    """The proxy takes no value."""

    solidity = "ERC1967NonPayable"
    code = "E_R_C1967_NON_PAYABLE"
    says = "The proxy takes no value."
    hint = "Send no value."


class UUPSUnauthorizedCallContext(ContractError):
    """This is possible through the proxy only."""

    solidity = "UUPSUnauthorizedCallContext"
    code = "U_U_P_S_UNAUTHORIZED_CALL_CONTEXT"
    says = "This is possible through the proxy only."
    hint = "Call the proxy."


class UUPSUnsupportedProxiableUUID(ContractError):
    """The implementation uses another storage slot."""

    solidity = "UUPSUnsupportedProxiableUUID"
    code = "U_U_P_S_UNSUPPORTED_PROXIABLE_U_U_I_D"
    says = "The implementation uses another storage slot."
    hint = "Upgrade to a UUPS implementation."


class InvalidInitialization(ContractError):
    """The contract is already initialised."""

    solidity = "InvalidInitialization"
    code = "INVALID_INITIALIZATION"
    says = "The contract is already initialised."
    hint = "Nothing to do."


class NotInitializing(ContractError):
    """The contract is not being initialised."""

    solidity = "NotInitializing"
    code = "NOT_INITIALIZING"
    says = "The contract is not being initialised."
    hint = "Call through initialize only."


class AddressEmptyCode(ContractError):
    """There is no contract at `target`."""

    solidity = "AddressEmptyCode"
    code = "ADDRESS_EMPTY_CODE"
    says = "There is no contract at {target}."
    hint = "Check the address."


class FailedCall(ContractError):
    """An inner call failed without a reason."""

    solidity = "FailedCall"
    code = "FAILED_CALL"
    says = "An inner call failed without a reason."
    hint = "Check the contract that was called."


class ReentrancyGuardReentrantCall(ContractError):
    """A contract tried to call back in."""

    solidity = "ReentrancyGuardReentrantCall"
    code = "REENTRANCY_GUARD_REENTRANT_CALL"
    says = "A contract tried to call back in."
    hint = "The receiver is hostile or broken; do not deal with it."


class SafeERC20FailedOperation(ContractError):
    """The asset `token` refused to move."""

    solidity = "SafeERC20FailedOperation"
    code = "SAFE_E_R_C20_FAILED_OPERATION"
    says = "The asset {token} refused to move."
    hint = "Check its balance, allowance and rules."


class SafeCastOverflowedUintDowncast(ContractError):
    """The number `value` does not fit `bits` bits."""

    solidity = "SafeCastOverflowedUintDowncast"
    code = "SAFE_CAST_OVERFLOWED_UINT_DOWNCAST"
    says = "The number {value} does not fit {bits} bits."
    hint = "Give a smaller number."


class ERC20InsufficientBalance(ContractError):
    """`sender` has `balance`, less than `needed`."""

    solidity = "ERC20InsufficientBalance"
    code = "E_R_C20_INSUFFICIENT_BALANCE"
    says = "{sender} has {balance}, less than {needed}."
    hint = "Get the asset first."


class ERC20InsufficientAllowance(ContractError):
    """`spender` may move `allowance`, less than `needed`."""

    solidity = "ERC20InsufficientAllowance"
    code = "E_R_C20_INSUFFICIENT_ALLOWANCE"
    says = "{spender} may move {allowance}, less than {needed}."
    hint = "Approve the spender first."


class ERC20InvalidSender(ContractError):
    """`sender` cannot send."""

    solidity = "ERC20InvalidSender"
    code = "E_R_C20_INVALID_SENDER"
    says = "{sender} cannot send."
    hint = "Check the address."


class ERC20InvalidReceiver(ContractError):
    """`receiver` cannot receive."""

    solidity = "ERC20InvalidReceiver"
    code = "E_R_C20_INVALID_RECEIVER"
    says = "{receiver} cannot receive."
    hint = "Check the address."


class ERC20InvalidApprover(ContractError):
    """`approver` cannot approve."""

    solidity = "ERC20InvalidApprover"
    code = "E_R_C20_INVALID_APPROVER"
    says = "{approver} cannot approve."
    hint = "Check the address."


class ERC20InvalidSpender(ContractError):
    """`spender` cannot be approved."""

    solidity = "ERC20InvalidSpender"
    code = "E_R_C20_INVALID_SPENDER"
    says = "{spender} cannot be approved."
    hint = "Check the address."


class ERC721InsufficientApproval(ContractError):
    """`operator` may not move the title `tokenId`."""

    solidity = "ERC721InsufficientApproval"
    code = "E_R_C721_INSUFFICIENT_APPROVAL"
    says = "{operator} may not move the title {tokenId}."
    hint = "Approve the settlement contract for it."


class ERC721IncorrectOwner(ContractError):
    """The title `tokenId` belongs to `owner`, not to `sender`."""

    solidity = "ERC721IncorrectOwner"
    code = "E_R_C721_INCORRECT_OWNER"
    says = "The title {tokenId} belongs to {owner}, not to {sender}."
    hint = "Check who holds it."


class ERC721NonexistentToken(ContractError):
    """There is no title `tokenId`."""

    solidity = "ERC721NonexistentToken"
    code = "E_R_C721_NONEXISTENT_TOKEN"
    says = "There is no title {tokenId}."
    hint = "Check its number."


class ERC721InvalidOwner(ContractError):
    """`owner` cannot own titles."""

    solidity = "ERC721InvalidOwner"
    code = "E_R_C721_INVALID_OWNER"
    says = "{owner} cannot own titles."
    hint = "Check the address."


class ERC721InvalidSender(ContractError):
    """`sender` cannot send titles."""

    solidity = "ERC721InvalidSender"
    code = "E_R_C721_INVALID_SENDER"
    says = "{sender} cannot send titles."
    hint = "Check the address."


class ERC721InvalidReceiver(ContractError):
    """`receiver` cannot receive titles."""

    solidity = "ERC721InvalidReceiver"
    code = "E_R_C721_INVALID_RECEIVER"
    says = "{receiver} cannot receive titles."
    hint = "Check the address."


class ERC721InvalidApprover(ContractError):
    """`approver` cannot approve titles."""

    solidity = "ERC721InvalidApprover"
    code = "E_R_C721_INVALID_APPROVER"
    says = "{approver} cannot approve titles."
    hint = "Check the address."


class ERC721InvalidOperator(ContractError):
    """`operator` cannot be an operator."""

    solidity = "ERC721InvalidOperator"
    code = "E_R_C721_INVALID_OPERATOR"
    says = "{operator} cannot be an operator."
    hint = "Check the address."


class ERC721OutOfBoundsIndex(ContractError):
    """There is no title at index `index` of `owner`."""

    solidity = "ERC721OutOfBoundsIndex"
    code = "E_R_C721_OUT_OF_BOUNDS_INDEX"
    says = "There is no title at index {index} of {owner}."
    hint = "Check the index."


class ERC721EnumerableForbiddenBatchMint(ContractError):
    """Titles are issued one by one."""

    solidity = "ERC721EnumerableForbiddenBatchMint"
    code = "E_R_C721_ENUMERABLE_FORBIDDEN_BATCH_MINT"
    says = "Titles are issued one by one."
    hint = "Issue them one by one."


class CheckpointUnorderedInsertion(ContractError):
    """A schedule was changed out of order."""

    solidity = "CheckpointUnorderedInsertion"
    code = "CHECKPOINT_UNORDERED_INSERTION"
    says = "A schedule was changed out of order."
    hint = "Report this; it should not happen."


class StringsInsufficientHexLength(ContractError):
    """The number `value` does not fit `length` bytes."""

    solidity = "StringsInsufficientHexLength"
    code = "STRINGS_INSUFFICIENT_HEX_LENGTH"
    says = "The number {value} does not fit {length} bytes."
    hint = "Report this; it should not happen."


class ECDSAInvalidSignature(ContractError):
    """The signature is malformed."""

    solidity = "ECDSAInvalidSignature"
    code = "E_C_D_S_A_INVALID_SIGNATURE"
    says = "The signature is malformed."
    hint = "Sign again."


class ECDSAInvalidSignatureLength(ContractError):
    """The signature has `length` bytes."""

    solidity = "ECDSAInvalidSignatureLength"
    code = "E_C_D_S_A_INVALID_SIGNATURE_LENGTH"
    says = "The signature has {length} bytes."
    hint = "Sign again."


class ECDSAInvalidSignatureS(ContractError):
    """The signature is not canonical (high s)."""

    solidity = "ECDSAInvalidSignatureS"
    code = "E_C_D_S_A_INVALID_SIGNATURE_S"
    says = "The signature is not canonical (high s)."
    hint = "Sign again with a low s."


class InvalidShortString(ContractError):
    """The name is empty or malformed."""

    solidity = "InvalidShortString"
    code = "INVALID_SHORT_STRING"
    says = "The name is empty or malformed."
    hint = "Give a name."


class StringTooLong(ContractError):
    """The name `str` is too long."""

    solidity = "StringTooLong"
    code = "STRING_TOO_LONG"
    says = "The name {str} is too long."
    hint = "Give a shorter one."


class ERC5267ExtensionsNotSupported(ContractError):
    """The domain has extensions."""

    solidity = "ERC5267ExtensionsNotSupported"
    code = "E_R_C5267_EXTENSIONS_NOT_SUPPORTED"
    says = "The domain has extensions."
    hint = "Report this; it should not happen."


class FailedDeployment(ContractError):
    """A contract could not be created."""

    solidity = "FailedDeployment"
    code = "FAILED_DEPLOYMENT"
    says = "A contract could not be created."
    hint = "Check the gas limit and the code size."


class InsufficientBalance(ContractError):
    """`balance` is there, `needed` are needed."""

    solidity = "InsufficientBalance"
    code = "INSUFFICIENT_BALANCE"
    says = "{balance} is there, {needed} are needed."
    hint = "Report this; the platform needs no ether."


class MissingPrecompile(ContractError):
    """The chain lacks a precompile."""

    solidity = "MissingPrecompile"
    code = "MISSING_PRECOMPILE"
    says = "The chain lacks a precompile."
    hint = "Use a chain with the cancun rules."


class SafeCastOverflowedIntDowncast(ContractError):
    """The number `value` does not fit `bits` bits."""

    solidity = "SafeCastOverflowedIntDowncast"
    code = "SAFE_CAST_OVERFLOWED_INT_DOWNCAST"
    says = "The number {value} does not fit {bits} bits."
    hint = "Give a smaller number."


class SafeCastOverflowedIntToUint(ContractError):
    """The number `value` is negative."""

    solidity = "SafeCastOverflowedIntToUint"
    code = "SAFE_CAST_OVERFLOWED_INT_TO_UINT"
    says = "The number {value} is negative."
    hint = "Give a positive number."


class SafeCastOverflowedUintToInt(ContractError):
    """The number `value` is too large."""

    solidity = "SafeCastOverflowedUintToInt"
    code = "SAFE_CAST_OVERFLOWED_UINT_TO_INT"
    says = "The number {value} is too large."
    hint = "Give a smaller number."


class SafeERC20FailedDecreaseAllowance(ContractError):
    """The allowance of `spender` is `currentAllowance`."""

    solidity = "SafeERC20FailedDecreaseAllowance"
    code = "SAFE_E_R_C20_FAILED_DECREASE_ALLOWANCE"
    says = "The allowance of {spender} is {currentAllowance}."
    hint = "Lower it by at most that."


class StringsInvalidAddressFormat(ContractError):
    """The text is no address."""

    solidity = "StringsInvalidAddressFormat"
    code = "STRINGS_INVALID_ADDRESS_FORMAT"
    says = "The text is no address."
    hint = "Check the address."


class StringsInvalidChar(ContractError):
    """The text has a character that does not belong."""

    solidity = "StringsInvalidChar"
    code = "STRINGS_INVALID_CHAR"
    says = "The text has a character that does not belong."
    hint = "Check the text."


class ERC1155InsufficientBalance(ContractError):
    """`sender` has `balance` of `tokenId`, less than `needed`."""

    solidity = "ERC1155InsufficientBalance"
    code = "E_R_C1155_INSUFFICIENT_BALANCE"
    says = "{sender} has {balance} of {tokenId}, less than {needed}."
    hint = "Get the asset first."


class ERC1155InvalidApprover(ContractError):
    """`approver` cannot approve."""

    solidity = "ERC1155InvalidApprover"
    code = "E_R_C1155_INVALID_APPROVER"
    says = "{approver} cannot approve."
    hint = "Check the address."


class ERC1155InvalidArrayLength(ContractError):
    """`idsLength` ids and `valuesLength` amounts do not pair."""

    solidity = "ERC1155InvalidArrayLength"
    code = "E_R_C1155_INVALID_ARRAY_LENGTH"
    says = "{idsLength} ids and {valuesLength} amounts do not pair."
    hint = "Give as many amounts as ids."


class ERC1155InvalidOperator(ContractError):
    """`operator` cannot be an operator."""

    solidity = "ERC1155InvalidOperator"
    code = "E_R_C1155_INVALID_OPERATOR"
    says = "{operator} cannot be an operator."
    hint = "Check the address."


class ERC1155InvalidReceiver(ContractError):
    """`receiver` cannot receive."""

    solidity = "ERC1155InvalidReceiver"
    code = "E_R_C1155_INVALID_RECEIVER"
    says = "{receiver} cannot receive."
    hint = "Check the address."


class ERC1155InvalidSender(ContractError):
    """`sender` cannot send."""

    solidity = "ERC1155InvalidSender"
    code = "E_R_C1155_INVALID_SENDER"
    says = "{sender} cannot send."
    hint = "Check the address."


class ERC1155MissingApprovalForAll(ContractError):
    """`operator` may not move what `owner` has."""

    solidity = "ERC1155MissingApprovalForAll"
    code = "E_R_C1155_MISSING_APPROVAL_FOR_ALL"
    says = "{operator} may not move what {owner} has."
    hint = "Approve the settlement contract."


class ERC1967InvalidAdmin(ContractError):
    """`admin` cannot be an admin."""

    solidity = "ERC1967InvalidAdmin"
    code = "E_R_C1967_INVALID_ADMIN"
    says = "{admin} cannot be an admin."
    hint = "Check the address."


class ERC1967InvalidBeacon(ContractError):
    """`beacon` is no beacon."""

    solidity = "ERC1967InvalidBeacon"
    code = "E_R_C1967_INVALID_BEACON"
    says = "{beacon} is no beacon."
    hint = "Check the address."


class ERC1967ProxyUninitialized(ContractError):
    """A proxy is deployed with its initialisation."""

    solidity = "ERC1967ProxyUninitialized"
    code = "E_R_C1967_PROXY_UNINITIALIZED"
    says = "A proxy is deployed with its initialisation."
    hint = "Give the initialisation with the deployment."
