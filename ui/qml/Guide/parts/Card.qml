pragma ComponentBehavior: Bound
import QtQuick
import Guide

// Paper with a hairline; a raised card has a soft shadow of two flat sheets.
Item {
    id: root

    property color fill: Theme.surface
    property color edge: Theme.line
    property int corner: Theme.radius
    property bool raised: false
    default property alias content: paper.data

    Repeater {
        model: root.raised && !Theme.dark ? 3 : 0

        Rectangle {
            required property int index
            x: -index
            y: 2 + index * 2
            width: root.width + index * 2
            height: root.height
            radius: root.corner + index
            color: "#08000000"
        }
    }
    Rectangle {
        id: paper
        anchors.fill: parent
        radius: root.corner
        color: root.fill
        border.width: 1
        border.color: root.edge
    }
}
