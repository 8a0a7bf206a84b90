pragma ComponentBehavior: Bound
import QtQuick
import Guide

// All words on the screen. Always plain text: what people typed is shown, never interpreted.
Text {
    property int size: Theme.textM
    property bool strong: false

    textFormat: Text.PlainText
    color: Theme.ink
    font.pixelSize: size
    font.weight: strong ? Font.DemiBold : Font.Normal
    elide: Text.ElideRight
    verticalAlignment: Text.AlignVCenter
}
