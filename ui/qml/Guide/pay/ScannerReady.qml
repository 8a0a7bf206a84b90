pragma ComponentBehavior: Bound
import QtQuick
import Guide

// What can be scanned now. Not a button: the scanner is always ready, whatever has the focus.
Row {
    id: root

    property alias text: words.text

    height: 30
    spacing: 10

    Icon {
        anchors.verticalCenter: parent.verticalCenter
        name: "scan-line"
        size: 22
        colour: Theme.info
    }
    Label {
        id: words
        anchors.verticalCenter: parent.verticalCenter
        size: 16
        strong: true
        color: Theme.info
        Accessible.role: Accessible.StaticText
        Accessible.name: text
    }
}
