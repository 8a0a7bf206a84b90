"""The demo brand's goods as plain tables: colours, size runs, categories and sixty styles.

All names are our own. Prices are whole yuan here and become fen in `shop`.
"""

# Tables read best one row a line.
# ruff: noqa: E501

from __future__ import annotations

from typing import NamedTuple


class Cut(NamedTuple):
    """A kind of garment: its two digits in the style number, category, drawing and size run."""

    number: str
    category: str
    drawing: str
    sizes: str


class Design(NamedTuple):
    """One style as the designer wrote it down; `colours` are codes of `COLOURS`."""

    cut: str
    season: str
    name: str
    name_en: str
    material: str
    yuan: int
    colours: str


# code: Chinese name, English name, sRGB
COLOURS: dict[str, tuple[str, str, str]] = {
    "BLK": ("黑色", "Black", "#1B1B1E"),
    "WHT": ("白色", "White", "#FBFAF7"),
    "IVO": ("米白", "Ivory", "#EFE8DA"),
    "OAT": ("燕麦", "Oat", "#D9C9AE"),
    "CAM": ("驼色", "Camel", "#B98A56"),
    "KHA": ("卡其", "Khaki", "#A8946B"),
    "COF": ("咖啡", "Coffee", "#5A4030"),
    "WAL": ("胡桃", "Walnut", "#7A5236"),
    "GRY": ("雾灰", "Mist grey", "#A7ABB0"),
    "CHA": ("炭灰", "Charcoal", "#4A4C52"),
    "NAV": ("藏青", "Navy", "#27324D"),
    "INK": ("墨蓝", "Ink blue", "#2F4A63"),
    "SKY": ("天青", "Sky blue", "#9DBBCB"),
    "DEN": ("牛仔蓝", "Denim blue", "#4D6B8C"),
    "SAG": ("灰绿", "Sage", "#8A9A85"),
    "OLV": ("橄榄", "Olive", "#6A6B45"),
    "FOR": ("墨绿", "Forest", "#2F4A3F"),
    "BUR": ("酒红", "Burgundy", "#6E2433"),
    "BRK": ("砖红", "Brick", "#A64B35"),
    "RED": ("正红", "Red", "#B3202A"),
    "ROS": ("烟粉", "Dusty rose", "#C99A97"),
    "PNK": ("樱粉", "Blossom", "#EBC7C6"),
    "APR": ("杏色", "Apricot", "#E3BD97"),
    "MUS": ("姜黄", "Mustard", "#C4932F"),
    "LAV": ("雾紫", "Lavender", "#A79BB5"),
}

SIZES: dict[str, tuple[str, ...]] = {
    "height": ("155", "160", "165", "170", "175"),
    "height_short": ("155", "160", "165", "170"),
    "letter": ("S", "M", "L", "XL"),
    "waist": ("25", "26", "27", "28", "29", "30"),
    "shoe": ("35", "36", "37", "38", "39", "40"),
    "belt": ("80", "85", "90", "95"),
    "hat": ("56", "58"),
    "one": ("均码",),
}

# code, Chinese name, English name, icon (icons.json), drawing, commission in basis points
CATEGORIES: tuple[tuple[str, str, str, str, str, int], ...] = (
    ("coat", "大衣", "Coats", "snowflake", "coat", 350),
    ("down", "羽绒", "Down", "snowflake", "down_jacket", 350),
    ("jacket", "外套", "Jackets", "layers", "jacket", 300),
    ("dress", "连衣裙", "Dresses", "sparkles", "dress", 300),
    ("knit", "针织", "Knitwear", "grid-3x3", "knit", 250),
    ("top", "上衣", "Tops", "shirt", "shirt", 200),
    ("trousers", "裤装", "Trousers", "ruler", "trousers", 250),
    ("skirt", "半裙", "Skirts", "sparkles", "skirt", 250),
    ("shoes", "鞋履", "Shoes", "footprints", "boots", 200),
    ("bag", "包袋", "Bags", "shopping-bag", "bag", 400),
    ("accessory", "配饰", "Accessories", "gift", "scarf", 500),
)

