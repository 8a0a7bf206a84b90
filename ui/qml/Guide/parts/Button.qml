pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// The button with words: primary (one per screen), secondary, quiet or danger.
T.Button {
    id: root

    property string glyph: ""
    property string kind: "secondary"
    property string trailing: ""
    property bool big: false
    property bool busy: false

    readonly property real wish: word.implicitWidth + (glyph ? mark.width + spacing : 0)
    readonly property bool filled: kind === "primary" || kind === "danger"
    readonly property color fill: kind === "primary" ? (down ? Theme.accentPressed : Theme.accent)
        : kind === "danger" ? Theme.dangerFill
        : down || checked ? Theme.pressed
        : kind === "quiet" ? "transparent" : Theme.surface
    readonly property color tint: kind === "primary" ? Theme.accentInk
        : kind === "danger" ? Theme.dangerInk : Theme.ink

    implicitHeight: big ? (Theme.compact ? 56 : 64) : Theme.touch
    implicitWidth: Math.max(Theme.touch, wish + leftPadding + rightPadding)
    leftPadding: big ? 20 : 16
    rightPadding: leftPadding
    spacing: big ? 12 : 9
    opacity: enabled ? 1 : 0.45
    focusPolicy: Qt.TabFocus
    Accessible.name: trailing ? text + " " + trailing : text
    Accessible.role: Accessible.Button

    contentItem: Item {
        Row {
            id: row
            anchors.verticalCenter: parent.verticalCenter
            x: root.trailing ? 0 : Math.max(0, (parent.width - width) / 2)
            spacing: root.spacing

            Icon {
                id: mark
                visible: root.glyph !== ""
                anchors.verticalCenter: parent.verticalCenter
                name: root.busy ? "loader-circle" : root.glyph
                size: root.big ? 24 : 19
                colour: root.tint
            }
            Label {
                id: word
                visible: root.text !== ""
                anchors.verticalCenter: parent.verticalCenter
                width: Math.min(implicitWidth, root.availableWidth - (root.glyph ? mark.width + root.spacing : 0))
                text: root.text
                size: root.big ? 18 : 15
                strong: true
                color: root.tint
            }
        }
        Money {
            visible: root.trailing !== ""
            anchors { right: parent.right; verticalCenter: parent.verticalCenter }
            text: root.trailing
            size: root.big ? (Theme.compact ? 20 : 24) : 16
            color: root.tint
            font.weight: Font.Bold
        }
    }

    background: Rectangle {
        radius: root.big ? Theme.radius : Theme.radiusSmall
        color: root.fill
        border.width: root.visualFocus ? 2 : root.filled || root.kind === "quiet" ? 0 : 1
        border.color: root.visualFocus ? (root.filled ? Theme.ink : Theme.accent) : Theme.line
    }
}
