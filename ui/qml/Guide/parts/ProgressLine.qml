pragma ComponentBehavior: Bound
import QtQuick
import Guide

// A thin bar: part done (0 to 1), or moving while nothing is known.
Rectangle {
    id: root

    property real part: 0
    property bool unknown: false

    implicitHeight: 4
    radius: 2
    color: Theme.line
    clip: true
    Accessible.role: Accessible.ProgressBar

    Rectangle {
        id: bar
        height: root.height
        radius: root.radius
        color: Theme.accent
        width: root.unknown ? root.width * 0.3 : root.width * Math.max(0, Math.min(1, root.part))

        NumberAnimation on x {
            running: root.unknown && root.visible && !Theme.reduceMotion
            from: -bar.width
            to: root.width
            duration: 1100
            loops: Animation.Infinite
        }
    }
}
