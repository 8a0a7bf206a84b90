pragma ComponentBehavior: Bound
import QtQuick
import Guide

// Digits under a thumb: for a PIN or an amount. It only tells what was pressed.
Grid {
    id: root

    property string eraseName: ""
    property string enterName: ""
    property string extra: ""
    property string enterGlyph: "check"
    property int keyWidth: 84
    property int keyHeight: 60
    property bool enterEnabled: true
    signal digit(string figure)
    signal erased
    signal entered

    columns: 3
    spacing: 10

    Repeater {
        model: ["1", "2", "3", "4", "5", "6", "7", "8", "9"]

        PadKey { required property string modelData; text: modelData }
    }
    IconButton {
        width: root.keyWidth
        height: root.keyHeight
        text: root.eraseName
        glyph: "delete"
        glyphSize: 24
        autoRepeat: true
        onClicked: root.erased()
    }
    PadKey { text: "0" }
    Loader {
        sourceComponent: root.extra ? extraKey : enterKey
    }

    Component {
        id: extraKey
        PadKey { text: root.extra }
    }
    Component {
        id: enterKey
        IconButton {
            width: root.keyWidth
            height: root.keyHeight
            enabled: root.enterEnabled
            text: root.enterName
            glyph: root.enterGlyph
            glyphSize: 24
            tint: Theme.accentText
            checked: true
            onClicked: root.entered()
        }
    }

    component PadKey: KeypadKey {
        width: root.keyWidth
        height: root.keyHeight
        onClicked: root.digit(text)
    }
}
