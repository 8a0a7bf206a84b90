"""The demo brand's stores, staff and the words its members' names are made of. All are invented.

The cities do not exist. Telephone area code 0000 and the mobile range 154 are given to nobody in
China's numbering plan, so no number here can reach a person.
"""

# Tables read best one row a line.
# ruff: noqa: E501

from __future__ import annotations

from typing import NamedTuple


class StoreWords(NamedTuple):
    """A store as written down; `stock_age_s` is how old its stock figures are when the demo opens."""

    store: str
    name: str
    name_en: str
    city: str
    address: str
    stock_age_s: int


BRAND = "棉渡"
BRAND_EN = "MIANDU"

# The first store is the till's own.
STORES: tuple[StoreWords, ...] = (
    StoreWords("S01", "云津天汇里店", "Yunjin Tianhui Lane", "云津", "云津市汀岚路 88 号天汇里 2 层 213", 0),
    StoreWords("S02", "云津老码头店", "Yunjin Old Wharf", "云津", "云津市沿江街 16 号老码头 1 层 07", 240),
    StoreWords("S03", "南汀万禾广场店", "Nanting Wanhe Plaza", "南汀", "南汀市万禾大道 301 号 3 层 322", 2_100),
    StoreWords("S04", "鹭湾银滩汇店", "Luwan Silver Beach", "鹭湾", "鹭湾市银滩路 5 号银滩汇 1 层 118", 7_800),
    StoreWords("S05", "沐州中央里店", "Muzhou Central Lane", "沐州", "沐州市织锦街 27 号中央里 2 层 206", 32_400),
    StoreWords("S06", "北澜环宇荟店", "Beilan Universe Court", "北澜", "北澜市环宇路 160 号 4 层 415", 93_600),
)  # fmt: skip

# id, name, English name, role, store, PIN. The PINs are for the demo shop only and are in the README.
STAFF: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("G01", "林晚晴", "Lin Wanqing", "guide", "S01", "1001"),
    ("G02", "周雨桐", "Zhou Yutong", "guide", "S01", "1002"),
    ("G03", "陈思远", "Chen Siyuan", "guide", "S01", "1003"),
    ("G04", "苏禾", "Su He", "guide", "S01", "1004"),
    ("G05", "顾念慈", "Gu Nianci", "guide", "S01", "1005"),
    ("G06", "叶知秋", "Ye Zhiqiu", "guide", "S01", "1006"),
    ("M01", "沈嘉宁", "Shen Jianing", "manager", "S01", "9001"),
    ("M02", "何静姝", "He Jingshu", "manager", "S01", "9002"),
    ("G07", "许乐瑶", "Xu Leyao", "guide", "S02", "1007"),
    ("G08", "唐子衿", "Tang Zijin", "guide", "S02", "1008"),
    ("M03", "梁书航", "Liang Shuhang", "manager", "S02", "9003"),
    ("G09", "宋语微", "Song Yuwei", "guide", "S03", "1009"),
    ("G10", "郑可欣", "Zheng Kexin", "guide", "S03", "1010"),
    ("M04", "罗云舟", "Luo Yunzhou", "manager", "S03", "9004"),
    ("G11", "冯若溪", "Feng Ruoxi", "guide", "S04", "1011"),
    ("G12", "蒋沐阳", "Jiang Muyang", "guide", "S04", "1012"),
    ("G13", "韩依诺", "Han Yinuo", "guide", "S05", "1013"),
    ("M05", "曹明月", "Cao Mingyue", "manager", "S05", "9005"),
    ("G14", "魏清和", "Wei Qinghe", "guide", "S06", "1014"),
    ("M06", "谢安然", "Xie Anran", "manager", "S06", "9006"),
)

# Family names about as often as they occur: the first ones many times, the last ones once.
FAMILY = tuple(
    "王王王王王王李李李李李李张张张张张刘刘刘刘陈陈陈陈杨杨杨黄黄赵赵吴吴周周徐徐孙孙马马朱朱胡胡郭郭何何林林高高"
    "罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦"
    "白江阎薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严赖覃洪武莫孔汤向常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧"
) + tuple("欧阳 司徒 上官 诸葛".split())  # fmt: skip

# Second characters of given names, then last characters; many are in both.
GIVEN_FIRST = (
    "雨思语子若梓欣诗佳嘉静雅婉清晓晨心怡可乐安宁书云月明文玉美丽春秋冬雪梦依念知沐初婷慧敏"
    "志建国伟俊浩宇泽睿博立新永海少宏德家一凯君天成学锦承景亦奕艺紫彦芷芸苏洛海瑞淑桂秀红"
)
GIVEN_LAST = (
    "涵萱彤怡然妍琪瑶颖雯洁莹琳娜婷静慧敏芳娟燕玲霞丽萍红梅兰英珍华玉晴桐欣悦宁安月影溪汐"
    "轩杰豪涛鹏飞强军磊洋勇斌辉明亮峰博文远航昊阳泽宇哲睿辰逸凡平超刚毅林森木舟川岚茗晗昕"
)
# Names with characters outside GB 2312, because the till must show every customer's name.
RARE_GIVEN = ("喆", "玥", "珺", "堃", "昇", "晞", "雨玥", "思喆", "子珺", "梓昕", "翀", "一昇")

# What guides write down about a customer; the last part of a demo member, mostly empty.
NOTES = (
    "偏爱羊绒，怕扎",
    "脚背高，鞋选大半码",
    "喜欢素色，不要印花",
    "常给母亲买大衣",
    "只在周末来，爱喝热水",
    "上衣 170，裤子 28",
    "对羊毛过敏",
    "婚期在春天，留意礼服",
)
