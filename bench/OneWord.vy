# pragma version 0.4.3
# pragma evm-version london
# What a first try stores on a chain: one word an invoice and one event, no rules, no signature of the seller.

event Issued:
    number: indexed(uint256)
    word: uint256

words: HashMap[uint256, uint256]


@external
def issue(number: uint256, word: uint256):
    self.words[number] = word
    log Issued(number=number, word=word)
