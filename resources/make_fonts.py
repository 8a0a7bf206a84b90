"""Makes `fonts/` and `icons/` from the published packages; run by hand when a font is renewed.

    mkdir /tmp/fonts && cd /tmp/fonts
    npm install @expo-google-fonts/noto-sans-sc@0.4.3 @expo-google-fonts/inter@0.4.2 \
        lucide-static@1.62.0
    python resources/make_fonts.py /tmp/fonts/node_modules

Needs fonttools (extra `dev`). The whole Noto Sans SC is 10.5 MB a weight; the till carries
GB 2312 plus the characters of personal names outside it, a quarter of that.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = Path(__file__).resolve().parent


class Face(NamedTuple):
    """One font file to cut: where it lies in its package and which characters stay."""

    source: str
    target: str
    characters: frozenset[int]


# Characters of Chinese surnames and given names that GB 2312 (1980) does not have.
NAME_CHARACTERS = (
    "喆堃玥珺昇翀彧頔玙珮珣琎瑀瑄璟珵琇琬琰瑢璇暐晞晟煊煜烜焜燊燚燏炆焱炘熠旻旸昉昕昳晗晳暄暻曈曌曦"
    "淼沄沅沚洺浠浥涴淏淯湉湜湲溦滢滟漪潆澍澔澄濛瀛瀚灏鑫鋆锜锳镕镱镓钰铉铄铱铖锃锟镔莜莳菡菀萱蒨蓁蓥蔚蕙蕤薇"
    "蘅蘇芃芊芫芮芷苒苡茉茗茜荟荞荻莀彣彤彥彬翃翊翎翙翚翯翾飏飒飔飞飗骁骅骐骎骞骥骦鸢鸣鸿鹄鹓鹭麒麟麾黛龑龢"
    "仝伃伋伣伭佑佺佾侁侃侑侲俍俣俶倓倞倢倩偁偲傒傕儁儇儆冏冚凃刘剀劭勔勖勍匡卣厍叕叡吒吴呁哿唅喦嘏嘉嚞囡囧"
    "坤垚垲垸埇埈埕埙埼堉堎堨塄墁墉壎壹夌夘奡奭妍妘妤妧妫姈姌姝姞姤姮姵娍娜娅娉娓娴娵娸婕婠婧婵婳婷媖媛媞媱嫄嫕"
    "嫚嫣嬅嬿孖孜孟宁宓宸寔寯寰尧屹岍岑岚岱岳峣峤峻崟崧崴嵂嵊嵋嵘嵩嶷巍巘帡幄庥庾廙弋弢弸彀徕徯忞怡怿恂恺悆悌悰惇愔慜憬懋懿"
    "戬扆扬抒拏挚捷揆揄揖摛撝攸敉敔敩文斐斓斳旃旎旖旭旼昀昊昌昡昺昽晁晅晏晔晙晢晫暅暕暠暾曜朏朕朗朠杋杍杓杨杺"
    "枋枫柃柏柔柘柷栎栩栻桉桓桢桦桐梓梣梧梵棋棠棣森棻椋椿楒楗楚楠楷榆榕榛槿樾橦檀櫆欢欣欤歆毓毖汐沁沂沐沛泂泓泠"
    "泫泽洁洄洛洵浒浩浬涑涓涛涟涵淇淑淙淞淦渝渟渤渼湛湘溁溪滔滦潇潞潼澜澹瀅瀞瀟灵炅炜炣炫炯烔烨焓焕焘煐煚煦熙熜熹燃燿爔"
    "爽牧犇犟狄猗猷玎玏玓玕玘玚玛玟玠玢玦玧玫玮玹玺珂珅珈珉珏珑珙珝珞珧珩珪珲珽琀琁琅琊琏琚琛琤琦琨琪琭琮琯琲琳琴琸琼"
    "瑁瑃瑅瑆瑊瑎瑑瑒瑓瑔瑗瑚瑛瑜瑝瑞瑟瑠瑧瑨瑭瑱瑷瑾瑽璀璁璃璆璈璋璎璐璒璕璘璜璞璠璥璦璧璨璩璪璮璲璿瓀瓅瓒瓘瓴"
    "甄甯畅畑畯畴疌皎皓皕皙皞皤盱盼眭睎睿睦瞳瞻矗矞砚硕碧磊磬祁祎祐祖祚祜祯祺禄禅禔禕禛禧禹禺秉秋秾稔稹穆穎窈窦竑竣竦笃笑笙"
    "筝筠筱箐箫箴籍粲粼紫絮綦綝綺緁繁纭纯纾绂绅绎绮绯绰绾缃缇缈缜缦缪羽羿翔翰翼耀耘聃聆聪肃胤胥臻舒舜舢艺艾芝芯芳芸芹芙芾苑"
    "苓苗若英苹茂范茵茹荀荃荆荔荘荣莉莎莘莲莹莺菁菊菏菘菱菲萃萌萍葆葭葳蒂蒋蒙蒲蒽蓂蓉蓓蓝蓬蔓蔡蔺薛薰藜藴虔虢虹蚺蛟融行"
    "衍衎衡裔裕褀褚覃观觉訚訸詠誉誠諴謇譞讷诒诗诚询诺谅谊谌谕谖谙谚谞谟谦谧豫贇贞贤贲贻赉赟赫越趣跃路轩轲轶辂辰达迅迎迪迺逄逊逸遐"
    "遥遹邓邢邬邱邵邹郁郇郎郏郗郜郝郦郭郯鄢鄱醇醒采钊钏钒钜钟钦钧钫钲铂铎铠铨铭铮锋锐锦锴锵锺镇镒镛镜镭长闫闵闻闽闿阆阎阔阮阳阿陶隗隽雁雅雍雩雪雯霁霄霆霈霏霓霖霜霞霭霰霸露靓靖静"
    "鞠韦韫韬韵韶頵顒顗項顾顿颀颂颉颐颖颜颢风飓馥馨驰驹骄骆骋骏骜骢髙魁魏鲁鲍鲲鳌鳐鹂鹏鹤鹰麓麦黎黻鼎鼐齐齊龄龚䶮㛃㬎㑇㛹䒕䓨乂乄亓亖亘亚亞亢亥亦亨亭亮仉"
)

# Brackets, arrows, units and signs a till prints that are not in GB 2312.
EXTRA_SIGNS = "¥€£$₩฿₫©®™·•…–—‘’“”‚„†‡‰′″‹›⁄−×÷≈≠≤≥±√∞←↑→↓↗↘⇧⌘✓✗✕●○◆◇■□▲△▼▽★☆№℃℉㎡₂²³½¼¾"


def gb2312() -> frozenset[int]:
    """Every character of GB 2312: 6,763 Hanzi and 682 signs, as Python's codec knows them."""
    rows = range(0xA1, 0xF8)
    cells = range(0xA1, 0xFF)
    text = (bytes((row, cell)).decode("gb2312", "ignore") for row in rows for cell in cells)
    return frozenset(ord(character) for pair in text for character in pair)


