# pragma version 0.4.3
"""
@title Layout of words
@notice Codes, reasons, tables and bit fields shared by the modules of the ledger; docs/OPERATIONS.md explains each.
"""

struct Op:
    what: uint256
    terms: uint256
    who: bytes32
    ref: bytes32

RECOVERY_DELAY: constant(uint256) = 259200  # 72 h for the owner of a key to object
LOCK_LIFETIME: constant(uint256) = 15552000  # an unsettled lock lapses after 180 days
SLIP_LIFETIME: constant(uint256) = 259200  # the other side has 72 h to answer a slip
MONTH_GRACE: constant(uint256) = 86400
BLOCK_SIZE: constant(uint256) = 10000  # numbers in a block of a segment
BLOCKS_MAX: constant(uint256) = 64
SPACE_FIRST: constant(uint256) = 90000000000000000000  # no outside number has a leading 9
SPACE_LAST: constant(uint256) = 99999999999999999999


# tables: lowest byte of a storage key (small constants keep the code small)
STATE: constant(uint256) = 1
HEAD: constant(uint256) = 2
CLAIM: constant(uint256) = 3
PARTY: constant(uint256) = 4
IDENTITY: constant(uint256) = 5
CERTIFICATE: constant(uint256) = 6
PARTY_OF: constant(uint256) = 7
RECOVERY: constant(uint256) = 8
RECOVERY_CERTIFICATE: constant(uint256) = 9
GRANT: constant(uint256) = 10
SEGMENT: constant(uint256) = 11
TOTALS: constant(uint256) = 12
MONTH: constant(uint256) = 13
SPENT: constant(uint256) = 14
PARTY_COUNT: constant(uint256) = 15
SLIP: constant(uint256) = 16
DEDUCTION: constant(uint256) = 17
LIFT: constant(uint256) = 18
DEDUCTED: constant(uint256) = 19
FILING: constant(uint256) = 20
EXCEPTION: constant(uint256) = 21
ANCHOR: constant(uint256) = 22
REVOKED: constant(uint256) = 23

# masks by width in bits
M12: constant(uint256) = 2**12 - 1
M20: constant(uint256) = 2**20 - 1
M24: constant(uint256) = 2**24 - 1
M32: constant(uint256) = 2**32 - 1
M40: constant(uint256) = 2**40 - 1
M44: constant(uint256) = 2**44 - 1
M48: constant(uint256) = 2**48 - 1
M64: constant(uint256) = 2**64 - 1
M80: constant(uint256) = 2**80 - 1
M96: constant(uint256) = 2**96 - 1
M160: constant(uint256) = 2**160 - 1
RESERVED: constant(uint256) = M48 << 80

# state word
COLOUR_MASK: constant(uint256) = 3
COLOUR_NORMAL: constant(uint256) = 1
COLOUR_PARTLY: constant(uint256) = 2
COLOUR_FULL: constant(uint256) = 3
CLAIM_MASK: constant(uint256) = 3 << 2
CLAIM_LOCKED: constant(uint256) = 1 << 2
CLAIM_SETTLED: constant(uint256) = 2 << 2
CLAIM_CANCELLED: constant(uint256) = 3 << 2
ENTRY_MASK: constant(uint256) = 3 << 4
ENTRY_WITHDRAWN: constant(uint256) = 3 << 4
USE_MASK: constant(uint256) = 3 << 6
USE_SELECTED: constant(uint256) = 1 << 6
RISK: constant(uint256) = 1 << 8
SPECIAL: constant(uint256) = 1 << 9
RED: constant(uint256) = 2 << 9
STRENGTH_MASK: constant(uint256) = 7 << 11
PARTIES_MASK: constant(uint256) = M64 << 14  # seller and buyer
HOLDER_MASK: constant(uint256) = M32 << 78
REDDENED_SINCE: constant(uint256) = 1 << 218  # since it was locked: not settled at the amount claimed
VERSION_ONE: constant(uint256) = 1 << 232  # version is the highest field of state and party words

# party word
AUTHORITY: constant(uint256) = 1
OFFICER: constant(uint256) = 2
ENTERPRISE: constant(uint256) = 3
PERSON: constant(uint256) = 4
CALENDAR: constant(uint256) = 5
SUSPENDED: constant(uint256) = 1 << 164
RECOVERING: constant(uint256) = 1 << 165

# totals word
TOTALS_GROSS: constant(uint256) = 1 + (1 << 176)  # a blue invoice adds its gross to blue gross and quota used

# slip word
TIMED_OUT: constant(uint256) = 1  # never stored: not answered in time
SELLER_OPENED: constant(uint256) = 2
OTHER_OPENED: constant(uint256) = 3
SLIP_CONFIRMED: constant(uint256) = 4
OTHER_REFUSED: constant(uint256) = 5
SELLER_REFUSED: constant(uint256) = 6
WITHDRAWN: constant(uint256) = 8
WITHDRAWN_LATE: constant(uint256) = 9  # after it was confirmed
VOID: constant(uint256) = 10
USED: constant(uint256) = 11