CUTS: dict[str, Cut] = {
    "coat": Cut("11", "coat", "coat", "height"),
    "down": Cut("12", "down", "down_jacket", "height_short"),
    "jacket": Cut("13", "jacket", "jacket", "height"),
    "dress": Cut("21", "dress", "dress", "height_short"),
    "knit": Cut("31", "knit", "knit", "letter"),
    "cardigan": Cut("32", "knit", "cardigan", "letter"),
    "shirt": Cut("41", "top", "shirt", "height_short"),
    "tee": Cut("42", "top", "t_shirt", "letter"),
    "hoodie": Cut("43", "top", "hoodie", "letter"),
    "trousers": Cut("51", "trousers", "trousers", "waist"),
    "jeans": Cut("52", "trousers", "jeans", "waist"),
    "skirt": Cut("61", "skirt", "skirt", "height_short"),
    "pumps": Cut("71", "shoes", "shoes", "shoe"),
    "sneakers": Cut("72", "shoes", "sneakers", "shoe"),
    "boots": Cut("73", "shoes", "boots", "shoe"),
    "bag": Cut("81", "bag", "bag", "one"),
    "scarf": Cut("91", "accessory", "scarf", "one"),
    "hat": Cut("92", "accessory", "hat", "hat"),
    "belt": Cut("93", "accessory", "belt", "belt"),
}

