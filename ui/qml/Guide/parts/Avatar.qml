pragma ComponentBehavior: Bound
import QtQuick
import Guide

// A person as one or two letters on a quiet cloth colour that stays the same for them.
Rectangle {
    id: root

    property string text: ""
    property int seed: 0
    property int size: 44

    width: size
    height: size
    radius: size / 2
    color: Theme.tone(seed)
    Accessible.ignored: true

    Label {
        anchors.centerIn: parent
        text: root.text
        size: Math.round(root.size * (root.text.length > 1 ? 0.36 : 0.42))
        strong: true
        color: Theme.toneInk
    }
}
