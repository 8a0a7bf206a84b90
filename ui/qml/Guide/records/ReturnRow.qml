pragma ComponentBehavior: Bound
import QtQuick
import Guide

// One sold line: how many pieces of it come back, and what they are worth.
Rectangle {
    id: root

    property string name: ""
    property string detail: ""
    property string picked: "0"
    property string amount: ""
    property bool canMore: false
    property bool canFewer: false
    signal more
    signal fewer

    implicitHeight: 66
    radius: Theme.radiusSmall
    color: canFewer ? Theme.accentSoft : Theme.surface2
    border.width: 1
    border.color: canFewer ? Theme.accent : Theme.line
    Accessible.role: Accessible.ListItem
    Accessible.name: name + ", " + detail + ", " + picked
    Accessible.description: amount

    Column {
        x: 14
        anchors.verticalCenter: parent.verticalCenter
        width: parent.width - x - sum.width - steps.width - 36
        spacing: 3

        Label { width: parent.width; text: root.name; size: 15; strong: true }
        Label { width: parent.width; text: root.detail; size: 13; color: Theme.ink2 }
    }
    Money {
        id: sum
        anchors { right: steps.left; rightMargin: 12; verticalCenter: parent.verticalCenter }
        text: root.amount
        size: Theme.textL
    }
    Row {
        id: steps
        anchors { right: parent.right; rightMargin: 10; verticalCenter: parent.verticalCenter }

        IconButton {
            enabled: root.canFewer
            glyph: "minus"
            text: Words.t("return.fewer") + ": " + root.name
            onClicked: root.fewer()
        }
        Label {
            width: Math.max(40, implicitWidth + 12)
            height: parent.height
            horizontalAlignment: Text.AlignHCenter
            text: root.picked
            size: 18
            font.weight: Font.Bold
            font.features: Theme.tabular
        }
        IconButton {
            enabled: root.canMore
            glyph: "plus"
            text: Words.t("return.more") + ": " + root.name
            onClicked: root.more()
        }
    }
}