# 24W autumn-winter 2024, 25S spring-summer 2025.
DESIGNS: tuple[Design, ...] = (
    Design("coat", "24W", "双面羊绒长大衣", "Double-faced cashmere coat", "羊绒90% 羊毛10%", 3980, "CAM BLK IVO CHA"),
    Design("coat", "24W", "双排扣羊毛大衣", "Double-breasted wool coat", "羊毛80% 锦纶20%", 2680, "BLK NAV BUR"),
    Design("coat", "24W", "落肩茧型大衣", "Cocoon coat", "羊毛70% 聚酯30%", 2280, "OAT GRY SAG"),
    Design("coat", "24W", "束腰羊毛风衣", "Belted wool trench", "羊毛60% 棉40%", 1980, "KHA BLK INK"),
    Design("coat", "25S", "轻薄春款风衣", "Light spring trench", "棉65% 聚酯35%", 1280, "KHA IVO NAV"),
    Design("down", "24W", "短款面包羽绒服", "Cropped puffer", "白鸭绒90%", 1580, "BLK IVO SKY BRK"),
    Design("down", "24W", "连帽长款羽绒服", "Long hooded down coat", "白鹅绒95%", 2380, "BLK OLV OAT"),
    Design("down", "24W", "轻暖立领羽绒服", "Light stand-collar down", "白鸭绒90%", 899, "NAV PNK SAG CHA"),
    Design("jacket", "24W", "廓形西装外套", "Relaxed blazer", "羊毛52% 聚酯48%", 1380, "BLK CHA CAM"),
    Design("jacket", "24W", "千鸟格短西装", "Houndstooth short blazer", "羊毛60% 棉40%", 1280, "GRY COF"),
    Design("jacket", "25S", "亚麻单扣西装", "One-button linen blazer", "亚麻55% 棉45%", 1080, "OAT SKY WHT"),
    Design("jacket", "25S", "垂感通勤西装", "Fluid office blazer", "醋酸70% 聚酯30%", 1180, "BLK IVO LAV"),
    Design("dress", "24W", "裹身羊毛连衣裙", "Wool wrap dress", "羊毛95% 氨纶5%", 1280, "BLK BUR FOR"),
    Design("dress", "24W", "丝绒系带连衣裙", "Velvet tie dress", "聚酯92% 氨纶8%", 1180, "FOR BUR INK"),
    Design("dress", "25S", "真丝衬衫连衣裙", "Silk shirt dress", "桑蚕丝100%", 1980, "IVO SAG ROS"),
    Design("dress", "25S", "收腰茶歇裙", "Tea dress", "棉100%", 799, "BRK SKY WHT PNK"),
    Design("dress", "25S", "垂坠吊带长裙", "Draped slip dress", "醋酸100%", 899, "BLK APR LAV"),
    Design("knit", "24W", "高领绞花毛衣", "Cable turtleneck", "羊毛70% 羊绒30%", 899, "IVO CAM FOR BLK"),
    Design("knit", "24W", "羊绒圆领毛衣", "Cashmere crew-neck", "羊绒100%", 1280, "OAT GRY BUR NAV"),
    Design("knit", "24W", "粗针落肩毛衣", "Chunky drop-shoulder knit", "羊毛60% 腈纶40%", 699, "MUS OAT INK"),
    Design("knit", "25S", "冰丝镂空针织衫", "Openwork summer knit", "粘纤80% 锦纶20%", 459, "WHT PNK SKY"),
    Design("cardigan", "24W", "双口袋羊毛开衫", "Two-pocket wool cardigan", "羊毛100%", 799, "CAM NAV SAG"),
    Design("cardigan", "25S", "短款薄开衫", "Cropped light cardigan", "棉60% 粘纤40%", 429, "IVO ROS LAV BLK"),
    Design("shirt", "24W", "法式真丝衬衫", "French silk shirt", "桑蚕丝100%", 1080, "IVO BLK APR"),
    Design("shirt", "24W", "磨毛格纹衬衫", "Brushed flannel shirt", "棉100%", 459, "BRK NAV FOR"),
    Design("shirt", "25S", "免烫白衬衫", "Non-iron shirt", "棉80% 聚酯20%", 429, "WHT SKY PNK"),
    Design("shirt", "25S", "宽松亚麻衬衫", "Loose linen shirt", "亚麻100%", 559, "WHT OAT SAG INK"),
    Design("tee", "24W", "重磅打底长绒棉T恤", "Heavy long-staple tee", "长绒棉100%", 259, "BLK WHT GRY NAV"),
    Design("tee", "25S", "丝光棉圆领T恤", "Mercerised crew tee", "丝光棉100%", 299, "WHT BLK SKY ROS"),
    Design("tee", "25S", "短款修身T恤", "Cropped slim tee", "棉95% 氨纶5%", 199, "WHT BLK PNK LAV"),
    Design("tee", "25S", "印花宽松T恤", "Relaxed printed tee", "棉100%", 239, "IVO SAG CHA"),
    Design("hoodie", "24W", "加绒连帽卫衣", "Fleece-lined hoodie", "棉80% 聚酯20%", 499, "GRY BLK FOR"),
    Design("hoodie", "25S", "轻薄连帽卫衣", "Light hoodie", "棉100%", 429, "OAT PNK DEN"),
    Design("trousers", "24W", "羊毛锥形裤", "Tapered wool trousers", "羊毛70% 聚酯30%", 799, "BLK CHA COF"),
    Design("trousers", "24W", "加厚阔腿裤", "Heavy wide-leg trousers", "羊毛50% 聚酯50%", 699, "BLK CAM GRY"),
    Design("trousers", "25S", "垂感直筒西裤", "Fluid straight trousers", "醋酸65% 聚酯35%", 599, "BLK OAT NAV"),
    Design("trousers", "25S", "亚麻松紧长裤", "Elastic linen trousers", "亚麻60% 棉40%", 499, "WHT KHA SAG"),
    Design("jeans", "24W", "高腰直筒牛仔裤", "High-rise straight jeans", "棉98% 氨纶2%", 559, "DEN BLK INK"),
    Design("jeans", "24W", "加绒小脚牛仔裤", "Lined slim jeans", "棉92% 氨纶8%", 499, "DEN CHA"),
    Design("jeans", "25S", "水洗宽松牛仔裤", "Washed loose jeans", "棉100%", 529, "DEN SKY WHT"),
    Design("skirt", "24W", "百褶羊毛半裙", "Pleated wool skirt", "羊毛60% 聚酯40%", 799, "CHA BUR CAM"),
    Design("skirt", "24W", "高腰呢料半裙", "High-rise tweed skirt", "羊毛45% 聚酯55%", 659, "GRY COF NAV"),
    Design("skirt", "25S", "醋酸百褶长裙", "Acetate pleated skirt", "醋酸100%", 699, "IVO SAG LAV BLK"),
    Design("skirt", "25S", "棉质伞裙", "Cotton circle skirt", "棉100%", 459, "WHT BRK SKY"),
    Design("pumps", "24W", "尖头细跟单鞋", "Pointed court shoes", "羊皮", 899, "BLK BUR OAT"),
    Design("pumps", "25S", "中跟浅口鞋", "Mid-heel pumps", "牛皮", 799, "APR BLK RED"),
    Design("sneakers", "24W", "厚底小白鞋", "Platform white sneakers", "牛皮", 659, "WHT IVO BLK"),
    Design("sneakers", "25S", "拼色休闲鞋", "Two-tone sneakers", "牛皮 网布", 599, "SAG PNK GRY"),
    Design("boots", "24W", "切尔西短靴", "Chelsea ankle boots", "牛皮", 1280, "BLK WAL COF"),
    Design("boots", "24W", "羊毛里短靴", "Shearling-lined boots", "牛皮 羊毛里", 1480, "CAM BLK"),
    Design("bag", "24W", "翻盖手提包", "Flap handbag", "牛皮", 1680, "BLK WAL BUR IVO"),
    Design("bag", "24W", "通勤托特包", "Office tote", "牛皮", 1480, "BLK CAM FOR"),
    Design("bag", "25S", "迷你方包", "Mini box bag", "牛皮", 1280, "RED APR SKY WHT"),
    Design("scarf", "24W", "羊绒流苏围巾", "Fringed cashmere scarf", "羊绒100%", 699, "CAM GRY BUR FOR NAV"),
    Design("scarf", "24W", "格纹羊毛披肩", "Checked wool wrap", "羊毛100%", 559, "BRK INK OAT"),
    Design("scarf", "25S", "真丝方巾", "Silk square", "桑蚕丝100%", 399, "ROS SKY MUS"),
    Design("hat", "24W", "羊毛宽檐礼帽", "Wide-brim wool fedora", "羊毛100%", 459, "BLK CAM BUR"),
    Design("hat", "25S", "拉菲草遮阳帽", "Raffia sun hat", "拉菲草", 329, "OAT WAL"),
    Design("belt", "24W", "牛皮金扣腰带", "Leather belt, gold buckle", "牛皮", 329, "BLK WAL WHT"),
    Design("belt", "25S", "编织腰带", "Woven belt", "牛皮", 289, "CAM NAV"),
)  # fmt: skip

