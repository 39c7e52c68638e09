from eth.vm.forks.london.state import LondonState

LedgerState = LondonState
