"""Kinds of tampering with the schema and what stands around it; a part of the registry of all kinds."""

from __future__ import annotations

from docs.generate.tampering import AUDIT, BOTH, POSTGRES, SQLITE, Tampering


def _schema(zh: str, en: str, sql: str, words: str, stores: tuple[str, ...] = BOTH) -> Tampering:
    return Tampering(zh, en, tuple(sql.split(" ;; ")), f"the schema: {words}", AUDIT, stores)


_TRIGGER = "CREATE TRIGGER drops BEFORE INSERT ON stored_events BEGIN SELECT RAISE(IGNORE); END"
_DOUBLES = (
    "CREATE TRIGGER doubles AFTER INSERT ON payments "
    "BEGIN INSERT INTO batches VALUES (NEW.position, 'x'); END"
)
_FUNCTION = "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
_HIDDEN = (
    "UPDATE pg_index SET indisready=false, indisvalid=false WHERE indexrelid='event_keys_pkey'::regclass"
)
SCHEMA = (
    _schema("多出一张表", "a table more", "CREATE TABLE extra (x INTEGER)", "a table extra"),
    _schema("多出视图", "a view", "CREATE VIEW extra AS SELECT 1 AS x", "a view extra"),
    _schema(
        "以视图替换表",
        "a view in place of a table",
        "ALTER TABLE looks RENAME TO kept_looks ;; CREATE VIEW looks AS SELECT * FROM kept_looks",
        "the table looks is missing",
    ),
    _schema(
        "少了索引", "an index dropped", "DROP INDEX refused_number", "the index refused_number is missing"
    ),
    _schema(
        "多出索引", "an index more", "CREATE UNIQUE INDEX more ON looks (number)", "an index stands there"
    ),
    _schema("多出列", "a column more", "ALTER TABLE refused ADD COLUMN note TEXT", "the table refused has"),
    _schema(
        "少了列", "a column dropped", "ALTER TABLE refused DROP COLUMN origin", "the table refused lacks"
    ),
    _schema("触发器丢弃数据", "a trigger that drops rows", _TRIGGER, "a trigger drops", SQLITE),
    _schema("触发器添加数据", "a trigger that adds rows", _DOUBLES, "a trigger doubles", SQLITE),
    _schema(
        "少了主键",
        "a primary key dropped",
        "CREATE TABLE loose (token_id TEXT NOT NULL, until TEXT NOT NULL) ;; DROP TABLE used_tokens ;; "
        "ALTER TABLE loose RENAME TO used_tokens",
        "the table used_tokens has lost its primary key",
        SQLITE,
    ),
    _schema(
        "触发器丢弃数据",
        "a trigger that drops rows",
        f"{_FUNCTION} ;; CREATE TRIGGER drops BEFORE INSERT ON payments "
        "FOR EACH ROW EXECUTE FUNCTION nothing()",
        "a trigger drops",
        POSTGRES,
    ),
    _schema(
        "规则丢弃数据",
        "a rule that drops rows",
        "CREATE RULE drops AS ON INSERT TO payments DO INSTEAD NOTHING",
        "a rule drops",
        POSTGRES,
    ),
    _schema(
        "表不写日志",
        "an unlogged table",
        "ALTER TABLE stored_events SET UNLOGGED",
        "the table stored_events is UNLOGGED",
        POSTGRES,
    ),
    _schema(
        "少了主键",
        "a primary key dropped",
        "ALTER TABLE event_keys DROP CONSTRAINT event_keys_pkey",
        "the table event_keys has lost its primary key",
        POSTGRES,
    ),
    _schema(
        "少了序号的唯一索引",
        "the unique index of positions dropped",
        "DROP INDEX stored_events_notification_id_idx",
        "the index stored_events_notification_id_idx is missing",
        POSTGRES,
    ),
    _schema(
        "子表继承",
        "a child table by INHERITS",
        "CREATE TABLE child () INHERITS (payments)",
        "a child table",
        POSTGRES,
    ),
    _schema(
        "行级安全",
        "row security",
        "ALTER TABLE payments ENABLE ROW LEVEL SECURITY ;; CREATE POLICY few ON payments USING (amount>1)",
        "row security is on",
        POSTGRES,
    ),
    _schema(
        "改了排序规则",
        "a collation changed",
        'ALTER TABLE matters ALTER COLUMN matter TYPE TEXT COLLATE "default"',
        "the column matter",
        POSTGRES,
    ),
    _schema(
        "可以为空",
        "a column that may be empty",
        "ALTER TABLE machine_keys ALTER COLUMN digest DROP NOT NULL",
        "the column digest",
        POSTGRES,
    ),
    _schema(
        "默认值",
        "a default changed",
        "ALTER TABLE machine_keys ALTER COLUMN types SET DEFAULT ''",
        "the column types",
        POSTGRES,
    ),
    _schema(
        "约束",
        "a constraint more",
        "ALTER TABLE payments ADD CHECK (amount<>1)",
        "a constraint",
        POSTGRES,
    ),
    _schema(
        "运算符",
        "an operator more",
        "CREATE OPERATOR public.= (LEFTARG=text, RIGHTARG=text, FUNCTION=textne)",
        "an operator public.=(text,text)",
        POSTGRES,
    ),
    _schema(
        "同名的排序规则",
        "a collation of the same name",
        """CREATE COLLATION public."C" (provider=icu, locale='en') ;; """
        'ALTER TABLE matters ALTER COLUMN matter TYPE TEXT COLLATE public."C"',
        "the column matter of the table matters is text NOT NULL COLLATE public.C",
        POSTGRES,
    ),
    _schema(
        "隐式类型转换",
        "an implicit cast",
        "CREATE CAST (text AS bigint) WITH INOUT AS IMPLICIT",
        "a cast text AS bigint",
        POSTGRES,
    ),
    _schema("类型", "a type more", "CREATE DOMAIN code AS text", "a type code", POSTGRES),
    _schema(
        "任何用户可写",
        "every role may write",
        "GRANT INSERT ON payments TO PUBLIC",
        "every role may write to the table payments (INSERT)",
        POSTGRES,
    ),
    _schema(
        "任何用户可改一列",
        "every role may write a column",
        "GRANT UPDATE (amount) ON payments TO PUBLIC",
        "every role may write to the table payments (UPDATE)",
        POSTGRES,
    ),
    _schema(
        "改了属主",
        "another owner",
        "ALTER TABLE payments OWNER TO pg_monitor",
        "the table payments belongs to the role pg_monitor",
        POSTGRES,
    ),
    _schema(
        "主键延迟检查",
        "a primary key that is checked late",
        "ALTER TABLE event_keys DROP CONSTRAINT event_keys_pkey ;; "
        "ALTER TABLE event_keys ADD PRIMARY KEY (key) DEFERRABLE INITIALLY DEFERRED",
        "the primary key of event_keys is (key, DEFERRABLE)",
        POSTGRES,
    ),
    _schema(
        "主键不再唯一",
        "a primary key that is not enforced",
        "UPDATE pg_index SET indisunique=false WHERE indexrelid='event_keys_pkey'::regclass",
        "the primary key of event_keys is (key, NOT ENFORCED)",
        POSTGRES,
    ),
    Tampering(
        "索引缺一行",
        "an index that lacks a row",
        (
            _HIDDEN,
            "CREATE TABLE one_row AS SELECT * FROM event_keys WHERE position=20",
            "DELETE FROM event_keys WHERE position=20",
            "INSERT INTO event_keys SELECT * FROM one_row",
            "DROP TABLE one_row",
            _HIDDEN.replace("false", "true"),
        ),
        "the index event_keys_pkey finds",
        AUDIT,
        POSTGRES,
    ),
    _schema("文件标记", "a mark in the file's head", "PRAGMA user_version=9", "user_version is 9", SQLITE),
    _schema(
        "多出序号",
        "a sequence of another name",
        "INSERT INTO sqlite_sequence VALUES ('nothing', 3)",
        "a sequence nothing",
        SQLITE,
    ),
    _schema(
        "序号可以重用",
        "positions that may be given twice",
        "PRAGMA writable_schema=ON ;; UPDATE sqlite_master SET sql=replace(sql, ' AUTOINCREMENT', '') "
        "WHERE name='stored_events'",
        "the table stored_events gives positions twice",
        SQLITE,
    ),
    _schema("函数", "a function more", _FUNCTION, "a function nothing()", POSTGRES),
    _schema(
        "别的模式中的同名表",
        "a second schema with tables of the same names",
        "CREATE SCHEMA other ;; CREATE TABLE other.payments (LIKE payments)",
        "the schema other",
        POSTGRES,
    ),
)