# Words for any number of further styles: cloth × fit × detail, by kind of cut.
_CLOTH = {
    "wool": "双面羊绒 美利奴 羊驼绒 粗花呢 人字纹 华达呢 麦尔登 羊毛混纺 驼绒 格纹呢 法兰绒 雪花呢",
    "light": "真丝 亚麻 醋酸 天丝 长绒棉 府绸 泡泡纱 提花 雪纺 铜氨 莱赛尔 竹节棉",
    "knit": "羊绒 美利奴 马海毛 羊驼 冰丝 棉线 绒感 圈圈纱 精纺 粗针 罗纹 提花",
    "skin": "小牛皮 羊皮 漆皮 磨砂 荔枝纹 编织 压纹 植鞣 帆布 丝绒 麂皮 油蜡皮",
}
_FIT = {
    "long": "廓形 修身 落肩 茧型 直筒 收腰 A字 宽松 短款 中长款 长款 微阔",
    "foot": "尖头 方头 圆头 浅口 厚底 平底 细跟 粗跟 低帮 轻量 软底 猫跟",
}
_DETAIL = {
    "body": "翻领 立领 圆领 V领 戴帽 系带 双排扣 暗扣 贴袋 拼接 刺绣 包边",
    "waist": "高腰 中腰 松紧 系带 侧开衩 打褶 双扣 斜插袋 包边 拼接 毛边 压线",
    "trim": "金扣 银扣 流苏 链条 绑带 扣带 车线 拼色 蝴蝶结 铆钉 素面 绗缝",
}
# cut: cloth, fit, detail, noun, English noun, lowest and highest price in yuan
WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str, str, int, int]] = {
    cut: (
        tuple(_CLOTH[cloth].split()),
        tuple(_FIT[fit].split()),
        tuple(_DETAIL[detail].split()),
        noun,
        noun_en,
        low,
        high,
    )
    for cut, cloth, fit, detail, noun, noun_en, low, high in (
        ("coat", "wool", "long", "body", "大衣", "coat", 1280, 4280),
        ("down", "light", "long", "body", "羽绒服", "down jacket", 899, 2680),
        ("jacket", "wool", "long", "body", "外套", "jacket", 799, 1880),
        ("dress", "light", "long", "body", "连衣裙", "dress", 599, 1980),
        ("knit", "knit", "long", "body", "毛衣", "sweater", 399, 1380),
        ("cardigan", "knit", "long", "body", "开衫", "cardigan", 399, 1080),
        ("shirt", "light", "long", "body", "衬衫", "shirt", 329, 1080),
        ("tee", "light", "long", "body", "T恤", "tee", 159, 399),
        ("hoodie", "knit", "long", "body", "卫衣", "hoodie", 329, 659),
        ("trousers", "wool", "long", "waist", "长裤", "trousers", 429, 899),
        ("jeans", "light", "long", "waist", "牛仔裤", "jeans", 399, 699),
        ("skirt", "wool", "long", "waist", "半裙", "skirt", 399, 899),
        ("pumps", "skin", "foot", "trim", "单鞋", "pumps", 559, 1080),
        ("sneakers", "skin", "foot", "trim", "休闲鞋", "sneakers", 459, 799),
        ("boots", "skin", "foot", "trim", "短靴", "boots", 799, 1680),
    )
}
