pragma ComponentBehavior: Bound
import QtQuick
import Guide

// One operation and how it stands now.
Rectangle {
    id: root

    property string name: ""
    property string standing: ""
    property string kind: "good"
    property string glyph: ""
    property string detail: ""

    readonly property color tint: kind === "danger" ? Theme.danger : kind === "warn" ? Theme.warn
        : kind === "info" ? Theme.info : Theme.accentText

    implicitHeight: 58
    radius: Theme.radiusSmall
    color: Theme.surface2
    border.width: 1
    border.color: Theme.line
    Accessible.role: Accessible.StaticText
    Accessible.name: name + ": " + standing
    Accessible.description: detail

    Icon {
        x: 13
        anchors.verticalCenter: parent.verticalCenter
        name: root.glyph
        size: 21
        colour: root.tint
    }
    Column {
        anchors.verticalCenter: parent.verticalCenter
        x: 46
        width: parent.width - x - how.width - 24
        spacing: 2

        Label {
            width: parent.width
            text: root.name
            size: 15
            strong: true
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: root.detail
            size: Theme.textS
            color: Theme.ink2
            wrapMode: Text.Wrap
            maximumLineCount: 2
        }
    }
    Badge {
        id: how
        anchors { right: parent.right; rightMargin: 12; verticalCenter: parent.verticalCenter }
        kind: root.kind
        text: root.standing
    }
}
