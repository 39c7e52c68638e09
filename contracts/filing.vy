# pragma version 0.4.3
"""
@title Filing
@notice A party's months: confirming a period's deduction, filing a month, correcting what was filed.
"""

import layout
import storage
import deductions

uses: storage
uses: deductions


@view
@internal
def check(what: uint256, terms: uint256, who: bytes32, party: uint256, word: uint256) -> uint256:
    # confirm month, file, refile; `word` is the party's
    code: uint256 = what >> 248
    month: uint256 = (what >> 148) & layout.M12
    filed: uint256 = (word >> 166) & layout.M12
    key: uint256 = ((party << 12) | month) << 8
    if (word >> 160) & 15 != layout.ENTERPRISE or what & layout.M80 != month:
        return layout.BAD_TERMS
    if code == layout.REFILE:
        report: uint256 = storage.word(key | layout.FILING)
        if month > filed or report == 0:
            return layout.MONTH_NOT_FILED
        if convert(who, uint256) != report:
            return layout.REPORT_DIFFERS
    else:
        if month <= filed:
            return layout.MONTH_FILED
        if code == layout.FILE and month != filed + 1:
            return layout.MONTH_NOT_NEXT
        if not deductions.has_opened(month):
            return layout.MONTH_NOT_OPEN
    if code == layout.CONFIRM_MONTH:
        deducted: uint256 = storage.word(key | layout.DEDUCTED)
        if deducted & layout.CONFIRMED != 0:
            return layout.PERIOD_CONFIRMED
        if terms != deducted & layout.M96:
            return layout.TOTALS_DIFFER
    elif terms != storage.word(key | layout.TOTALS):
        return layout.TOTALS_DIFFER
    return layout.OK


@internal
def write(what: uint256, ref: bytes32, word: uint256) -> uint256:
    # the party's word before the version is raised
    code: uint256 = what >> 248
    month: uint256 = (what >> 148) & layout.M12
    key: uint256 = ((((what >> 216) & layout.M32) << 12) | month) << 8
    if code == layout.CONFIRM_MONTH:
        storage.slots[key | layout.DEDUCTED] = storage.word(key | layout.DEDUCTED) | layout.CONFIRMED | layout.WRITTEN
        return word
    storage.slots[key | layout.FILING] = convert(ref, uint256)
    if code == layout.FILE:
        return unsafe_add(word, 1 << 166)  # the next month
    return word
