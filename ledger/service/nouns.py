"""What the things are called that an error names, in both languages."""

from __future__ import annotations

THINGS_ZH = {
    "challenge": "质询",
    "checkpoint": "检查点",
    "claim": "报销单",
    "claim policy": "报销审批设置",
    "dead delivery": "推送失败的事件",
    "deduction of invoice": "发票抵扣信息，发票",
    "document of invoice": "票面文件，发票",
    "draft": "待签草稿",
    "enrolment request": "登记申请",
    "enterprise": "企业",
    "external id": "外部单号",
    "invoice": "发票",
    "key": "密钥",
    "link": "登录关联",
    "office": "职务",
    "operation": "操作",
    "original of invoice": "外部发票原件，发票",
    "party": "参与方",
    "proposal": "提议",
    "register": "登记名册",
    "report of month": "申报表，月份",
    "session": "登录会话",
    "sheet": "开票批次",
    "sign-in provider": "登录服务",
    "till": "收银台",
    "webhook": "事件推送",
    "witness": "见证方",
}
"""The Chinese noun of each `kind` that NotFound is raised with."""
