"""What each option means, in Chinese, by its English."""

from __future__ import annotations

OPTIONS = {
    "Show this message and exit.": "显示本说明。",
    "Show the version and exit.": "显示版本。",
    "The ledger's database (SUBSIDY_LEDGER_DATABASE).": "账本的数据库（SUBSIDY_LEDGER_DATABASE）。",
    "Language of help, tables and explanations (SUBSIDY_LEDGER_LANGUAGE).": (
        "说明、表格和依据的语言（SUBSIDY_LEDGER_LANGUAGE）。"
    ),
    # --- what several commands share
    "The policy (SUBSIDY_LEDGER_POLICY); the ledger's only one need not be named.": (
        "政策（SUBSIDY_LEDGER_POLICY）；账本中只有一个的不必写。"
    ),
    "The year (SUBSIDY_LEDGER_YEAR); the only one with a budget need not be named.": (
        "年度（SUBSIDY_LEDGER_YEAR）；只有一个年度有预算的不必写。"
    ),
    "Who takes the step (your login name).": "由谁办理（默认为您的登录名）。",
    "The digest of the open matters that you know of.": "您已知悉的未了事项清单的摘要。",
    "Why the step is taken all the same.": "仍要办理的理由。",
    "What this step must acknowledge.": "该步骤须知悉的事项。",
    "What you know this step by; under the same one it is recorded once.": (
        "您给这一步的编号；同一编号只登记一次。"
    ),
    "Number of the document that it rests on.": "所依据文件的文号。",
    "SHA-256 of that document.": "该文件的 SHA-256 摘要。",
    "Day of that document.": "该文件的成文日期。",
    "Who issued that document.": "该文件的出具单位。",
    "Facts that had happened by then.": "截至当时已发生的事实。",
    "What the ledger knew then.": "账本在当时所知的。",
    "Rules in force by this date.": "截至该日已施行的规则。",
    "An edited policy file, as if it had been adopted.": "修改后的政策文件，如同已采用。",
    "Print JSON for programs.": "打印 JSON，供程序读取。",
    "Print rows as CSV.": "逐行打印为 CSV。",
    "At most so many.": "最多列出多少。",
    "Only those in this state.": "只列这一状态的。",
    "How many processes share the work.": "由几个进程分担。",
    "The signing key's file (SUBSIDY_LEDGER_SIGNING_KEY); made where there is none.": (
        "签署密钥的文件（SUBSIDY_LEDGER_SIGNING_KEY）；没有则新建。"
    ),
    "A public key that you trust.": "您信任的公钥。",
    "A bank's own form.": "银行自己的格式。",
    "List what somebody must look into, one by one.": "逐笔列出须核实的。",
    "A workbook to write it into.": "写入的工作簿（.xlsx）。",
    "The file to write.": "写入的文件。",
    "The folder to write into.": "写入的文件夹。",
    # --- starting
    "How many enterprises.": "企业数。",
    "The same number makes the same city.": "同一个数编出同一个城市。",
    "Only write the messages to a file.": "只把报文写入文件。",
    "Serve the ledger afterwards.": "之后提供服务。",
    "Address to listen on (SUBSIDY_LEDGER_HOST).": "监听的地址（SUBSIDY_LEDGER_HOST）。",
    "Port to listen on (SUBSIDY_LEDGER_PORT).": "监听的端口（SUBSIDY_LEDGER_PORT）。",
    # --- facts
    "How many messages are recorded together.": "一次写入多少条。",
    "Whose facts a spreadsheet holds.": "电子表格是哪个来源的数据。",
    "Which facts a spreadsheet holds.": "电子表格是哪类数据。",
    "Where the spreadsheet is written with what is wrong marked in its cells.": (
        "标出问题单元格的工作簿写到何处。"
    ),
    'A row that the preview leaves out and that is a report of its own; "retracted": all of those.': (
        "预览中略去而确应另计的行；retracted 为其中全部已撤回的。"
    ),
    "Record a spreadsheet without asking.": "不询问，直接入账。",
    "Write the template of every family.": "写出全部表格。",
    "Also what is settled already.": "包括已了结的。",
    "A field of its message and what it shall say, nothing after = for none; repeatable.": (
        "报文的字段和应有的内容，= 后留空为没有；可写多个。"
    ),
    "Only those that concern one enterprise.": "只列涉及一家企业的。",
    "Only those of one enterprise.": "只列一家企业的。",
    "A fact that counts; repeatable.": "计入的数据；可写多个。",
    "Decide only what has not changed since: its latest.": "看到的最后序号；此后有变则不决定。",
    "One event, by what its upstream calls it.": "一条数据，用报送单位的来源和编号。",
    # --- reading
    "Divide the figures.": "按什么分列。",
    "The whole name of a town or street.": "镇（街道）的全名。",
    "Go on after this credit code.": "从这个信用代码之后接着列。",
    "The whole budget in place of one enterprise.": "全部预算，不限一家企业。",
    "What it knew then; by default, now.": "另一时点所知；默认为现在。",
    "Another reading, e.g. dtc-units=pro-rata.": "另一种理解，如 dtc-units=pro-rata。",
    "A figure, e.g. store.tmall/amount=20000.00.": "另一金额，如 store.tmall/amount=20000.00。",
    "Another budget, e.g. 8000000.00.": "另一预算，如 8000000.00。",
    # --- the policy workshop
    "Whose rules; by default the file's.": "哪个政策；默认为文件所写的。",
    "Only rules in force by this date.": "只用截至该日已施行的规则。",
    "A report to read (.html).": "供阅读的报告（.html）。",
    # --- the desk
    "Less than was recommended.": "少于初审建议的金额。",
    "The measure's id.": "条款的编号。",
    "What is claimed for.": "申报的事项。",
    "The year of the award.": "奖励所属年度。",
    "What is asked for, in yuan.": "申报金额（元）。",
    "The file to write: .docx, .xlsx or .pdf.": "写入的文件：.docx、.xlsx 或 .pdf。",
    "A template of your own, .docx or .xlsx.": "自己的模板，.docx 或 .xlsx。",
    "Whose letter it is.": "决定书所属企业。",
    "Which batch of payments.": "哪个拨付批次。",
    "Accounts (CSV: code, name, account, bank) for payments.": (
        "收款账户（CSV：信用代码、户名、账号、银行）。"
    ),
    "The document's number.": "文号。",
    "The day of issue; today by default.": "成文日期；默认为今天。",
    "The issuing office; the policy's by default.": "发文单位；默认为政策所写的。",
    "Whom it is for.": "主送机关。",
    "Whom to ask.": "联系人。",
    # --- a year
    "The open year whose budget pays it.": "由哪个未办结年度的预算承担。",
    "The enterprise that it is about.": "异议所涉企业。",
    "The paying account's holder.": "付款户名。",
    "The paying account's number.": "付款账号。",
    "BIC or CNAPS number.": "BIC 或联行号。",
    "The day to pay on.": "付款日期。",
    "The award that late facts lowered; the amount may be left out then.": (
        "因迟到数据而减少的奖励的条款；写明条款的，金额可不写。"
    ),
    "What you know it by; a second one like it has its own.": "您给它的编号；另一笔须另编。",
    "The day on which it came in.": "到账日期。",
    "The bank's reference.": "银行流水号。",
    "A signed checkpoint, e.g. a cosigned one.": "签署的检查点，如经会签的。",
    "The file to write: .json, or .html to print.": "写入的文件：.json，或供打印的 .html。",
    # --- auditors
    "A checkpoint that you kept.": "您留存的检查点。",
    "Only one enterprise's part.": "只写一家企业的部分。",
    "A checkpoint of all events, e.g. cosigned.": "涵盖全部数据的检查点，如经会签的。",
    "The page to write (.html).": "写入的网页（.html）。",
    "The witness's name; it goes into its public key.": "见证方名称，写入其公钥。",
    "The witness's key; made where there is none.": "见证方的密钥；没有则新建。",
    "Write the cosigned checkpoint here; by default, print it.": "会签后的检查点写到何处；默认为打印。",
    "Also keep the cosignature in the ledger.": "会签同时存入账本。",
    "Begin with a log that this witness never cosigned.": "开始会签一个从未会签过的账本。",
    "What was published about keys.": "关于密钥公布的声明。",
    "A file of keys, as log-keys prints them.": "公钥文件，如 log-keys 所打印。",
    "The proof that the log continues (prove-consistency).": "日志延续的证明（prove-consistency）。",
    "A year's bundle to take that proof from.": "由此年度审计包取得证明。",
    "A service of the ledger to ask for that proof.": "向账本的此服务取得证明。",
    "The address to listen on.": "监听的地址。",
    "In the log of this size; by default, all of it.": "在多少条的日志中；默认为全部。",
    "Keep the replayed read models in this new file.": "重放出的读模型存入这个新文件。",
    "Put the replayed read models in place of the live ones.": "用重放出的读模型替换现用的。",
    "For a checkpoint of this many events.": "用于这么多条的检查点。",
    "Print what was published about keys and restores.": "打印关于密钥和恢复的声明。",
    # --- running the ledger
    "Also hash every event again, and replay everything.": "还要重算散列、重放全部。",
    "Also write the findings here for Prometheus.": "结果另写入此文件，供 Prometheus 读取。",
    "Checkpoints given out: a file, folder or URL.": "送出的检查点：文件、文件夹或网址。",
    "Checkpoints that it must fit.": "必须与之相符的检查点。",
    "An empty PostgreSQL database, to restore a dump into.": "用来恢复转储的空 PostgreSQL 库。",
    "The public key of the lost one.": "遗失密钥的公钥。",
    "Why the clock stood ahead; it goes into the log.": "时钟为何超前；记入日志。",
    "Why, and what is known to be lost; it goes into the log.": "原因，以及已知丢失了什么；记入日志。",
    "A checkpoint given out that the ledger lacks.": "送出过而账本中没有的检查点。",
    "Send these corrected messages, a line each.": "发送这些更正过的报文，每行一条。",
    "The source of its events, e.g. urn:cixi:statistics.": "它的来源，如 urn:cixi:statistics。",
    "A type that it may publish; several, or all if none.": "可报送的类型，可写多个；不写为全部。",
    "The system's own public key (Ed25519, PEM), for messages that it signs; prints the key's number.": (
        "系统自己的公钥（Ed25519，PEM），用于它签名的报文；打印密钥的编号。"
    ),
    "End this session; repeatable.": "结束这个登录；可写多个。",
    "End every session of a person.": "结束一人的全部登录。",
}
