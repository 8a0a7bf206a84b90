pragma ComponentBehavior: Bound
import QtQuick
import Guide

// One key of a keypad, its figure large.
Button {
    id: root

    focusPolicy: Qt.NoFocus
    contentItem: Label {
        horizontalAlignment: Text.AlignHCenter
        text: root.text
        size: 24
        font.weight: Font.Medium
    }
}
