"""Words of the page about an uploaded file, in Chinese and English."""

from __future__ import annotations

FILE_WORDS: dict[str, dict[str, str]] = {
    "zh": {
        "title": "文件核验",
        "choose": "发票 PDF、证据文件或声明文件",
        "intro": "上传收到的发票 PDF（内含证据）、证据文件，或“从未开具”“未核销”声明。文件只在内存中核验，不会保存。",
        "submit": "核验文件",
        "other_language": "English",
        "missing": "请选择一个文件。",
        "outage": "现在无法核验，请稍后再试。这不说明文件的真伪。",
        "verdict": "结论",
        "number": "发票号码",
        "block": "截至区块",
        "time": "区块时间（北京时间）",
        "page": "页面",
        "differences": "页面与证据的差异",
        "steps": "核验步骤",
        "step": "步骤",
        "result": "结果",
        "reason": "说明",
        "today": "查看该发票的当前状态",
        "offline": "以上由本网站核验。要不依赖本网站，请用从税务局取得的信任文件在自己的电脑上核验：",
        "back": "返回发票查验",
    },
    "en": {
        "title": "Check a file",
        "choose": "PDF of an invoice, evidence file, or statement",
        "intro": "Upload the PDF of an invoice with its evidence inside, an evidence file, or a statement that a "
        "number was never issued or an invoice not settled. It is checked in memory and not kept.",
        "submit": "Check the file",
        "other_language": "中文",
        "missing": "Choose a file.",
        "outage": "The check cannot be made now; try again later. This says nothing about the file.",
        "verdict": "Verdict",
        "number": "Invoice number",
        "block": "As of block",
        "time": "Time of the block (Beijing)",
        "page": "Page",
        "differences": "Where the page differs from the evidence",
        "steps": "Steps of the check",
        "step": "Step",
        "result": "Result",
        "reason": "Explanation",
        "today": "See the invoice's present state",
        "offline": "This website made the check. To do without trusting it, check on your own computer, with a trust "
        "file from the authority:",
        "back": "Back to the check of an invoice",
    },
}