# deduction and deducted words
WRITTEN: constant(uint256) = 1 << 255  # they may fall back to zero, and a successor must not look back
COUNT_ONE: constant(uint256) = 1 << 64
CONFIRMED: constant(uint256) = 1 << 96

# exceptions
REDDENED_SETTLED: constant(uint256) = 1
REDDENED_DEDUCTED: constant(uint256) = 2
FLAGGED_USED: constant(uint256) = 4
DISPLACED: constant(uint256) = 8
DISPUTED: constant(uint256) = 16

# grants
MAY_ISSUE: constant(uint256) = 1
MAY_FINANCE: constant(uint256) = 2
MAY_CLAIM: constant(uint256) = 4
GRANTED: constant(uint256) = 1 << 255  # kept when all bits are revoked, so that a successor does not look back

# codes
ENROL: constant(uint256) = 1
SUSPEND: constant(uint256) = 2
REINSTATE: constant(uint256) = 3
ALLOT: constant(uint256) = 4
SET_QUOTA: constant(uint256) = 5
LIFT_BLOCK: constant(uint256) = 6
SET_FLAG: constant(uint256) = 7
CLEAR_FLAG: constant(uint256) = 8
FORCE_UNLOCK: constant(uint256) = 9
VOID_SLIP: constant(uint256) = 10
APPOINT: constant(uint256) = 11
DISMISS: constant(uint256) = 12
RECOVER: constant(uint256) = 13
RETIRE: constant(uint256) = 14
OPEN_MONTH: constant(uint256) = 15
ROTATE: constant(uint256) = 16
GRANT_BITS: constant(uint256) = 17
REVOKE_BITS: constant(uint256) = 18
ISSUE: constant(uint256) = 19
OPEN_SLIP: constant(uint256) = 20
CONFIRM_SLIP: constant(uint256) = 21
REFUSE_SLIP: constant(uint256) = 22
WITHDRAW_SLIP: constant(uint256) = 23
ISSUE_RED: constant(uint256) = 24
TRANSFER: constant(uint256) = 25
REGISTER: constant(uint256) = 26
LOCK: constant(uint256) = 27
UNLOCK: constant(uint256) = 28
SETTLE: constant(uint256) = 29
BOOK: constant(uint256) = 30
WITHDRAW: constant(uint256) = 31
SELECT: constant(uint256) = 32
UNSELECT: constant(uint256) = 33
CONFIRM_MONTH: constant(uint256) = 34
FILE: constant(uint256) = 35
REFILE: constant(uint256) = 36
SET_ANCHOR: constant(uint256) = 37
ACKNOWLEDGE: constant(uint256) = 38
REVOKE_CERTIFICATE: constant(uint256) = 39

# reasons
OK: constant(uint256) = 0
UNKNOWN_OPERATION: constant(uint256) = 1
OUT_OF_ORDER: constant(uint256) = 2
NOT_PERMITTED: constant(uint256) = 3
IS_SUSPENDED: constant(uint256) = 4
STALE_VERSION: constant(uint256) = 5
BAD_TERMS: constant(uint256) = 6
UNKNOWN_PARTY: constant(uint256) = 7
UNKNOWN_INVOICE: constant(uint256) = 8
ALREADY_SO: constant(uint256) = 9
MIXED_GROUP: constant(uint256) = 10
NOT_IN_SEGMENT: constant(uint256) = 11
NUMBER_TAKEN: constant(uint256) = 12
MONTH_NOT_OPEN: constant(uint256) = 13
MONTHS_UNFILED: constant(uint256) = 14
MONTH_FILED: constant(uint256) = 15
QUOTA_EXCEEDED: constant(uint256) = 16
NOT_HOLDER: constant(uint256) = 17
IS_LOCKED: constant(uint256) = 18
IS_SETTLED: constant(uint256) = 19
IS_REDDENED: constant(uint256) = 20
IS_FLAGGED: constant(uint256) = 21
OWN_INVOICE: constant(uint256) = 22
WRONG_BUYER: constant(uint256) = 23
NOT_LOCKED: constant(uint256) = 24
OWN_CLAIM: constant(uint256) = 25
NOT_BOOKED: constant(uint256) = 26
TOTALS_DIFFER: constant(uint256) = 27
MONTH_NOT_NEXT: constant(uint256) = 28
NOT_BUYER: constant(uint256) = 29
EXCEEDS: constant(uint256) = 30
SLIP_NEEDED: constant(uint256) = 31
SLIP_OPEN: constant(uint256) = 32
NO_SLIP: constant(uint256) = 33
SLIP_LAPSED: constant(uint256) = 34
IS_RED: constant(uint256) = 35
IS_OUTSIDE: constant(uint256) = 36
OF_LEDGER: constant(uint256) = 37
NOT_DEDUCTIBLE: constant(uint256) = 38
NOT_SELECTED: constant(uint256) = 39
PERIOD_CONFIRMED: constant(uint256) = 40
NO_EXCEPTION: constant(uint256) = 41
REPORT_DIFFERS: constant(uint256) = 42
MONTH_NOT_FILED: constant(uint256) = 43
