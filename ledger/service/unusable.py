"""What the operator of an installation that cannot be used is told, in both languages: what is wrong and what to do."""

from __future__ import annotations

from ledger.chain import (
    ChainExistsError,
    ChainForeignError,
    ChainFullError,
    ChainInUseError,
    ChainMissingError,
    ChainReadOnlyError,
    ChainStorageError,
)
from ledger.identity import MasterKeyError, SealError
from ledger.projection import DatabaseUnavailableError, SchemaOutdatedError, SealingNeededError
from ledger.service.errors import NotReady

_FROM_A_BACKUP = "请用 einvoice restore 从备份恢复"
_DATABASE_ZH = {
    "missing": "数据目录或数据库不存在：请检查 EINVOICE_DATA_DIR；新账本请运行 einvoice init",
    "read_only": "数据库不可写：请检查文件属主、权限与挂载方式",
    "full": "磁盘已满，未保存任何内容：请释放空间后重试",
    "locked": "数据库被其他进程占用：请稍后重试，或结束占用它的进程",
    "corrupt": f"数据库已损坏：{_FROM_A_BACKUP}",
    "unreachable": "无法连接数据库：请检查 EINVOICE_DATABASE_URL 与数据库服务",
}
_CLASSES_ZH: tuple[tuple[type[Exception], str], ...] = (
    (MasterKeyError, "主密钥不可用：请恢复密钥文件（权限 0600）或设置 EINVOICE_MASTER_KEY；新账本用 einvoice init"),
    (SealError, "主密钥与数据不相符，或数据已被改动：请使用本账本的主密钥，或从备份恢复"),
    (SchemaOutdatedError, "数据库结构与程序版本不符：请先用旧版本备份，再运行 einvoice upgrade"),
    (SealingNeededError, "本次升级须加密已有数据：请在主密钥所在的机器上运行 einvoice upgrade"),
    (ChainMissingError, f"目录中没有链数据：请检查 EINVOICE_DATA_DIR，或{_FROM_A_BACKUP[1:]}"),
    (ChainExistsError, "目录中已有文件：请换一个新目录"),
    (ChainForeignError, "链数据属于其他账本，或使用其他版本的合约：请检查目录，或使用对应版本的程序"),
    (ChainReadOnlyError, "链目录不可写：请检查属主、权限与挂载方式"),
    (ChainInUseError, "该账本的节点正在运行，请先停止"),
    (ChainFullError, "磁盘或链文件空间已满，未保存任何内容：请释放空间后重试"),
    (ChainStorageError, f"链数据无法读写：请检查磁盘；如已损坏，{_FROM_A_BACKUP}"),
)


def unusable(err: Exception) -> NotReady:
    """The error to raise where chain, database or keys fail: `err`'s own words, and what to do in Chinese."""
    return NotReady(str(err), in_chinese(err))


def in_chinese(err: Exception) -> str:
    """What to do about a failure of chain, database, keys or files. Others are told as they are."""
    if isinstance(err, DatabaseUnavailableError):
        return _DATABASE_ZH[err.cause]
    if isinstance(err, OSError):
        return f"无法读写 {err.filename or '文件'}（{err.strerror}）：请检查路径、权限与磁盘空间"
    for failure, chinese in _CLASSES_ZH:
        if isinstance(err, failure):
            return chinese
    return f"账本尚不可用，原因（英文）：{err}"
