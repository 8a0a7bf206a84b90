pragma ComponentBehavior: Bound
import QtQuick
import Guide

// A short remark on its own ground: warn, danger, info, good or quiet.
Rectangle {
    id: root

    property string text: ""
    property string glyph: ""
    property string kind: "quiet"
    readonly property color tint: kind === "warn" ? Theme.warn : kind === "danger" ? Theme.danger
        : kind === "info" ? Theme.info : kind === "good" ? Theme.accentText : Theme.ink2

    implicitWidth: row.implicitWidth + 16
    implicitHeight: 24
    radius: Theme.radiusTiny
    color: kind === "warn" ? Theme.warnSoft : kind === "danger" ? Theme.dangerSoft
        : kind === "info" ? Theme.infoSoft : kind === "good" ? Theme.accentSoft : Theme.pressed
    Accessible.role: Accessible.StaticText
    Accessible.name: text

    Row {
        id: row
        anchors.centerIn: parent
        spacing: 4

        Icon {
            visible: root.glyph !== ""
            anchors.verticalCenter: parent.verticalCenter
            name: root.glyph
            size: 13
            colour: root.tint
        }
        Label {
            anchors.verticalCenter: parent.verticalCenter
            text: root.text
            size: Theme.textS
            strong: true
            color: root.tint
        }
    }
}
