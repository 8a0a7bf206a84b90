pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// A place in the rail: glyph over a word.
T.Button {
    id: root

    property string glyph: ""
    property bool chosen: false
    property bool wordless: false
    property string badge: ""
    property color mark: chosen ? Theme.railAccent : Theme.railInk

    implicitHeight: wordless ? Theme.touch : Theme.compact ? 58 : 66
    focusPolicy: Qt.TabFocus
    Accessible.name: text
    Accessible.description: badge
    Accessible.role: Accessible.Button
    Accessible.checkable: true
    Accessible.checked: chosen

    contentItem: Item {
        Icon {
            anchors.horizontalCenter: parent.horizontalCenter
            anchors.verticalCenter: parent.verticalCenter
            anchors.verticalCenterOffset: root.wordless ? 0 : -10
            name: root.glyph
            size: root.wordless ? 20 : 23
            colour: root.mark
        }
        Label {
            visible: !root.wordless
            anchors { left: parent.left; right: parent.right; bottom: parent.bottom }
            anchors.bottomMargin: Theme.compact ? 7 : 10
            horizontalAlignment: Text.AlignHCenter
            text: root.text
            size: Theme.textS
            fontSizeMode: Text.HorizontalFit
            minimumPixelSize: 9
            color: root.chosen ? Theme.railInkActive : Theme.railInk
        }
        Rectangle {
            visible: root.badge !== ""
            x: parent.width / 2 + 4
            y: Theme.compact ? 4 : 6
            width: Math.max(height, count.implicitWidth + 10)
            height: 19
            radius: height / 2
            color: "#B3261E"

            Label {
                id: count
                anchors.centerIn: parent
                text: root.badge
                size: Theme.textS
                strong: true
                color: "#FFFFFF"
            }
        }
    }
    background: Rectangle {
        radius: Theme.radius
        color: root.chosen || root.down ? Theme.railActive : "transparent"
        border.width: root.visualFocus ? 2 : 0
        border.color: Theme.railAccent
    }
}
