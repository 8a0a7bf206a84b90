pragma ComponentBehavior: Bound
import QtQuick
import Guide

// A garment standing on its own ground. The picture is rendered once per colour and size, off the
// drawing thread, so a tile never waits for it.
Rectangle {
    id: root

    property string source: ""
    property color cloth: Theme.stage
    property int inset: 10

    radius: Theme.radiusSmall
    color: Theme.backdrop(cloth)

    Image {
        anchors.centerIn: parent
        readonly property int side: Math.max(8, Math.min(root.width, root.height) - 2 * root.inset)
        width: side
        height: side
        sourceSize: Qt.size(side, side)
        source: root.source
        asynchronous: true
        fillMode: Image.PreserveAspectFit
        Accessible.ignored: true
    }
}
