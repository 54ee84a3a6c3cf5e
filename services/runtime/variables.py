"""Every variable of the environment: its default, and what it is for (``docs/settings.md``)."""

from __future__ import annotations

from typing import NamedTuple

from domain.faults.fault import Fault, FaultValue
from domain.faults.registry import SETTING_AREAS
from services.runtime.identity_settings import RETURN

PREFIX = "SUBSIDY_LEDGER_"


class Variable(NamedTuple):
    """One variable of the environment: its default, and what it is for."""

    name: str
    default: str
    zh: str
    en: str


class SettingsError(ValueError):
    """A setting that cannot be used: which, the rule it breaks, and how to mend it."""

    def __init__(self, variable: str, code: str, **args: FaultValue) -> None:
        self.variable, self.fault = variable, Fault(code, variable, args)
        super().__init__(self.describe("en"))

    def words(self, language: str) -> dict[str, str]:
        """The rule and the mend in ``zh`` or ``en``."""
        return self.fault.words(language, SETTING_AREAS)

    def describe(self, language: str) -> str:
        """The variable, its rule and the mend as one sentence."""
        words, sign = self.words(language), ": " if language == "en" else "："
        return f"{self.variable}{sign}{words['rule']} — {words['mend']}"


VARIABLES = (
    Variable(
        f"{PREFIX}LANGUAGE",
        "zh",
        "命令行的语言：zh 或 en（同 --language）",
        "the language of the command line: zh or en (as --language)",
    ),
    Variable(
        f"{PREFIX}POLICY",
        "",
        "命令行的政策（同 --policy）；不填则为账本中唯一的政策，有几个时须写明",
        "the policy of the command line (as --policy); unset, the ledger's only one; of several it is named",
    ),
    Variable(
        f"{PREFIX}YEAR",
        "",
        "命令行的年度（同 --year）；不填则为唯一有奖励或预算的年度，有几个时须写明",
        "the year of the command line (as --year); unset, the only one with awards or a budget; of several "
        "it is named",
    ),
    Variable(
        f"{PREFIX}DATABASE",
        "./subsidy-ledger.db",
        "账本的数据库：SQLite文件的路径，或 postgresql://用户:密码@主机:端口/库名",
        "the ledger's database: the path of a SQLite file, or postgresql://user:password@host:port/name",
    ),
    Variable(
        f"{PREFIX}SIGNING_KEY",
        "",
        "签署检查点的密钥文件；不填则为数据库文件名加 .key（PostgreSQL为 ./subsidy-ledger.key）",
        "the file of the key that signs checkpoints; unset, the database's file with .key added "
        "(./subsidy-ledger.key for PostgreSQL)",
    ),
    Variable(
        f"{PREFIX}CHECKPOINTS_TO",
        "",
        "检查点自动送往何处，空格分隔：以 / 结尾的文件夹（逐个保存）、文件（只存最新）、https 地址"
        "（PUT；post+https:// 用 POST）",
        "where checkpoints leave to on their own, separated by blanks: a folder that ends in / (keeps each), "
        "a file (the latest), an https address (PUT; post+https:// for POST)",
    ),
    Variable(
        f"{PREFIX}CHECKPOINTS_EVERY",
        "3600",
        "每隔多少秒送出一次，5至604800；年度办结后随即送出；查阅记录等的摘要也按此记入日志",
        "every how many seconds they leave, from 5 to 604800, after a closing at once; "
        "and rows are stated by digest",
    ),
    Variable(
        f"{PREFIX}WITNESSES",
        "",
        "见证方名单文件，每行：地址 公钥（C2SP tlog-witness）；会签核验后随检查点保存",
        "the file of witnesses, on each line: address, public key (C2SP tlog-witness); cosignatures are "
        "verified and kept with the checkpoint",
    ),
    Variable(
        f"{PREFIX}SHEETS",
        "",
        "上传的表格在确认前存放的文件夹，保留一天，各服务进程共用；不填则为数据库文件名加 .sheets",
        "the folder where spreadsheets wait to be confirmed, for a day, shared by the serving processes; "
        "unset, the database's file with .sheets added",
    ),
    Variable(
        f"{PREFIX}TEMPLATES",
        "",
        "公文模板所在的文件夹（由 documents templates 写出后自行修改）；不填则用自带模板",
        "the folder of the office's own document templates (written by documents templates, then edited); "
        "unset, those that come with the ledger",
    ),
    Variable(f"{PREFIX}HOST", "127.0.0.1", "服务监听的地址", "the address that the service listens on"),
    Variable(
        f"{PREFIX}HOSTS",
        "",
        "本服务的域名或地址，逗号分隔，不写端口；以其他名称（Host）来的请求一律拒绝。本机名称和登录后返回地址的主机总是可用；"
        "不核验身份时只用本机名称",
        "the names or addresses by which the service is asked, comma-separated, without port; a request by "
        "another (Host) is refused. Those of this machine, and the host that the issuer sends people back "
        "to, always hold; without identities, this machine's alone",
    ),
    Variable(
        f"{PREFIX}PUBLIC_ADDRESS",
        "",
        "工作人员在浏览器中访问本服务所用的地址：https://主机，端口不是443时写明端口；经反向代理对外服务时须设。"
        "网页表单的来源、Cookie 的 Secure、登录后返回的地址都以它为准，其主机名也是本服务的名称",
        "the address by which people reach the service in a browser: https://host, with its port unless that "
        "is 443; needed behind a proxy. The origin of the console's forms, the Secure of cookies and the "
        "address that people are sent back to follow it, and its host is a name of the service",
    ),
    Variable(
        f"{PREFIX}TRUSTED_PROXIES",
        "",
        "反向代理的地址或网段，逗号分隔，如 127.0.0.1,10.0.0.0/24；只采信由这些地址转来的 X-Forwarded-For 和 "
        "X-Forwarded-Proto，查阅记录、日志和限额即按访问者的真实地址；不设则都不读",
        "addresses or networks of reverse proxies, comma-separated, as in 127.0.0.1,10.0.0.0/24; from these "
        "alone X-Forwarded-For and X-Forwarded-Proto are believed, so that looks, logs and limits go by the "
        "visitor's own address; unset, they are not read",
    ),
    Variable(f"{PREFIX}PORT", "8080", "服务监听的端口，1至65535", "its port, from 1 to 65535"),
    Variable(
        f"{PREFIX}HEALTH_PORT",
        "0",
        "运行状况（/health/live 和 /health/ready）专用的端口，监听同一地址；0为只用服务的端口，最大65535",
        "a port of its own for health (/health/live and /health/ready), on the same address; "
        "0, only the service's port; at most 65535",
    ),
    Variable(
        f"{PREFIX}STALL_SECONDS",
        "30",
        "请求体或答复多少秒没有进展即断开（此后平均每秒至少500字节），1至3600",
        "after how many seconds without progress a body or an answer is ended (from then on, at least 500 "
        "bytes a second on average), from 1 to 3600",
    ),
    Variable(
        f"{PREFIX}LOGS",
        "text",
        "日志格式：text 或 json（每行一个对象）",
        "the form of logs: text, or json (an object a line)",
    ),
    Variable(f"{PREFIX}WORKERS", "1", "服务进程数，1至64", "how many processes serve, from 1 to 64"),
    Variable(
        f"{PREFIX}KAFKA_BROKERS",
        "127.0.0.1:9092",
        "Kafka地址，逗号分隔",
        "Kafka's addresses, comma-separated",
    ),
    Variable(f"{PREFIX}KAFKA_TOPIC", "subsidy.events", "接收数据的主题", "the topic that facts come on"),
    Variable(
        f"{PREFIX}KAFKA_TOPICS",
        "",
        "各报送单位专用的主题，分号分隔：主题=来源 类型 类型；不写类型为全部类型。写入权限由Kafka的ACL限定",
        "topics of one publisher each, separated by semicolons: topic=source type type; without types, all. "
        "Kafka's ACLs hold who may write",
    ),
    Variable(
        f"{PREFIX}KAFKA_DEAD_LETTERS",
        "subsidy.dead-letters",
        "退回数据的主题",
        "the topic of what was refused",
    ),
    Variable(
        f"{PREFIX}KAFKA_PUBLISHED",
        "subsidy.balances",
        "发布余额、账户变动和年度办结的主题",
        "the topic that changes of balances and accounts, and closings of years, leave on",
    ),
    Variable(
        f"{PREFIX}KAFKA_CHECKPOINTS",
        "subsidy.checkpoints",
        "发布已签署检查点的主题",
        "the topic that signed checkpoints leave on",
    ),
    Variable(f"{PREFIX}KAFKA_GROUP", "subsidy-ledger", "消费者组", "the consumer group"),
    Variable(
        f"{PREFIX}KAFKA_SESSION_MS",
        "10000",
        "消费者失联多少毫秒后由其他消费者接手，3000至300000",
        "after how many milliseconds of silence others take over, from 3000 to 300000",
    ),
    Variable(
        f"{PREFIX}KAFKA_SECURITY",
        "PLAINTEXT",
        "与Kafka的连接：PLAINTEXT、SSL、SASL_PLAINTEXT 或 SASL_SSL",
        "the connection to Kafka: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
    ),
    Variable(
        f"{PREFIX}KAFKA_CA",
        "",
        "签发Kafka证书的CA文件（PEM）；不填则用本机信任的CA",
        "the file of the authority that signed Kafka's certificate (PEM); unset, those of this machine",
    ),
    Variable(
        f"{PREFIX}KAFKA_CERT",
        "",
        "本方证书文件（PEM），用于双向TLS",
        "the file of our own certificate (PEM), for mutual TLS",
    ),
    Variable(f"{PREFIX}KAFKA_KEY", "", "本方证书的私钥文件（PEM）", "the file of its private key (PEM)"),
    Variable(
        f"{PREFIX}KAFKA_SASL",
        "",
        "SASL方式：SCRAM-SHA-512、SCRAM-SHA-256 或 PLAIN（PLAIN 只与 SASL_SSL 同用）",
        "the SASL mechanism: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN (PLAIN with SASL_SSL only)",
    ),
    Variable(f"{PREFIX}KAFKA_USER", "", "SASL用户名", "the SASL user's name"),
    Variable(
        f"{PREFIX}KAFKA_PASSWORD_FILE",
        "",
        "存放SASL密码的文件，一行",
        "the file that holds the SASL password, on one line",
    ),
    Variable(
        f"{PREFIX}METRICS_PORT",
        "0",
        "consume 和 publish 的指标端口，0为不开，最大65535",
        "the port of the measurements of consume and publish; 0 opens none, at most 65535",
    ),
    Variable(
        f"{PREFIX}METRICS_HOST",
        "127.0.0.1",
        "该端口监听的地址（指标中没有企业和个人的数据）",
        "the address of that port (the measurements hold nothing of enterprises or persons)",
    ),
    Variable(
        f"{PREFIX}IDENTITY",
        "local",
        "local：能连到本机的即为管理员，只能监听本机地址；required：每次请求须出示令牌或密钥",
        "local: whoever reaches this machine is the administrator, and only loopback is served; "
        "required: every request needs a token or a key",
    ),
    Variable(
        f"{PREFIX}USERS",
        "",
        "命令行上操作系统用户的岗位，以分号分隔：用户名或编号=岗位 岗位"
        "（officer、reviewer、finance、auditor、operator）；未列入的用户不能使用命令行；"
        "不设则每个用户都有全部岗位。由管理员设定，例如写在 sudo 的规则中",
        "roles of the operating system's users on the command line, separated by semicolons: "
        "user name or number=role role (officer, reviewer, finance, auditor, operator); who is not named may "
        "not use it; unset, every user has every role. For the administrator to set, as in a rule of sudo",
    ),
    Variable(f"{PREFIX}OIDC_ISSUER", "", "令牌的签发者（iss）", "the issuer of tokens (iss)"),
    Variable(f"{PREFIX}OIDC_AUDIENCE", "subsidy-ledger", "令牌的受众（aud）", "their audience (aud)"),
    Variable(
        f"{PREFIX}OIDC_JWKS",
        "",
        "签发者公钥（JWKS）的 https 地址或文件",
        "where the issuer's keys (JWKS) are: an https address, or a file",
    ),
    Variable(f"{PREFIX}OIDC_ROLES", "roles", "令牌中角色的字段", "the claim that holds the roles"),
    Variable(
        f"{PREFIX}OIDC_NAME",
        "preferred_username",
        "令牌中姓名的字段",
        "the claim that holds the person's name",
    ),
    Variable(
        f"{PREFIX}OIDC_ENTERPRISE",
        "credit_code",
        "令牌中企业信用代码的字段",
        "the claim that holds an enterprise's credit code",
    ),
    Variable(
        f"{PREFIX}OIDC_SOURCE",
        "source",
        "令牌中报送人所代表来源的字段；只有报送角色的人只能报送该来源的数据",
        "the claim that holds the source that somebody sends facts for; "
        "who has no other role sends for no other",
    ),
    Variable(
        f"{PREFIX}OIDC_CLIENT_ID",
        "",
        "本系统在签发者处的客户端编号；设置后工作人员在网页上登录",
        "our client id at the issuer; with it, people sign in to the console",
    ),
    Variable(
        f"{PREFIX}OIDC_CLIENT_SECRET_FILE",
        "",
        "存放客户端密钥的文件，一行",
        "the file that holds the client's secret, on one line",
    ),
    Variable(
        f"{PREFIX}OIDC_CLIENT_SECRET",
        "",
        "客户端密钥；用文件更好",
        "the client's secret; a file is better",
    ),
    Variable(
        f"{PREFIX}OIDC_REDIRECT",
        "",
        f"登录后返回的地址：https://主机{RETURN}，须在签发者处登记；设了公开地址（PUBLIC_ADDRESS）的不必再设",
        f"where the issuer sends people back to: https://host{RETURN}, registered there; "
        "unset, it follows from PUBLIC_ADDRESS",
    ),
    Variable(
        f"{PREFIX}OIDC_RECHECK",
        "900",
        "网页登录后，每隔多少秒向签发者重新核对本人和岗位，60至28800",
        "after how many seconds the issuer is asked again who a signed-in person is and what they may do, "
        "from 60 to 28800",
    ),
    Variable(
        f"{PREFIX}OIDC_ONCE",
        "0",
        "为1时一个令牌只能用于一次写入（需有 jti）",
        "1 takes a token for one write only (it needs a jti)",
    ),
    Variable(
        f"{PREFIX}RATE",
        "0",
        "每个调用方每秒最多请求数，各服务进程合计，0为不限，最大100000",
        "requests a second that one caller may make of all processes together; 0 sets no limit, "
        "at most 100000",
    ),
    Variable(
        f"{PREFIX}FAILED",
        "60",
        "每个地址每分钟最多可出示多少次不对的令牌或密钥，超过的先答429，不再核验；0为不限，最大100000",
        "wrong tokens and keys that one address may bring in a minute; beyond that it is answered by 429 "
        "and nothing is looked up; 0 sets no limit, at most 100000",
    ),
    Variable(
        f"{PREFIX}REFUSED_MESSAGES",
        "5000",
        "核验身份时，为一个密钥或一名人员保存多少条退回的数据：未办结的，和一天之内退回的；超过的不保存，"
        "答429，报送人改正后再报。1至100000；命令行和Kafka报送的不受此限",
        "where identities are checked, how many refused messages are kept for one key or person: those that "
        "wait, and those of one day; more are not kept and answered by 429, to be sent again corrected. "
        "From 1 to 100000; what the command line and Kafka bring is not bounded",
    ),
    Variable(
        f"{PREFIX}REFUSED_MEGABYTES",
        "8",
        "同上，这些数据连同原因最多多少兆字节（MB），1至10000",
        "as before, how many megabytes they may have together with the reasons, from 1 to 10000",
    ),
    Variable(
        f"{PREFIX}ALLOW_OPEN",
        "0",
        "为1时允许在不核验身份的情况下监听本机以外的地址（须由反向代理核验）",
        "1 allows an address beyond this machine without identities (behind a proxy that checks who asks)",
    ),
)
