"""Problems of a request that are not the document's own: each code in English and Chinese."""

from __future__ import annotations

from ledger.domain.errors import FieldProblem
from ledger.service.errors import InvalidRequest

SERVICE_PROBLEMS: dict[str, tuple[str, str]] = {
    "number_in_use": (
        "the number {number} is waiting or recorded; take another",
        "号码 {number} 已在使用，请换一个号码",
    ),
    "number_not_reserved": (
        "{number} is not one of your free numbers; reserve numbers first or leave it out",
        "{number} 不是您可用的号码，请先领用号码或留空",
    ),
    "number_unknown": ("no invoice {number} that you may see", "没有您可查看的发票 {number}"),
    "number_twice": ("{number} is named twice; name each invoice once", "{number} 重复，每张发票只列一次"),
    "seller_differs": (
        "the seller's tax id is {given}, but you issue for {expected}; leave it out or correct it",
        "销售方税号为 {given}，而您为 {expected} 开票，请留空或更正",
    ),
    "subject_missing": (
        "name the enterprise you act for: one of {choices}",
        "请指明您代表的企业，可选 {choices}",
    ),
    "party_unknown": ("no party {party}", "没有参与方 {party}"),
    "party_kind": ("party {party} is {given}, not {expected}", "参与方 {party} 为 {given}，应为 {expected}"),
    "first_holder_personal": (
        "a personal buyer cannot hold an invoice here; name an enrolled person or the seller",
        "个人购买方不能直接持有，请指定已登记的人员或销售方",
    ),
    "count_range": ("give {low} to {high}, not {given}", "应为 {low} 至 {high}，不能是 {given}"),
    "month_form": ("write the month as YYYY-MM", "月份格式为 YYYY-MM"),
    "month_range": ("the ledger writes months from 2000-02 to 2341-04", "可用月份为 2000-02 至 2341-04"),
    "claim_lines_none": ("no invoice of this claim is locked any more", "该报销单已没有处于锁定状态的发票"),
    "claim_line_foreign": ("{number} is not a locked invoice of this claim", "{number} 不是该报销单中锁定的发票"),
    "tax_id_form": ("not a valid tax id: {reason}", "税号无效：{reason_zh}"),
    "identity_enrolled": ("{identity} is enrolled already as party {party}", "{identity} 已登记为参与方 {party}"),
    "identity_waiting": (
        "{identity} is being enrolled by another request; wait for its outcome",
        "{identity} 正由另一请求登记，请等待其结果",
    ),
    "grant_unknown": (
        "{given} is no grant; choose issue, finance or claim",
        "没有授权 {given}，可选 issue、finance、claim",
    ),
    "revocation_reason_unknown": (
        "{given} is no reason to revoke a certificate; choose one of {choices}",
        "没有吊销原因 {given}，可选 {choices}",
    ),
    "certificate_unknown": (
        "party {party} has no such certificate; ask for its certificates",
        "参与方 {party} 没有该证书，请先查询其证书",
    ),
    "certificate_root": (
        "the authority's root is not revoked on chain: readers trust it by their trust file, so hand out another",
        "根证书不在链上吊销：读者依信任文件信任它，请另行发布信任文件",
    ),
    "tax_id_district": (
        "you enrol enterprises of district {district}; ask the officer of the other one",
        "您只能登记辖区 {district} 内的企业，请联系对应辖区的税务人员",
    ),
    "district_form": (
        "a district is 2, 4 or 6 digits of GB/T 2260, for example 4403; leave it empty for the whole ledger",
        "辖区为 2、4 或 6 位行政区划代码，例如 4403；留空表示全部",
    ),
    "area_form": ("an area is 4 digits, for example 4403", "地区为 4 位数字，例如 4403"),
    "says_unknown": (
        "{given} is no statement; choose not_issued or not_settled",
        "没有声明 {given}，可选 not_issued、not_settled",
    ),
    "erase_people_only": (
        "party {party} is no person; this is of what is kept about people",
        "参与方 {party} 不是个人，此操作仅针对个人信息",
    ),
    "person_has_none": (
        "a person has none; leave it out, or enrol an enterprise",
        "个人没有此项，请留空该字段，或登记企业",
    ),
    "kind_unknown": ("choose enterprise or person", "请选择 enterprise 或 person"),
    "red_reason_unknown": (
        "{given} is no reason; choose issued_in_error, return, service_ended or allowance",
        "没有红冲原因 {given}，可选 issued_in_error、return、service_ended、allowance",
    ),
    "reason_missing": ("say why; a second officer decides on it", "请填写理由，供另一名税务人员审核"),
    "red_reason_missing": (
        "no slip stands that would say it; choose issued_in_error, return, service_ended or allowance",
        "没有有效的红字确认单，请填写红冲原因：issued_in_error、return、service_ended 或 allowance",
    ),
    "red_parts_or_document": ("give parts or a document, not both", "parts 与 document 只能填写一个"),
    "red_document_form": ("give a red document as an object", "请以对象形式填写红字发票"),
    "red_differs_from_slip": (
        "the slip that stands says otherwise; leave it out, or end the slip and open another",
        "与有效的红字确认单不一致，请留空，或撤销后重新发起",
    ),
    "month_moving": (
        "invoices of the month keep being recorded while its report is made; send it again when issuing pauses",
        "生成申报表期间该月发票仍在变动，请在开票间歇重试",
    ),
    "reason_unknown": ("{given} is no reason of docs/OPERATIONS.md", "没有拒绝原因 {given}，见 docs/OPERATIONS.md"),
    "hash_form": ("write 64 lower-case hex digits", "请写 64 位小写十六进制数字"),
    "revision_unknown": ("the month has {count} filings, counted from 0", "该月共有 {count} 次申报，从 0 起计"),
    "unread_unexpected": (
        "every document of the month can be read; leave it out",
        "该月所有发票均可读取，请勿填写",
    ),
    "unread_differs": (
        "{count} documents are erased or kept elsewhere, first that of {number}: give net {net} and tax {tax} by rate",
        "{count} 张发票内容已删除或不在本系统，首张 {number}：请按税率填写其金额 {net} 与税额 {tax}",
    ),
    "cursor_form": ("not a cursor of this list; leave it out to start again", "游标无效，请留空重新开始"),
    "state_unknown": (
        "{given} is no state; choose free, locked, settled or cancelled",
        "没有状态 {given}，可选 free、locked、settled、cancelled",
    ),
    "external_id_issued": (
        "this external id names the invoice {number} already; it would be issued twice",
        "该外部单号已开具发票 {number}，可能重复开票",
    ),
    "external_id_taken": (
        "this external id stands for the {kind} {target} already; ask for that one, or send another id",
        "该外部单号已用于{kind_zh} {target}，请查询该记录或更换单号",
    ),
    "external_id_empty": ("write an id, or leave it out", "请填写外部单号或留空不填该字段"),
    "external_id_twice": ("row {row} has this external id", "第 {row} 行已使用该外部单号"),
    "external_ids_count": (
        "give one external id or null for each of the {high} documents, not {given}",
        "请为 {high} 张发票逐一填写外部单号或 null，不能是 {given} 个",
    ),
    "approvers_missing": (
        "name at least one approver, or say that no approval is required",
        "请指定至少一名审批人，或设为无需审批",
    ),
    "approver_twice": ("party {party} is named twice", "参与方 {party} 重复"),
    "decision_unknown": (
        "{given} is no decision; choose approved or rejected",
        "没有决定 {given}，可选 approved、rejected",
    ),
    "claims_filter": (
        "ask by to_decide or by payment_reference, not both",
        "to_decide 与 payment_reference 只能使用一个",
    ),
    "bulk_same_file": (
        "the same file was signed before, in sheet {job}; look there, or send again as true if it is meant twice",
        "同一文件已在批次 {job} 中签名开票，请先核对；确需再次开具请将 again 设为 true",
    ),
    "bulk_nothing_ready": (
        "no row of the sheet can be signed; correct the sheet and upload it anew",
        "没有可签名的行，请更正后重新上传",
    ),
    "bulk_running": ("the sheet is being signed; wait for its end", "该批次正在签名，请等待完成"),
    "bulk_cancelled": ("the sheet was given up; upload it anew", "该批次已取消，请重新上传"),
    "bulk_too_many": (
        "{given} invoices, at most {high} go into one sheet; split it",
        "共 {given} 张发票，一次最多 {high} 张，请拆分",
    ),
    "row_state_unknown": (
        "{given} is no state of a row; choose invalid, ready or signed",
        "没有行状态 {given}，可选 invalid、ready、signed",
    ),
    "outside_number_part": (
        "the source holds only part of the number; type code and number, or send the file itself",
        "来源中发票号码不完整，请补录发票代码和号码，或上传发票文件",
    ),
    "outside_source": ("give one of file, qr and typed", "file、qr、typed 须且只能填写一个"),
    "base64_form": ("is no base64 (RFC 4648)", "不是 base64（RFC 4648）"),
    "day_unknown": ("no such day; write an existing day as YYYY-MM-DD", "没有这一天，请按 YYYY-MM-DD 填写"),
    "outside_red": (
        "a red invoice is not claimed; claim the blue one it credits, as far as anything is left of it",
        "红字发票不能报销，请报销其对应的蓝字发票（如有余额）",
    ),
    "outside_date_missing": ("the source has no issue date; type it", "来源中没有开票日期，请补录"),
    "outside_date_range": (
        "{given} is no day on which this can have been issued, {low} to {high}; check the invoice",
        "{given} 不可能是开票日期（{low} 至 {high}），请核对票面",
    ),
    "outside_gross_missing": (
        "the source does not hold the gross amount; type it from the invoice",
        "来源中没有价税合计，请按票面补录",
    ),
    "outside_contradicts": (
        "was typed as {given}, but the source says {read}; leave it out or check the invoice",
        "录入为 {given}，而来源为 {read}，请留空或核对票面",
    ),
    "outside_sum": (
        "is {given}, net and tax make {expected}; check both",
        "为 {given}，金额与税额之和为 {expected}，请核对",
    ),
    "outside_title": (
        "the title is {given}, not {name}; claim it from the buyer it names, or ask the seller for a new invoice",
        "抬头为 {given}，不是 {name}，请向票面购买方报销，或请销售方重新开具",
    ),
    "outside_own_sale": (
        "{name} is the seller itself: an enterprise does not reimburse its own sale",
        "{name} 就是销售方，企业不能报销自己开具的发票",
    ),
    "outside_is_json": (
        "{number} was issued elsewhere: there is no file of ours but json; see its original",
        "{number} 非本系统开具，仅提供 json，请查看其原件",
    ),
    "list_too_long": (
        "more than {high} invoices match; ask for one month or one party",
        "符合条件的发票超过 {high} 张，请按月份或参与方缩小范围",
    ),
    "archive_too_large": (
        "its files add up to more than {limit} bytes; take them one by one",
        "文件合计超过 {limit} 字节，请逐个下载",
    ),
    "export_too_large": (
        "more is kept about {party} than {limit} bytes; ask the authority for a file of `einvoice party export`",
        "有关主体 {party} 的信息超过 {limit} 字节，请向税务机关申请其用 einvoice party export 导出的文件",
    ),
    "format_unknown": ("{given} is not offered; choose one of {choices}", "不支持 {given}，可选 {choices}"),
    "text_range": ("at most {high} characters, and no control characters", "最多 {high} 个字符，且不含控制字符"),
    "url_form": (
        "write an address of visible ASCII characters as https://host/path, without user, password or fragment",
        "请以 https://主机/路径 填写可见 ASCII 字符的地址，不含用户名、密码和片段",
    ),
    "url_not_https": ("events are sent by https only", "事件仅以 https 推送"),
    "url_private": (
        "events are not sent into private networks; name a host of the public internet",
        "不向内网地址推送事件，请填写公网主机",
    ),
    "webhooks_max": (
        "a party has at most {high} webhooks; end one first",
        "每个参与方最多 {high} 个推送地址，请先停用一个",
    ),
    "issuer_form": (
        "write it as the provider does, https://host/path on the public internet, without query, user or fragment",
        "请按登录服务给出的形式填写 issuer：https://主机/路径，公网地址，不含查询、用户名、密码和片段",
    ),
    "issuer_unusable": (
        "the provider could not be read ({reason}); write the issuer as its metadata has it, and let it answer here",
        "无法读取该登录服务（{reason}），请按其元数据填写 issuer，并确认本系统可访问",
    ),
    "client_form": ("1 to {high} visible ASCII characters", "1 至 {high} 个可见 ASCII 字符"),
    "providers_max": (
        "an enterprise has at most {high} sign-in providers; remove one first",
        "每个企业最多 {high} 个登录服务，请先移除一个",
    ),
    "not_of_company": (
        "{number} is neither held nor bought by the enterprise you signed in through; use your own password",
        "{number} 的持有方和购买方均不是您登录所用的企业，请用本人密码登录",
    ),
    "order_form": (
        "not an order of an open till of this ledger; scan the code again, or ask the till",
        "不是本系统有效收银台签发的订单，请重新扫码或联系商家",
    ),
    "order_expired": (
        "the order could be collected until {until}; ask the seller",
        "该订单的开票期限为 {until}，请联系商家",
    ),
    "order_far": (
        "the order may expire {high} days from now at most; correct the till's clock",
        "订单有效期最多 {high} 天，请校正收银台时间",
    ),
    "order_collected": (
        "an invoice was issued for this order under another title; ask the seller",
        "该订单已按其他抬头开具发票，请联系商家",
    ),
    "order_differs": (
        "this order id stands for another order; give each order an id of its own",
        "该订单号已用于内容不同的订单，每笔订单须使用各自的订单号",
    ),
    "till_key_form": (
        "write the till's Ed25519 public key as 64 lower-case hex digits",
        "请填写收银台 Ed25519 公钥，64 位小写十六进制数字",
    ),
    "till_key_known": ("this key is another till's; make a new key", "该公钥已属于其他收银台，请重新生成"),
    "tills_max": ("a seller has at most {high} tills", "每个销售方最多 {high} 个收银台"),
    "till_clerk": (
        "the clerk must be the enterprise or a person with its `issue` grant, whose key the server holds",
        "开票员须为本企业或具有 issue 权限且密钥由系统保管的人员",
    ),
    "order_or_payment": ("give an order or a payment, one of them", "请提供 order 或 payment 其中之一"),
    "order_lines": ("the order's lines cannot be issued: {reason}", "订单明细无法开票：{reason}"),
    "upload_late": (
        "issued off line over {hours} hours ago; issue it anew on line",
        "离线开具已超过 {hours} 小时，请联机重新开具",
    ),
    "upload_early": ("issued later than now; correct the till's clock", "开具时间晚于当前时间，请校正收银台时间"),
    "note_form": (
        "not a checkpoint of this ledger: {reason}",
        "不是本账本的检查点：{reason}",
    ),
    "note_size": ("a checkpoint sent here has at most {high} bytes", "提交的检查点最多 {high} 字节"),
    "note_signatures": (
        "at most {high} signature lines; send them in several notes",
        "最多 {high} 行签名，请分多次提交",
    ),
    "note_origin": (
        "the checkpoint is of another chain; this one's origin is {expected}",
        "该检查点属于其他链，本链的 origin 为 {expected}",
    ),
    "note_signature": (
        "the signature of {name} does not verify; send the witness's note as it is",
        "{name} 的签名无效，请原样提交见证方的检查点",
    ),
    "note_witness_unknown": (
        "no admitted witness signed it; ask the authority to admit the key",
        "没有已登记见证方的签名，请税务机关先登记其公钥",
    ),
    "note_differs": (
        "state root or block time are not those of the block it names",
        "状态根或区块时间与所指区块不符",
    ),
    "witness_key_form": (
        "not a witness's key: {reason}; give the line that einvoice witness init printed",
        "不是见证方公钥：{reason}，请填写 einvoice witness init 输出的一行",
    ),
    "witness_key_known": (
        "this key was admitted before, as {name}; have the witness make a new one",
        "该公钥曾以 {name} 登记，请见证方重新生成",
    ),
    "witness_name_known": (
        "a key called {name} is admitted; withdraw that first: a witness counts once",
        "名为 {name} 的公钥已登记，请先撤销：每个见证方只计一次",
    ),
    "office_unknown": (
        "{given} is no office; choose one of {choices}",
        "没有职务 {given}，可选 {choices}",
    ),
    "office_held": (
        "party {party} is {kind} already; end that office first, or leave it",
        "参与方 {party} 已担任该职务（{kind}），请先终止或保持不变",
    ),
    "offices_max": (
        "at most {high} offices stand at once; end one first",
        "同时在任的职务最多 {high} 个，请先终止一个",
    ),
    "witnesses_max": ("at most {high} witnesses are admitted at once", "最多同时登记 {high} 个见证方"),
    "witness_needed": (
        "{needed} witnesses are needed; lower that first with einvoice witnesses need",
        "策略要求 {needed} 个见证方，请先用 einvoice witnesses need 降低",
    ),
    "scope_unknown": (
        "no such scope; choose from read, issue, claim, finance, manage, supervise and all",
        "没有该权限范围，可选 read、issue、claim、finance、manage、supervise、all",
    ),
    "scope_wider": (
        "your own key lacks the scope {scope}, so it cannot give it",
        "您当前的密钥没有权限范围 {scope}，不能授予",
    ),
    "key_outlives": (
        "a key made with another ends with it at the latest, {until}",
        "以某密钥创建的密钥不得晚于该密钥到期：{until}",
    ),
    "api_keys_max": (
        "a party has at most {high} keys that work; end one first",
        "每个参与方最多 {high} 个有效密钥，请先停用一个",
    ),
    "party_twice": ("name each party once", "每个参与方只列一次"),
    "member_twice": ("this person stands in the list before; name each once", "名单前面已列出该人员，每人只列一次"),
    "member_invite": (
        "write yes or no, or leave the cell empty; a formula is not read",
        "请填写 是 或 否，或留空；不读取公式",
    ),
    "members_held": (
        "everybody listed has these grants; leave the list, or invite with POST /v1/invitations",
        "所列人员均已拥有这些权限，无需导入；如需邀请请使用 POST /v1/invitations",
    ),
    "member_not_invited": (
        "you may not invite who signs in already, works for another company too, or is you; leave invite out",
        "您不能邀请该人员：其已有登录方式、同时受其他企业任用，或为您本人，请去掉 invite",
    ),
    "member_invited_later": (
        "your enterprise keeps its key itself: import without invitations, sign, then invite with POST /v1/invitations",
        "企业自行保管密钥：请先不带邀请导入并签名，再通过 POST /v1/invitations 邀请",
    ),
    "password_short": ("a password has at least 12 characters; a sentence is good", "密码至少 12 个字符，可以用一句话"),
    "password_long": ("a password has at most 128 characters", "密码最多 128 个字符"),
    "password_personal": (
        "a password may not hold your name, sign-in name or tax id",
        "密码不得包含您的姓名、登录名或税号",
    ),
    "password_guessable": (
        "this is one of the first passwords a guesser tries: leaked, common, or a pattern; choose another",
        "该密码容易被猜中（已泄露、常见或有规律），请更换",
    ),
    "sign_in_name_form": (
        "a sign-in name is a mail address or 4 to 64 letters, digits and ._+-",
        "登录名为邮箱地址，或 4 至 64 位字母、数字及 ._+-",
    ),
    "sign_in_name_taken": ("choose another sign-in name", "请换一个登录名"),
    "register_cell": (
        "the cell cannot be read: a formula, an error or too long; paste its value",
        "单元格无法读取（公式、错误值或过长），请粘贴数值",
    ),
    "register_twice": ("row {row} has this tax id", "第 {row} 行已使用该税号"),
    "register_class_twice": (
        "a class has one quota; name each once",
        "每个额度等级只能填写一次",
    ),
    "register_class": (
        "{given} is no class of this run; choose one of {choices}",
        "没有额度等级 {given}，可选 {choices}",
    ),
    "request_decided": (
        "the request is {state} already; look at it again",
        "该申请已处理（{state}），请重新查看",
    ),
    "draft_size": (
        "{given} bytes wait for your signature at once, at most {high} may; send less in one request",
        "待签内容共 {given} 字节，一次最多 {high} 字节，请减少单次提交内容",
    ),
    "signature_form": (
        "no signature that counts: {reason}",
        "签名无效：{reason_zh}",
    ),
    "proof_time": (
        "signed at {given}; a proof of possession counts for 24 hours, sign a new one",
        "签名时间为 {given}，密钥持有证明 24 小时内有效，请重新签名",
    ),
    "proof_of_another": (
        "signed by {given}, not by {expected}: sign the typed data with exactly these fields, with the key you enrol",
        "签名密钥为 {given}，不是 {expected}：请用所登记的密钥对字段完全一致的 typed data 签名",
    ),
    "address_form": ("write the key's address as 0x and 40 hex digits", "请以 0x 加 40 位十六进制数字填写密钥地址"),
    "address_asked": (
        "a request under this key waits for its decision; read its status with the token you got",
        "使用该密钥的申请正在等待处理，请用已取得的令牌查询",
    ),
    "proof_used": (
        "this proof made request {request_id}, whose token was shown then; sign a new proof to ask again",
        "该证明已用于申请 {request_id}，令牌仅在当时显示；如需再次申请，请重新签名",
    ),
    "address_known": ("this key is another party's, or was; make a new one", "该密钥已属于其他参与方，请重新生成"),
    "signature_of_another": (
        "signed by {given}, not by your key {expected}: sign this draft's typed data (chain {chain}, {contract})",
        "签名密钥为 {given}，不是您的密钥 {expected}：请对本草稿的 typed data（链 {chain}，{contract}）原样签名",
    ),
    "time_form": (
        "write a time with its offset, as 2026-11-05T10:30:00+08:00",
        "请写带时区的时间，如 2026-11-05T10:30:00+08:00",
    ),
}


def service_problem(path: str, code: str, **values: object) -> FieldProblem:
    """The problem `code` at `path`, its texts filled with `values`."""
    english, chinese = SERVICE_PROBLEMS[code]
    return FieldProblem(path, code, english.format(**values), chinese.format(**values))


def invalid(path: str, code: str, **values: object) -> InvalidRequest:
    """An error of one problem, to raise."""
    return InvalidRequest((service_problem(path, code, **values),))
