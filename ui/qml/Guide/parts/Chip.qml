pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// A choice among few: categories, reasons, guides.
T.Button {
    id: root

    property string glyph: ""
    property string count: ""
    property bool chosen: false

    implicitHeight: Theme.touch
    implicitWidth: row.implicitWidth + 30
    focusPolicy: Qt.TabFocus
    opacity: enabled ? 1 : 0.45
    Accessible.name: text
    Accessible.role: Accessible.Button
    Accessible.checkable: true
    Accessible.checked: chosen

    contentItem: Item {
        Row {
            id: row
            anchors.centerIn: parent
            spacing: 7

            Icon {
                visible: root.glyph !== ""
                anchors.verticalCenter: parent.verticalCenter
                name: root.glyph
                size: 17
                colour: root.chosen ? Theme.accentInk : Theme.ink2
            }
            Label {
                anchors.verticalCenter: parent.verticalCenter
                text: root.text
                size: 15
                strong: true
                color: root.chosen ? Theme.accentInk : Theme.ink
            }
            Label {
                visible: root.count !== ""
                anchors.verticalCenter: parent.verticalCenter
                text: root.count
                size: Theme.textS
                color: root.chosen ? Theme.accentInk : Theme.ink3
                font.features: Theme.tabular
            }
        }
    }
    background: Rectangle {
        radius: height / 2
        color: root.chosen ? Theme.accent : root.down ? Theme.pressed : Theme.surface
        border.width: root.visualFocus ? 2 : root.chosen ? 0 : 1
        border.color: root.visualFocus ? Theme.ink : Theme.line
    }
}
