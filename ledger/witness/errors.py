"""Errors of the witness: one root, each with its sentence in English and Chinese.

WitnessError
  NoteError            not a signed note, a key or a checkpoint of this form
  SourceError          the ledger could not be read: trouble that may pass, or an answer that is none
  HomeError            the witness's own directory cannot be used
    StateOlderError    the state is older than a checkpoint signed from it
  ConvictionError      the file proves nothing against a sealer
"""

from __future__ import annotations


class WitnessError(Exception):
    """Root. `message` says what to do next, `message_zh` the same in Chinese."""

    message_zh = "见证程序无法继续"

    def __init__(self, message: str, message_zh: str = "") -> None:
        super().__init__(message)
        self.message = message
        if message_zh:
            self.message_zh = message_zh


class NoteError(WitnessError):
    """Text that is no signed note, no key or no checkpoint; the message names the part."""

    message_zh = "不是有效的签名便笺、密钥或检查点"


class SourceError(WitnessError):
    """The ledger cannot be read now, or what it answered is no answer; nothing was signed."""

    message_zh = "暂时无法读取账本，或其回答无效"


class HomeError(WitnessError):
    """The witness's own directory is missing, in use, damaged or of another ledger."""

    message_zh = "见证程序的目录无法使用"


class StateOlderError(HomeError):
    """The state was restored from before the last signature; carries both tree sizes."""

    message_zh = "状态文件早于已签署的检查点，不能继续：请恢复较新的状态"

    def __init__(self, state_size: int, signed_size: int) -> None:
        super().__init__(
            f"the state is at size {state_size}, but this key signed size {signed_size}, or another history of it: "
            "put the newer state.json back, or retire this key and begin with a new one"
        )
        self.state_size = state_size
        self.signed_size = signed_size


class ConvictionError(WitnessError):
    """The file does not show two blocks of one height under one sealer's seal; the message says where it fails."""

    message_zh = "该文件不能证明封块者重复封块"
