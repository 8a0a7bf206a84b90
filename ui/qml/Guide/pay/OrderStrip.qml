pragma ComponentBehavior: Bound
import QtQuick
import Guide

// What is being paid for, at a glance: the garments in their colours, swept sideways when many.
ListView {
    id: root

    property alias lines: root.model

    implicitHeight: 60
    orientation: ListView.Horizontal
    spacing: 8
    clip: true
    boundsBehavior: Flickable.StopAtBounds
    Accessible.role: Accessible.List
    Accessible.name: Words.t("history.lines")

    delegate: GarmentImage {
        id: piece

        required property string key
        required property string name
        required property string picture
        required cloth
        required property string quantity
        required property bool several

        width: 60
        height: 60
        inset: 5
        source: picture
        Accessible.role: Accessible.Graphic
        Accessible.name: name + " " + quantity

        Rectangle {
            anchors { right: parent.right; bottom: parent.bottom; margins: 3 }
            visible: piece.several
            width: Math.max(20, count.implicitWidth + 10)
            height: 20
            radius: 10
            color: Theme.accent

            Label {
                id: count
                anchors.centerIn: parent
                text: piece.quantity
                size: Theme.textS
                strong: true
                color: Theme.accentInk
            }
        }
    }
}
