pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// A square touch target with one glyph; `text` is its accessible name and is never shown.
T.Button {
    id: root

    property string glyph: ""
    property color tint: Theme.ink
    property bool framed: true
    property int glyphSize: 20
    property int slim: 0

    implicitWidth: Theme.touch
    implicitHeight: Theme.touch
    topInset: slim
    bottomInset: slim
    opacity: enabled ? 1 : 0.4
    focusPolicy: Qt.TabFocus
    Accessible.name: text
    Accessible.role: Accessible.Button

    contentItem: Icon {
        name: root.glyph
        size: root.glyphSize
        colour: root.tint
    }
    background: Rectangle {
        radius: Theme.radiusSmall
        color: root.down ? Theme.pressed : root.checked ? Theme.accentSoft
            : root.framed ? Theme.surface : "transparent"
        border.width: root.visualFocus ? 2 : root.framed ? 1 : 0
        border.color: root.visualFocus ? Theme.accent : Theme.line
    }
}
