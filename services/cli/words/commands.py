"""What each command does, in Chinese; the first paragraph is its line in a list of commands.

Keys are the names of commands with those of their groups before them. The English is each command's
docstring; tests hold the two to the same set.
"""

from __future__ import annotations

TOP = "补贴账本：把企业的经营事实记入只增不改的账本，按政策算出应奖励、应兑现的每一分，并说明依据。"

COMMANDS = {
    "adjust": "把迟到数据引起的差额 AMOUNT 元，计入另一未办结年度的预算。",
    "adjustments": "列出迟到数据会给已办结年度的奖励带来的差额（待调整事项）。",
    "overpayments": (
        "列出已办结年度多付的奖励：多付、已下达追回、已收回、尚未收回。\n\n"
        "奖励因后到数据减少的，追回的是其中已拨付的部分，不是应奖励的全额；已了结的也列出。"
    ),
    "adopt": "采用一个政策文件，或它的新版本。",
    "amend": "更正、撤回来源报送的数据：一人提出，复核人员确认。",
    "amend correct": "更正 SOURCE 以编号 ID 报送的数据中的字段，写明理由 REASON。",
    "amend retract": "撤回 SOURCE 以编号 ID 报送的数据，写明理由 REASON。",
    "asyncapi": "打印 Kafka 收发数据的 AsyncAPI 3.0 文档。",
    "audit": "重算每条数据的散列，重放各项余额并比对；有不符即以状态 1 结束。",
    "backup": (
        "把账本复制到文件 DEST，旁附签名的检查点；期间可照常写入。\n\n"
        "SQLite 用在线备份；PostgreSQL 用 pg_dump，取自签署的那一刻。"
        "备份须加密保存：内有日志的秘密和姓名的密钥。"
    ),
    "balance": "一家企业的年度余额。",
    "budget": "年度预算：各条款分得多少，兑现系数是多少。",
    "bundle": "写出审计包：一个年度，或其中一家企业的部分。",
    "check": "检查政策文件，不需要账本；每处错误写明所在行。",
    "check-page": "写出核验凭据和名单的网页，任何人可离线使用；内附本账本的公钥。",
    "checkpoint": "为至今记入的全部数据签署检查点并打印。",
    "claim": "申报：提交、初审、复审、不予通过、撤回、复核。",
    "claim appeal": "对未通过的申报申请复核，由其他人员办理。",
    "claim approve": "复审：同意初审建议的金额。",
    "claim list": "列出各项申报现在的状态。",
    "claim propose": "按已有数据提出应得的申报（免申即享）。",
    "claim reject": "不予通过，写明理由。",
    "claim review": "初审：建议金额 AMOUNT 元。",
    "claim submit": "为企业 CODE 提交申报，编号为 CLAIM。",
    "claim withdraw": "替企业撤回尚未决定的申报。",
    "clawback": (
        "向企业 CODE 追回 AMOUNT 元。\n\n"
        "后到数据使某项奖励减少的，用 --measure 写明条款；金额可不写，即多付的金额（见 overpayments）。"
        "有多付而未下达追回的，不写条款的追回不予登记。"
    ),
    "consume": "从 Kafka 接收数据，直到停止（SIGTERM）。",
    "correct-clock": (
        "让入账时间回到现在。\n\n"
        "用于时钟曾经超前、此后入账时间都记在将来的账本。先把所有写入账本的机器的时钟校准；"
        "TODAY 是今天的日期，如 2026-12-01。已超前的入账时间照旧不改，此后按现在的时间记。"
        "没有超前的予以拒绝。"
    ),
    "cosign": "核验检查点，并以见证方的身份会签。",
    "witness": "作为见证服务运行（C2SP tlog-witness）。",
    "diff": "比较账本在两个时点所知的结果：有何变动，由哪些数据引起。",
    "disagreements": "列出不一致的数据，决定以哪些为准。",
    "disagreements decide": "决定不一致 DISAGREEMENT，写明理由 REASON：指明的数据计入，其余不计。",
    "disagreements list": "列出不一致的数据，默认只列待决定的。",
    "disagreements look-back": "把升级前、规则施行前记入的数据与其他数据相比（回查）。",
    "disagreements show": "一处不一致 DISAGREEMENT 及其数据。",
    "doctor": (
        "检查一切可能出错之处；结束状态：0 正常、1 有警告、2 有错误。\n\n"
        "设置、数据库、Kafka、时钟、密钥、读模型、日志、待办事项、已办结年度；不作任何更改。"
    ),
    "documents": "写出公文：公示名单、拨付表、兑现决定书、年度报告。",
    "documents templates": (
        "把公文模板写入文件夹，可用 Word、Excel 修改；已有的文件不覆盖。\n\n"
        "在 SUBSIDY_LEDGER_TEMPLATES 中写明该文件夹，公文即按其中的模板生成。"
    ),
    "documents write": "写出公文 DOCUMENT：list 名单、payments 拨付表、letter 决定书、report 报告。",
    "enterprises": "列出企业，或名称中有 TEXT、信用代码以 TEXT 开头的企业。",
    "erase-person": "永久删除申报中的姓名；数据和证明都不变。",
    "explain": "说明企业一年的每一分钱的依据。",
    "export": (
        "写出一个年度所在预算期间的账册。\n\n"
        "FORMAT：hledger（ledger 也可读）、beancount、xlsx（分配为活公式）、parquet（奖励写入 FILE，"
        "数据写入 FILE-events）、360giving（JSON）。全部写完才替换同名文件。"
    ),
    "history": "一家企业的历史：每条数据、它引起的变动、变动后的余额。\n\n加 --json 每行一个 JSON 对象。",
    "ingest": (
        "读入 FILE：每行一条 CloudEvents 报文（- 为标准输入），或一个电子表格。\n\n"
        "可以重复：已入账的不再变动。退回的留存在账本中，用 subsidy-ledger refused 列出，结束状态为 4。"
        "电子表格（.xlsx、.csv）先预览，同意后才入账；空白表格用 subsidy-ledger sheet template 写出。"
    ),
    "keys": "报送系统的密钥：每个密钥只能报送一个来源的数据。",
    "keys add": "为系统 NAME 发放密钥；只显示这一次。",
    "keys list": "列出密钥，不含密钥本身。",
    "keys revoke": "立即停用编号为 KEY 的密钥。",
    "log-keys": (
        "打印核验检查点所用的公钥：先是现用的，后是已更换的。\n\n"
        "已更换的，后面写明止于何处：@条数:根散列。只算到那里；更早的检查点，还须 --proving 给出的证明。"
    ),
    "log-rows": (
        "把查阅记录、退回的数据、重建证书中尚未记入日志的，以摘要记入。\n\n"
        "运行中的服务按期自动记入。记入之后，改动、删除都会被发现。"
    ),
    "looks": "列出最近对企业数据的查阅：何人、何时、从何处、看了什么。",
    "migrate": "建立或升级数据表；先停止各服务，可以重复运行。",
    "outlook": "企业当年还能争取哪些奖励。",
    "pay": "拨付已办结的年度：下达、写出银行文件、读入银行回执。",
    "pay file": (
        "为批次 BATCH 写出银行文件：.csv、.xml（ISO 20022 pain.001），或各银行自己的格式。\n\n"
        "收款账户从 CSV 文件读入（信用代码、户名、账号、银行）；账本不保存。"
        "存疑而属实的，在文件的“核对说明”列写明理由。"
    ),
    "pay order": "把全部待拨付的下达为一个批次。",
    "pay results": (
        "读入银行回执文件 FILE（CSV 或 pain.002）；全部登记，或全不登记。\n\n"
        "银行尚无最终结果的、早于银行最后一次结果的略过，并说明有几笔。"
    ),
    "pay statement": (
        "登记银行对账单 FILES，及其所证实的付款和退回。\n\n"
        "对账单为 camt.053、camt.054 或 CSV，先后不限。"
        "与已登记相矛盾的不登记，逐条说明原因，用 settle reconcile 查看。"
    ),
    "policies": "列出已采用的政策。",
    "policy": "编写政策：检查文件、运行样例、比较版本、用真实数据试算。",
    "policy check": "检查政策文件，不需要账本；每处错误写明所在行。",
    "policy diff": "用文字比较政策文件的两个版本；行的先后不算不同。",
    "policy reform": (
        "试算改用其他规则，历年各会怎样：按年度、条款、镇街、规模。\n\n"
        "其他规则：修改后的政策文件 FILE，或截至某日施行的规则，或两者。"
    ),
    "policy schema": "打印政策文件的 JSON Schema，供编辑器补全和检查 YAML。",
    "policy test": (
        "在政策文件下运行样例（文件，或文件夹）；不符的每个数都写明。\n\n"
        "其他政策的样例略过。有样例不符，以状态 1 结束。"
    ),
    "policy try": "用已入账一年的数据试算政策文件，如同已采用；什么也不写入。",
    "prove": "证明某一序号的数据在日志之中。",
    "prove-consistency": "证明 FIRST 条的日志是 SECOND 条的日志的开头。",
    "publish": "发布余额、账目的变动和办结、检查点，直到停止（SIGTERM）。",
    "rebuild": (
        "在现用的读模型旁另建一份，相等才换用。\n\n期间服务照常。没有换用，以状态 1 结束；结果的证书都保存。"
    ),
    "receipt": "写出企业 CODE 已办结年度的兑现凭据。",
    "recovered": "登记企业 CODE 退还的 AMOUNT 元（追回到账）。",
    "refused": "列出退回的数据和原因，新的在前。",
    "replace-lost-key": (
        "签署密钥遗失后另立新密钥；声明只由新密钥签署。\n\n"
        "声明须以公函等其他途径公布：除来处外，没有什么能向读者证明新密钥属于本单位。"
    ),
    "replay": "从头重放，算出每个余额，与现用的相比。",
    "replay-dead-letters": (
        "把退回的数据重新送入 Kafka 的接收主题：更正过的，或现在已合格的。\n\n"
        "没有 --corrected，则按现行规则已合格的退回数据都照原样再送（例如采用政策之后）；入账的由账本了结。"
    ),
    "restored": (
        "登记账本是由以前的副本恢复的，此后密钥方可再签。\n\n"
        "日志写明密钥签到何处、由谁恢复；请公布声明，让报送单位重发此后的数据，并与银行核对此后的拨付。"
    ),
    "rotate-key": (
        "更换签署密钥；新旧密钥都签署最后的检查点和一份声明。\n\n"
        "声明写明旧密钥止于多少条、什么根散列：此后它签的一概不作数。请在审计人员看得到的地方公布。"
        "serve 和 publish 随即使用新密钥。中断之后可以再次运行。"
    ),
    "sample": "编造一个样例城市的年度并入账，显示预算、兑现系数和金额最大的企业。",
    "serve": "提供接口和网页。",
    "sessions": "列出网页的登录，结束登录。",
    "set-budget": (
        "把期间 PERIOD（年度，或 life）的预算设为 AMOUNT，以政策的货币计。\n\n"
        "有几个预算的，逐个设定：期间和预算的编号，如 2026.east。"
    ),
    "settle": "年度兑现：拟定、公示、处理异议、办结。",
    "settle close": "办结公示的名单：每笔应兑现从此不变，全部或全不。",
    "settle list": (
        "写出公示名单，按政策遮盖：.xlsx、.csv 或 .ndjson。\n\n"
        ".ndjson 是签名的名单数据，任何人可据以算出每笔应兑现。"
    ),
    "settle object": "对公示的名单提出异议。",
    "settle open": "列出该年度及以前年度的未了事项，以及何人在何步骤知悉。",
    "settle propose": "按现在所知的全部数据精确分配，拟定名单。",
    "settle publish": "公示拟定的名单，从今天起。",
    "settle reconcile": (
        "把年度拨付与银行对账单 FILES 逐笔核对，精确到分。\n\n"
        "对账单为 camt.053、camt.054 或 CSV，先后和重复不影响结果；不登记任何内容。"
    ),
    "settle resolve": "处理异议 OBJECTION：upheld 成立，须重新拟定；dismissed 不成立。",
    "settle status": "年度兑现办到哪一步。",
    "settle summary": "写出报财政部门的汇总（.xlsx）。",
    "sheet": "电子表格：空白表格。",
    "sheet template": "把表格 FAMILY 的空白工作簿写入文件夹。",
    "targets": "政策目标的进度：总计、按月、按镇街、按牵头单位。",
    "things": "列出可能是同一事项的不同写法，并决定。",
    "things codes": "列出校验位为 GB 32100 以前写法的企业，供人工核对。",
    "things decide": "决定 MERGE 的数据是同一事项（same）还是不同事项（different），写明理由 REASON。",
    "things merges": "列出升级前以不同写法记入的数据，及合并后的变动。",
    "trace": "由一个关联编号或一条数据，查到奖励、名单和拨付。",
    "verify-backup": (
        "在别处打开备份 FILE，重算散列、重放全部；有不符即以状态 1 结束。\n\n"
        "与旁附的和给出的检查点相比；FILE 只读。"
    ),
    "waiting": "须两人办理的事项：列出、查看、确认、撤回。",
    "waiting confirm": "确认他人提出的事项 WAITING；重新判断后即办理。",
    "waiting list": "列出待第二人确认的事项。",
    "waiting show": "事项 WAITING 会办什么。",
    "waiting withdraw": "撤回提出的事项 WAITING：由提出人或运行人员。",
    "what-if": "改动规则、理解、金额或预算，看谁增谁减；什么也不写入。",
}
