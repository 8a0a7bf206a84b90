pragma ComponentBehavior: Bound
import QtQuick
import Guide

// Paid, and nobody can mistake it: the whole sheet turns, the mark lands, the time stands there.
Rectangle {
    id: root

    property string amount: ""
    property string line: ""
    property string hint: ""
    signal carriedOn

    radius: 24
    color: Theme.accent
    Accessible.role: Accessible.AlertMessage
    Accessible.name: line + " " + amount

    Column {
        anchors.centerIn: parent
        width: parent.width - 80
        spacing: Theme.compact ? 10 : 16

        Rectangle {
            id: seal
            anchors.horizontalCenter: parent.horizontalCenter
            width: Theme.compact ? 128 : 156
            height: width
            radius: width / 2
            color: Theme.accentInk

            Icon {
                anchors.centerIn: parent
                name: "check"
                size: Theme.compact ? 84 : 104
                colour: Theme.accent
            }
            NumberAnimation on scale {
                running: !Theme.reduceMotion
                from: 0.4
                to: 1
                duration: 200
                easing.type: Easing.OutBack
            }
        }
        Label {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: root.line
            size: 30
            font.weight: Font.Bold
            color: Theme.accentInk
            font.features: Theme.tabular
        }
        Money {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: root.amount
            size: Theme.compact ? 52 : 64
            font.weight: Font.Bold
            color: Theme.accentInk
        }
        Label {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: root.hint
            size: 20
            strong: true
            color: Theme.accentInk
        }
        Item { width: 1; height: 4 }
        Button {
            anchors.horizontalCenter: parent.horizontalCenter
            width: 240
            big: true
            glyph: "arrow-right"
            text: Words.t("pay.next")
            onClicked: root.carriedOn()
        }
    }
}
