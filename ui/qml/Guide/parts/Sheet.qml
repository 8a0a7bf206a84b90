pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// A sheet of paper over the screen: title, words, content, and a way out. Esc and the scrim close it.
T.Popup {
    id: root

    property string title: ""
    property string subtitle: ""
    property string closeName: ""
    property int wide: 560
    default property alias body: holder.data

    parent: T.Overlay.overlay
    x: Math.round(((parent?.width ?? 0) - width) / 2)
    y: Math.round(((parent?.height ?? 0) - height) / 2)
    width: Math.min(wide, (parent?.width ?? wide) - 32)
    height: Math.min(holder.childrenRect.height + head.height + 48, (parent?.height ?? 600) - 32)
    modal: true
    focus: true
    closePolicy: T.Popup.CloseOnEscape | T.Popup.CloseOnPressOutside
    padding: 24

    T.Overlay.modal: Rectangle {
        color: Theme.scrim
    }

    enter: Transition {
        NumberAnimation { property: "opacity"; from: 0; to: 1; duration: Theme.fast }
    }
    // No exit transition: while it fades the sheet would still eat the next tap.

    background: Card {
        corner: 22
        raised: true
    }
    contentItem: Item {
        Item {
            id: head
            width: parent.width
            height: Theme.touch + (root.subtitle ? 16 : 8)

            Column {
                width: parent.width - Theme.touch - 12
                spacing: 3

                Label {
                    width: parent.width
                    text: root.title
                    size: Theme.textXL
                    font.weight: Font.Bold
                }
                Label {
                    width: parent.width
                    visible: text !== ""
                    text: root.subtitle
                    color: Theme.ink2
                }
            }
            IconButton {
                anchors.right: parent.right
                y: -8
                text: root.closeName
                glyph: "x"
                framed: false
                tint: Theme.ink2
                onClicked: root.close()
            }
        }
        Item {
            id: holder
            y: head.height
            width: parent.width
            height: parent.height - y
        }
    }
}