LATIN = frozenset(range(0x20, 0x7F)) | frozenset(range(0xA0, 0x180)) | frozenset({0x2002, 0x2009})
# Pinyin with tone marks, so that a reading can be shown.
PINYIN = frozenset(map(ord, "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹḿĀÁǍÀĒÉĚÈĪÍǏÌŌÓǑÒŪÚǓÙ"))
SIGNS = frozenset(map(ord, EXTRA_SIGNS))
WIDE = frozenset(range(0x3000, 0x3040)) | frozenset(range(0xFF00, 0xFFF0))
CHINESE = gb2312() | frozenset(map(ord, NAME_CHARACTERS)) | LATIN | PINYIN | SIGNS | WIDE
WESTERN = LATIN | PINYIN | SIGNS

NOTO = "@expo-google-fonts/noto-sans-sc"
INTER = "@expo-google-fonts/inter"
FACES = (
    Face(f"{NOTO}/400Regular/NotoSansSC_400Regular.ttf", "NotoSansSC-Regular.ttf", CHINESE),
    Face(f"{NOTO}/700Bold/NotoSansSC_700Bold.ttf", "NotoSansSC-Bold.ttf", CHINESE),
    Face(f"{INTER}/400Regular/Inter_400Regular.ttf", "Inter-Regular.ttf", WESTERN),
    Face(f"{INTER}/500Medium/Inter_500Medium.ttf", "Inter-Medium.ttf", WESTERN),
    Face(f"{INTER}/600SemiBold/Inter_600SemiBold.ttf", "Inter-SemiBold.ttf", WESTERN),
    Face(f"{INTER}/700Bold/Inter_700Bold.ttf", "Inter-Bold.ttf", WESTERN),
)
# tnum aligns prices; zero and ss01 keep 0/O and 1/l apart in style numbers; the rest is shaping.
FEATURES = ("kern", "liga", "calt", "ccmp", "mark", "mkmk", "locl", "tnum", "lnum", "zero", "case")

