pragma Singleton
import QtQuick

// The one place of colours, sizes, type and motion. Main.qml sets `dark`, `reduceMotion` and
// `compact`; everything else only reads.
QtObject {
    id: root

    property bool dark: false
    property bool reduceMotion: false
    property bool compact: false

    // Ground and paper
    readonly property color bg: dark ? "#0E1110" : "#F3F1EC"
    readonly property color surface: dark ? "#181C1A" : "#FFFFFF"
    readonly property color surface2: dark ? "#1F2522" : "#F8F6F2"
    readonly property color pressed: dark ? "#2A312D" : "#ECE8E0"
    readonly property color line: dark ? "#2C3330" : "#E4DFD6"
    readonly property color lineStrong: dark ? "#46504B" : "#CFC8BC"
    readonly property color stage: dark ? "#232A27" : "#F1EDE6"
    readonly property color scrim: dark ? "#B3000000" : "#80141A17"

    // Ink: every pair with its ground is at least 4.5:1 (tests/qml/test_contrast.py)
    readonly property color ink: dark ? "#F2F4F1" : "#191D1B"
    readonly property color ink2: dark ? "#B4BDB7" : "#545C57"
    readonly property color ink3: dark ? "#929C96" : "#616964"

    // Accent
    readonly property color accent: dark ? "#3CC594" : "#0B6B4E"
    readonly property color accentPressed: dark ? "#2FAD80" : "#085A41"
    readonly property color accentInk: dark ? "#04150E" : "#FFFFFF"
    readonly property color accentSoft: dark ? "#16332A" : "#E1EFE8"
    readonly property color accentText: dark ? "#5AD6A9" : "#0B6B4E"

    // Meaning
    readonly property color danger: dark ? "#FF8A80" : "#B3261E"
    readonly property color dangerFill: dark ? "#FF8A80" : "#B3261E"
    readonly property color dangerInk: dark ? "#2A0704" : "#FFFFFF"
    readonly property color dangerSoft: dark ? "#3A1D1B" : "#FBE9E7"
    readonly property color warn: dark ? "#F4B45F" : "#8A5200"
    readonly property color warnSoft: dark ? "#38290F" : "#FCEFD9"
    readonly property color info: dark ? "#8FBBF5" : "#1F5AA6"
    readonly property color infoSoft: dark ? "#182A42" : "#E4EEFB"

    // Rail
    readonly property color rail: dark ? "#0A0D0C" : "#14211C"
    readonly property color railActive: dark ? "#17332A" : "#22362E"
    readonly property color railInk: dark ? "#9AA59F" : "#A9B8B0"
    readonly property color railInkActive: "#FFFFFF"
    readonly property color railAccent: "#5AD6A9"

    // Portraits: quiet cloth colours with dark ink on top
    readonly property var tones: ["#E5B567", "#C9A7C7", "#8FBF9F", "#E2A08A", "#93B5D6", "#C7BE8B"]
    readonly property color toneInk: "#22201C"

    // Shape and space
    readonly property int touch: 48
    readonly property int gap: compact ? 10 : 14
    readonly property int margin: compact ? 14 : 22
    readonly property int radius: 16
    readonly property int radiusSmall: 12
    readonly property int radiusTiny: 8
    readonly property int railWidth: compact ? 72 : 84
    readonly property int cartWidth: compact ? 336 : 384

    // Type
    readonly property int textS: 12
    readonly property int textM: 14
    readonly property int textL: 16
    readonly property int textXL: 20
    readonly property int title: compact ? 20 : 23
    readonly property int huge: 36
    readonly property string iconFamily: "lucide"
    readonly property var tabular: ({ "tnum": 1 })

    // Motion
    readonly property int fast: reduceMotion ? 0 : 120
    readonly property int slow: reduceMotion ? 0 : 180

    // The ground a garment stands on: the stage with a breath of the cloth's own colour.
    function backdrop(cloth: color): color {
        const part = root.dark ? 0.16 : cloth.hslLightness < 0.3 ? 0.07 : 0.14;
        return Qt.tint(root.stage, Qt.alpha(cloth, part));
    }

    function tone(seed: int): color {
        return root.tones[Math.abs(seed) % root.tones.length];
    }
}
