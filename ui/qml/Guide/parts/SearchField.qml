pragma ComponentBehavior: Bound
import QtQuick
import Guide

// A field that tells of every key at once and can be emptied with one tap.
Field {
    id: root

    property string clearName: ""

    glyph: "search"
    rightPadding: text ? 50 : 16
    inputMethodHints: Qt.ImhNoPredictiveText | Qt.ImhNoAutoUppercase

    IconButton {
        anchors { right: parent.right; rightMargin: 1; verticalCenter: parent.verticalCenter }
        visible: root.text !== ""
        text: root.clearName
        glyph: "x"
        glyphSize: 17
        framed: false
        tint: Theme.ink2
        onClicked: {
            root.clear();
            root.forceActiveFocus();
        }
    }
}
