pragma ComponentBehavior: Bound
import QtQuick
import Guide

// Fewer, how many, more. At one piece "fewer" becomes "remove".
Row {
    id: root

    property string quantity: "1"
    property bool last: quantity === "1"
    property string fewerName: ""
    property string moreName: ""
    signal fewer
    signal more

    spacing: 0

    IconButton {
        text: root.fewerName
        glyph: root.last ? "trash-2" : "minus"
        glyphSize: 17
        leftInset: 4
        rightInset: 4
        slim: 5
        tint: root.last ? Theme.danger : Theme.ink
        onClicked: root.fewer()
    }
    Label {
        width: Math.max(26, implicitWidth + 10)
        height: parent.height
        horizontalAlignment: Text.AlignHCenter
        text: root.quantity
        size: Theme.textL
        strong: true
        font.features: Theme.tabular
    }
    IconButton {
        text: root.moreName
        glyph: "plus"
        glyphSize: 17
        leftInset: 4
        rightInset: 4
        slim: 5
        onClicked: root.more()
    }
}
