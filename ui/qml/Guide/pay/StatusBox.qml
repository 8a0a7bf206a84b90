pragma ComponentBehavior: Bound
import QtQuick
import Guide

// What is known, in one line, and what it means. The colour follows the news, never the mood.
Rectangle {
    id: root

    property string tone: "calm"
    property string glyph: ""
    property string status: ""
    property string hint: ""
    property string elapsed: ""
    property bool turning: false

    readonly property color tint: tone === "good" ? Theme.accentText : tone === "bad" ? Theme.danger
        : tone === "look" ? Theme.info : tone === "calm" ? Theme.ink2 : Theme.warn

    implicitHeight: words.height + 28
    radius: Theme.radius
    color: tone === "good" ? Theme.accentSoft : tone === "bad" ? Theme.dangerSoft
        : tone === "look" ? Theme.infoSoft : tone === "calm" ? Theme.surface2 : Theme.warnSoft
    Accessible.role: Accessible.AlertMessage
    Accessible.name: status
    Accessible.description: hint

    Behavior on color { ColorAnimation { duration: Theme.slow } }

    Icon {
        id: mark
        x: 16
        y: 15
        name: root.glyph
        size: 23
        colour: root.tint

        RotationAnimation on rotation {
            running: root.turning && root.visible && !Theme.reduceMotion
            from: 0
            to: 360
            duration: 1400
            loops: Animation.Infinite
            onRunningChanged: if (!running) mark.rotation = 0
        }
    }
    Column {
        id: words
        x: 52
        y: 14
        width: parent.width - x - 16
        spacing: 4

        Label {
            width: parent.width
            text: root.status
            size: 17
            strong: true
            color: root.tint
            wrapMode: Text.Wrap
            font.features: Theme.tabular
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: root.hint
            color: Theme.ink2
            lineHeight: 1.2
            wrapMode: Text.Wrap
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: root.elapsed
            size: Theme.textS
            color: Theme.ink2
            font.features: Theme.tabular
        }
    }
}
