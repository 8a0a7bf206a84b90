pragma ComponentBehavior: Bound
import QtQuick
import Guide

// The receipt on paper: the printer's own raster where there is one, else the same in words. Paper is
// white in every look.
Flickable {
    id: root

    property string picture: ""
    property string storeName: ""
    property string receiptNo: ""
    property alias parts: rows.model

    contentHeight: paper.height
    clip: true
    boundsBehavior: Flickable.StopAtBounds
    Accessible.role: Accessible.Document
    Accessible.name: Words.t("done.receipt")

    Rectangle {
        id: paper
        anchors.horizontalCenter: parent.horizontalCenter
        width: Math.min(root.width, 340)
        height: Math.max(root.height, (raster.visible ? raster.height : words.height) + 36)
        color: "#FFFFFF"
        border.width: 1
        border.color: "#E4DFD6"

        Image {
            id: raster
            anchors.horizontalCenter: parent.horizontalCenter
            y: 18
            visible: root.picture !== ""
            source: root.picture
            sourceSize.width: paper.width - 36
            cache: false
        }
        Column {
            id: words
            x: 22
            y: 20
            width: parent.width - 44
            visible: root.picture === ""

            Label {
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                text: root.storeName
                size: 18
                strong: true
                color: "#191D1B"
                wrapMode: Text.Wrap
            }
            Label {
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                text: root.receiptNo
                size: 13
                color: "#545C57"
            }
            Repeater {
                id: rows

                PartRow {
                    required property string key
                    required kind
                    required text
                    required detail
                    required amount

                    width: words.width
                    ink: "#191D1B"
                    faint: "#545C57"
                    off: "#8A5200"
                    rule: "#E4DFD6"
                }
            }
        }
    }
}
