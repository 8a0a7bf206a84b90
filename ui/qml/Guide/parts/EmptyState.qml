pragma ComponentBehavior: Bound
import QtQuick
import Guide

// Nothing here yet, and what to do about it.
Column {
    id: root

    property string glyph: ""
    property string title: ""
    property string hint: ""
    property string action: ""
    signal acted

    spacing: 8

    Rectangle {
        anchors.horizontalCenter: parent.horizontalCenter
        width: Theme.compact ? 64 : 84
        height: width
        radius: width / 2
        color: Theme.accentSoft

        Icon {
            anchors.centerIn: parent
            name: root.glyph
            size: Theme.compact ? 28 : 36
            colour: Theme.accentText
        }
    }
    Item { width: 1; height: 4 }
    Label {
        width: root.width
        horizontalAlignment: Text.AlignHCenter
        text: root.title
        size: 17
        strong: true
        wrapMode: Text.Wrap
    }
    Label {
        width: root.width
        horizontalAlignment: Text.AlignHCenter
        visible: text !== ""
        text: root.hint
        color: Theme.ink2
        lineHeight: 1.25
        wrapMode: Text.Wrap
    }
    Button {
        anchors.horizontalCenter: parent.horizontalCenter
        visible: root.action !== ""
        text: root.action
        onClicked: root.acted()
    }
}
