pragma ComponentBehavior: Bound
import QtQuick
import Guide

// One glyph of the icon font; decoration only, the item around it carries the accessible name.
Text {
    id: root

    property string name: ""
    property int size: 20
    property color colour: Theme.ink

    text: Icons.glyph(name)
    textFormat: Text.PlainText
    color: colour
    font.family: Theme.iconFamily
    font.pixelSize: size
    width: size
    height: size
    horizontalAlignment: Text.AlignHCenter
    verticalAlignment: Text.AlignVCenter
    Accessible.ignored: true
}
