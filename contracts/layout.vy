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
M160: constant(uint256) = 2**160 - 1
RESERVED: constant(uint256) = M48 << 80

# state word
COLOUR_MASK: constant(uint256) = 3
COLOUR_NORMAL: constant(uint256) = 1
COLOUR_FULL: constant(uint256) = 3
CLAIM_MASK: constant(uint256) = 3 << 2
CLAIM_LOCKED: constant(uint256) = 1 << 2
CLAIM_SETTLED: constant(uint256) = 2 << 2
ENTRY_MASK: constant(uint256) = 3 << 4
ENTRY_WITHDRAWN: constant(uint256) = 3 << 4
RISK: constant(uint256) = 1 << 8
HOLDER_MASK: constant(uint256) = M32 << 78
VERSION_ONE: constant(uint256) = 1 << 232  # version is the highest field of state and party words

# party word
KIND_MASK: constant(uint256) = 15 << 160
AUTHORITY: constant(uint256) = 1
OFFICER: constant(uint256) = 2
ENTERPRISE: constant(uint256) = 3
PERSON: constant(uint256) = 4
CALENDAR: constant(uint256) = 5
SUSPENDED: constant(uint256) = 1 << 164
RECOVERING: constant(uint256) = 1 << 165

# totals word
TOTALS_GROSS: constant(uint256) = 1 + (1 << 176)  # a blue invoice adds its gross to blue gross and quota used

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
APPOINT: constant(uint256) = 11
DISMISS: constant(uint256) = 12
RECOVER: constant(uint256) = 13
RETIRE: constant(uint256) = 14
OPEN_MONTH: constant(uint256) = 15
ROTATE: constant(uint256) = 16
GRANT_BITS: constant(uint256) = 17
REVOKE_BITS: constant(uint256) = 18
ISSUE: constant(uint256) = 19
TRANSFER: constant(uint256) = 25
REGISTER: constant(uint256) = 26  # reserved: registering an outside invoice
LOCK: constant(uint256) = 27
UNLOCK: constant(uint256) = 28
SETTLE: constant(uint256) = 29
BOOK: constant(uint256) = 30
WITHDRAW: constant(uint256) = 31
FILE: constant(uint256) = 35

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
