pragma ComponentBehavior: Bound
import QtQuick
import Guide

// A figure or fact with its name: the day's net, the till's protection.
Rectangle {
    id: root

    property string name: ""
    property string value: ""
    property string detail: ""
    property string glyph: ""
    property string kind: ""
    property bool figure: false

    readonly property color tint: kind === "warn" ? Theme.warn : kind === "good" ? Theme.accentText
        : Theme.ink

    implicitHeight: figure ? (Theme.compact ? 96 : 112) : 66
    radius: Theme.radius
    color: kind === "warn" ? Theme.warnSoft : Theme.surface
    border.width: 1
    border.color: Theme.line
    Accessible.role: Accessible.StaticText
    Accessible.name: name + ": " + value
    Accessible.description: detail

    Icon {
        id: mark
        x: 16
        y: root.figure ? 15 : 0
        height: root.figure ? size : root.height
        name: root.glyph
        size: 19
        colour: root.kind ? root.tint : Theme.ink2
    }
    Label {
        x: 44
        y: root.figure ? 15 : 12
        width: parent.width - x - 14
        text: root.name
        size: 13
        color: Theme.ink2
    }
    Label {
        x: root.figure ? 16 : 44
        y: root.figure ? 40 : 32
        width: parent.width - x - 14
        text: root.value
        size: root.figure ? (Theme.compact ? 25 : 30) : 15
        font.weight: root.figure ? Font.Bold : Font.DemiBold
        color: root.tint
        font.features: Theme.tabular
    }
    Label {
        x: 16
        anchors { bottom: parent.bottom; bottomMargin: 11 }
        width: parent.width - 30
        visible: root.figure && text !== ""
        text: root.detail
        size: Theme.textS
        color: Theme.ink2
    }
}
