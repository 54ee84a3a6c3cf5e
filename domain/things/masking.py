"""What a public list hides: the middle of credit codes, and a person's name in a shop's.

An individual business (个体工商户, credit codes that begin with 92) often bears its owner's name. The
ledger does not know who the owner is, so the name is found by its surname, standing at the start
of the name, after the place, or before the words of a trade. What looks like a name is hidden
though it may be none; a name that stands nowhere of these is not found, so an officer still looks
through the list before it is published.
"""

from __future__ import annotations

import re

CODE, PERSON = "code", "person"
MASKS = (CODE, PERSON)
"""What can be asked to be hidden."""

_COMPOUND = re.compile(
    "欧阳|上官|司马|诸葛|夏侯|东方|皇甫|尉迟|公孙|慕容|司徒|司空|令狐|宇文|长孙|端木|南宫|百里"
)
_SINGLE = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
    "温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂"
    "成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费"
    "卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝封谈匡鞠惠"
    "樊荆乐冀胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊仝区郜海阚花权强帅屠豆朴盖练廉禹井祖漆巴丰支卿国狄平计"
    "索宣晋相初门云容敬来扈晁都芮普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况那宿鲜印逯隆茹诺战慎翦劭励竺胜"
)
_TRADES = re.compile(
    "百货|食品|电子|电器|电商|商贸|贸易|服装|服饰|鞋|箱包|五金|日用|家居|家具|家电|家纺|建材|水产"
    "|水果|蔬菜|果蔬|农产|农资|粮油|副食|烟酒|茶|餐饮|饭|面馆|小吃|早餐|烧烤|火锅|酒|咖啡|奶茶|糕"
    "|烘焙|美容|美发|理发|化妆|养生|按摩|足浴|健身|药|诊|汽车|汽配|摩托|轮胎|维修|修理|机械|模具"
    "|塑料|塑胶|橡胶|金属|轴承|拉链|纽扣|针织|纺织|布|化纤|绣|毛绒|玩具|文具|体育|图文|广告|印刷"
    "|包装|纸|设计|摄影|照相|婚庆|鲜花|花店|园艺|花木|养殖|种植|物流|快递|货运|运输|搬家|仓储|信息"
    "|网络|科技|数码|手机|通讯|电脑|软件|传媒|文化|教育|培训|母婴|童装|玻璃|灯具|灯饰|照明|装饰"
    "|装潢|门窗|油漆|电动|自行车|眼镜|钟表|珠宝|首饰|工艺|渔具|宠物|网店|直播|小家电|加工|制品|用品"
    "|配件|零售|批发|便利|超市|商店|商行|商铺|经营|服务|工作|厂|店|铺|坊|馆|行|吧|摊|社|屋|阁|轩"
    "|中心|部"
)
_PLACE = re.compile(r"^(?:[一-鿿]{1,6}?(?:省|自治区|市|县|区|镇|乡|街道|村|社区))+(?=[一-鿿]{2})")
_TAIL = re.compile(r"[（(].*$")
_HAN = re.compile(r"[一-鿿·]+")


def masked(code: str, name: str, town: str, mask: tuple[str, ...]) -> tuple[str, str]:
    """A credit code and a name with what must not be seen hidden; ``mask`` holds names of ``MASKS``.

    Raises:
        ValueError: for a mask of another name, which would hide nothing.
    """
    unknown = [each for each in mask if each not in MASKS]
    if unknown:
        raise ValueError(f"no mask is called {unknown[0]!r}: {', '.join(MASKS)}")
    if PERSON in mask and is_individual(code):
        name = person_masked(name, town)
    return code_masked(code) if CODE in mask else code, name


def code_masked(code: str) -> str:
    """A credit code without its middle: who registered it and where stays, and the last four."""
    return f"{code[:8]}******{code[14:]}" if len(code) == 18 else "*" * len(code)


def is_individual(code: str) -> bool:
    """Whether a credit code is an individual business's."""
    return code.startswith("92")


def person_masked(name: str, town: str = "") -> str:
    """An individual business's name with its owner's given name hidden, 张三 → 张*."""
    body = _TAIL.sub("", name)
    start = _after_place(body, town)
    trade = _trade(body, start)
    for place in (start, *(trade - back for back in (3, 2) if trade - back > start)):
        surname = _surname(body[place:])
        if surname:
            length = _given_name_length(body[place + len(surname) :], trade - place - len(surname))
            if length:
                begin = place + len(surname)
                return name[:begin] + "*" * length + name[begin + length :]
    return name


def _after_place(body: str, town: str) -> int:
    """Where the name goes on after province, city and town."""
    place = _PLACE.match(body)
    start = place.end() if place else 0
    for spelling in (town, town.removesuffix("镇").removesuffix("街道")):
        if spelling and body.startswith(spelling, start) and len(body) > start + len(spelling):
            return start + len(spelling)
    return start


def _trade(body: str, start: int) -> int:
    """Where the first words of a trade stand, two characters after the start at least."""
    trade = _TRADES.search(body, start + 2)
    return trade.start() if trade else len(body)


def _surname(text: str) -> str:
    if compound := _COMPOUND.match(text):
        return compound.group()
    return text[:1] if text[:1] and text[0] in _SINGLE else ""


def _given_name_length(text: str, before_trade: int) -> int:
    """How many characters are a given name: up to the trade, two where that is far."""
    characters = _HAN.match(text)
    length = min(len(characters.group()) if characters else 0, max(before_trade, 0))
    return length if length <= 3 else 2
