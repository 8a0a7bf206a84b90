pragma ComponentBehavior: Bound
import QtQuick
import Guide

// One commission entry that explains itself: net × rate × share = amount.
Rectangle {
    id: root

    property string name: ""
    property string at: ""
    property string receiptNo: ""
    property string sum: ""
    property string spoken: ""
    property string amount: ""
    property bool negative: false

    implicitHeight: 72
    radius: Theme.radiusSmall
    color: Theme.surface2
    border.width: 1
    border.color: Theme.line
    Accessible.role: Accessible.StaticText
    Accessible.name: name + " " + amount
    Accessible.description: spoken

    Column {
        anchors { left: parent.left; leftMargin: 14; verticalCenter: parent.verticalCenter }
        width: parent.width - earned.width - 40
        spacing: 4

        Label {
            width: parent.width
            text: root.name
            size: 15
            strong: true
        }
        Label {
            width: parent.width
            text: root.sum
            size: 13
            color: Theme.ink2
            font.features: Theme.tabular
        }
    }
    Column {
        id: earned
        anchors { right: parent.right; rightMargin: 14; verticalCenter: parent.verticalCenter }
        spacing: 4

        Money {
            anchors.right: parent.right
            text: root.amount
            size: 17
            color: root.negative ? Theme.danger : Theme.accentText
        }
        Label {
            anchors.right: parent.right
            text: root.at + " · " + root.receiptNo
            size: Theme.textS
            color: Theme.ink3
            font.features: Theme.tabular
        }
    }
}