ICONS = """
accessibility activity armchair arrow-down arrow-left arrow-right arrow-up badge-check badge-percent
banknote battery-medium bell bookmark bug cake calculator calendar calendar-days camera chart-column
chart-line chart-pie check chevron-down chevron-left chevron-right chevron-up chevrons-right circle
circle-alert circle-check circle-dot circle-question-mark circle-x clipboard-check clipboard-list
clock cloud cloud-off cloud-upload coins contact copy credit-card crown database delete door-open
download ellipsis ellipsis-vertical external-link eye eye-off file-text flag footprints funnel gift
globe grid-3x3 grip-vertical hand hand-coins handshake hard-drive heart history hourglass house
id-card image info key-round keyboard languages layers layout-grid list loader-circle lock lock-open
log-in log-out mail map-pin maximize menu message-circle minimize minus monitor moon nfc package
package-check package-open palette pause pencil percent phone pin play plug plus power printer
printer-check qr-code receipt receipt-text redo-2 refresh-cw repeat rotate-ccw ruler save scale
scan-barcode scan-line search settings share-2 shield-alert shield-check shirt shopping-bag
shopping-cart sliders-horizontal smartphone snowflake sparkles split square square-check square-pen
star sticky-note store sun tablet tag tags thumbs-up ticket ticket-percent timer trash-2
trending-down trending-up triangle-alert truck undo-2 unplug upload user user-plus user-round users
volume-2 volume-x wallet warehouse wifi wifi-off x zap
""".split()


def cut(source: Path, target: Path, characters: frozenset[int]) -> int:
    """Write to `target` the part of the font `source` that shows `characters`; return its bytes."""
    options = subset.Options()
    options.layout_features = list(FEATURES)
    options.name_IDs = ["*"]
    options.notdef_outline = True
    options.hinting = False
    font: TTFont = subset.load_font(str(source), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=characters)
    cutter.subset(font)
    subset.save_font(font, str(target), options)
    return target.stat().st_size


def cut_icons(package: Path) -> int:
    """Cut the icon font and write `icons.json`, which maps an icon's name to its hex codepoint."""
    every: dict[str, int] = json.loads((package / "font/codepoints.json").read_text("utf-8"))
    chosen = {name: every[name] for name in ICONS}
    table = {name: f"{point:04x}" for name, point in sorted(chosen.items())}
    (HERE / "icons/icons.json").write_text(json.dumps(table, indent=1) + "\n", "utf-8")
    shutil.copyfile(package / "LICENSE", HERE / "icons/LICENSE-lucide.txt")
    return cut(
        package / "font/lucide.ttf",
        HERE / "icons/lucide.ttf",
        frozenset(chosen.values()),
    )


def main(packages: Path) -> None:
    """Cut every face found under `packages` (a `node_modules` folder) and copy the licences."""
    total = 0
    for face in FACES:
        size = cut(packages / face.source, HERE / "fonts" / face.target, face.characters)
        total += size
        print(f"{face.target:26} {size:>10,} bytes")
    shutil.copyfile(packages / NOTO / "LICENSE_FONT", HERE / "fonts/OFL-NotoSansSC.txt")
    shutil.copyfile(packages / INTER / "LICENSE_FONT", HERE / "fonts/OFL-Inter.txt")
    print(f"{'lucide.ttf':26} {cut_icons(packages / 'lucide-static'):>10,} bytes")
    print(f"{'fonts together':26} {total:>10,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
