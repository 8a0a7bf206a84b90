pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// One row to tap: something at the left, two lines of words, a figure or mark at the right.
T.ItemDelegate {
    id: root

    property string detail: ""
    property string figure: ""
    property string glyph: ""
    property bool chosen: false
    property color tint: Theme.ink
    property alias leading: lead.sourceComponent

    implicitHeight: 64
    padding: 12
    focusPolicy: Qt.TabFocus
    Accessible.name: text
    Accessible.description: detail
    Accessible.role: Accessible.Button

    contentItem: Item {
        Loader {
            id: lead
            anchors.verticalCenter: parent.verticalCenter
        }
        Column {
            anchors.verticalCenter: parent.verticalCenter
            x: lead.width ? lead.width + 12 : 0
            width: parent.width - x - mark.width - 12
            spacing: 2

            Label { width: parent.width; text: root.text; size: 15; strong: true; color: root.tint }
            Label {
                width: parent.width
                visible: text !== ""
                text: root.detail
                size: 13
                color: Theme.ink2
            }
        }
        Row {
            id: mark
            anchors { right: parent.right; verticalCenter: parent.verticalCenter }
            spacing: 8

            Money { visible: text !== ""; text: root.figure; size: 15 }
            Icon {
                visible: root.glyph !== ""
                anchors.verticalCenter: parent.verticalCenter
                name: root.glyph
                colour: root.chosen ? Theme.accentText : Theme.ink3
            }
        }
    }
    background: Rectangle {
        radius: Theme.radiusSmall
        color: root.chosen ? Theme.accentSoft : root.down ? Theme.pressed : Theme.surface2
        border.width: root.chosen || root.visualFocus ? 2 : 1
        border.color: root.chosen || root.visualFocus ? Theme.accent : Theme.line
    }
}
