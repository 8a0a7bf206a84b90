pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// A face to tap at sign-in.
T.AbstractButton {
    id: root

    required property string personId
    required property string name
    required property string role
    required property string letters
    required property int seed
    required property bool manager

    padding: 7
    focusPolicy: Qt.TabFocus
    Accessible.name: name
    Accessible.description: role
    Accessible.role: Accessible.Button
    Keys.onReturnPressed: click()
    Keys.onEnterPressed: click()

    contentItem: Card {
        raised: !root.down
        corner: 20
        fill: root.down ? Theme.pressed : Theme.surface
        edge: root.visualFocus ? Theme.accent : Theme.line

        Column {
            anchors.centerIn: parent
            width: parent.width - 20
            spacing: Theme.compact ? 6 : 9

            Avatar {
                anchors.horizontalCenter: parent.horizontalCenter
                size: Theme.compact ? 54 : 68
                text: root.letters
                seed: root.seed
            }
            Label {
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                text: root.name
                size: Theme.textL
                strong: true
            }
            Label {
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                text: root.role
                size: 13
                color: root.manager ? Theme.accentText : Theme.ink3
            }
        }
    }
}
