pragma ComponentBehavior: Bound
import QtQuick

// Four corners around the place to look at, with a dark rim, so that they are seen on any picture.
Item {
    id: root

    property color tint: "white"
    property int arm: 32
    property int thick: 4

    Strokes { rim: 1; colour: "#73000000" }
    Strokes { rim: 0; colour: root.tint }

    // Two strokes at each corner: the first four lie, the others stand.
    component Strokes: Repeater {
        id: strokes

        required property int rim
        required property color colour

        model: 8
        delegate: Rectangle {
            required property int index
            readonly property bool lies: index < 4
            readonly property bool atRight: index % 2 === 1
            readonly property bool atBottom: Math.floor(index / 2) % 2 === 1
            readonly property int across: lies ? root.arm : root.thick
            readonly property int down: lies ? root.thick : root.arm

            x: (atRight ? root.width - across : 0) - strokes.rim
            y: (atBottom ? root.height - down : 0) - strokes.rim
            width: across + 2 * strokes.rim
            height: down + 2 * strokes.rim
            color: strokes.colour
        }
    }
}
