pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// One way of paying.
T.Button {
    id: root

    property string glyph: ""
    property string detail: ""
    property bool chosen: false

    implicitHeight: Theme.compact ? 96 : 108
    padding: Theme.compact ? 12 : 14
    focusPolicy: Qt.TabFocus
    opacity: enabled || chosen ? 1 : 0.55
    Accessible.name: text
    Accessible.description: detail
    Accessible.role: Accessible.RadioButton
    Accessible.checkable: true
    Accessible.checked: chosen

    contentItem: Item {
        Icon {
            name: root.glyph
            size: Theme.compact ? 23 : 26
            colour: root.chosen ? Theme.accentText : Theme.ink2
        }
        Icon {
            anchors.right: parent.right
            visible: root.chosen
            name: "circle-check"
            size: 21
            colour: Theme.accentText
        }
        Column {
            anchors { left: parent.left; right: parent.right; bottom: parent.bottom }
            spacing: 2

            Label {
                width: parent.width
                text: root.text
                size: 15
                strong: true
            }
            Label {
                width: parent.width
                text: root.detail
                size: Theme.textS
                color: Theme.ink2
            }
        }
    }
    background: Rectangle {
        radius: Theme.radius
        color: root.chosen ? Theme.accentSoft : root.down ? Theme.pressed : Theme.surface2
        border.width: root.chosen || root.visualFocus ? 2 : 1
        border.color: root.chosen || root.visualFocus ? Theme.accent : Theme.line
    }
}
