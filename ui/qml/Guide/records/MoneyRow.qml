pragma ComponentBehavior: Bound
import QtQuick
import Guide

// One payment that waits: what it is, what it was for, what to do, and the buttons that do it.
Rectangle {
    id: root

    property string title: ""
    property string amount: ""
    property string detail: ""
    property string hint: ""
    property string glyph: ""
    property string kind: "warn"
    property bool canDeliver: false
    property bool busy: false
    signal delivered
    signal asked

    readonly property color tint: kind === "danger" ? Theme.danger
        : kind === "info" ? Theme.info : Theme.warn

    implicitHeight: words.height + buttons.height + 38
    radius: Theme.radius
    color: Theme.surface2
    border.width: 1
    border.color: Theme.line
    Accessible.role: Accessible.ListItem
    Accessible.name: title + " " + amount
    Accessible.description: detail + ". " + hint

    Rectangle {
        x: 14
        y: 14
        width: 44
        height: 44
        radius: 14
        color: root.kind === "danger" ? Theme.dangerSoft
            : root.kind === "info" ? Theme.infoSoft : Theme.warnSoft

        Icon { anchors.centerIn: parent; name: root.glyph; size: 22; colour: root.tint }
    }
    Column {
        id: words
        x: 72
        y: 14
        width: parent.width - x - 16
        spacing: 4

        Item {
            width: parent.width
            height: sum.height

            Label {
                width: parent.width - sum.width - 12
                height: parent.height
                text: root.title
                size: Theme.textL
                strong: true
                color: root.tint
            }
            Money {
                id: sum
                anchors.right: parent.right
                text: root.amount
                size: Theme.textXL
            }
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: root.detail
            size: 13
            color: Theme.ink2
            font.features: Theme.tabular
        }
        Label {
            width: parent.width
            text: root.hint
            wrapMode: Text.Wrap
        }
    }
    Row {
        id: buttons
        anchors { right: parent.right; rightMargin: 14; bottom: parent.bottom; bottomMargin: 12 }
        spacing: 10

        Button {
            enabled: !root.busy
            glyph: "refresh-cw"
            text: Words.t("money.ask")
            onClicked: root.asked()
        }
        Button {
            visible: root.canDeliver
            enabled: !root.busy
            kind: "primary"
            glyph: "package-check"
            text: Words.t("money.deliver")
            onClicked: root.delivered()
        }
    }
}
