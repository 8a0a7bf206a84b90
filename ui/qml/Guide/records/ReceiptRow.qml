pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// One receipt in the list: number and time, what it held, its amount, and whether the cloud has it.
T.ItemDelegate {
    id: root

    property string receiptNo: ""
    property string at: ""
    property string detail: ""
    property string amount: ""
    property bool refund: false
    property bool sent: false
    property string sentText: ""
    property bool chosen: false

    implicitHeight: Math.max(68, words.implicitHeight + 24)
    padding: 12
    focusPolicy: Qt.TabFocus
    Accessible.name: receiptNo + " " + amount
    Accessible.description: at + " " + detail + " " + sentText
    Accessible.role: Accessible.Button

    contentItem: Item {
        Column {
            id: words
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width - sum.width - 12
            spacing: 3

            Row {
                width: parent.width
                spacing: 8

                Label {
                    id: number
                    text: root.receiptNo
                    size: 15
                    strong: true
                    font.features: Theme.tabular
                }
                Badge {
                    anchors.verticalCenter: parent.verticalCenter
                    visible: root.refund
                    kind: "danger"
                    text: Words.t("history.kind.refund")
                }
            }
            Label {
                width: parent.width
                text: root.at + " · " + root.detail
                wrapMode: Text.Wrap
                size: 13
                color: Theme.ink2
            }
        }
        Column {
            id: sum
            anchors { right: parent.right; verticalCenter: parent.verticalCenter }
            spacing: 3

            Money {
                anchors.right: parent.right
                text: root.amount
                size: Theme.textL
                color: root.refund ? Theme.danger : Theme.ink
            }
            Row {
                anchors.right: parent.right
                spacing: 4

                Icon {
                    anchors.verticalCenter: parent.verticalCenter
                    name: root.sent ? "check" : "cloud-upload"
                    size: 14
                    colour: root.sent ? Theme.accentText : Theme.warn
                }
                Label {
                    text: root.sentText
                    size: Theme.textS
                    color: root.sent ? Theme.ink2 : Theme.warn
                }
            }
        }
    }
    background: Rectangle {
        radius: Theme.radiusSmall
        color: root.chosen ? Theme.accentSoft : root.down ? Theme.pressed : Theme.surface
        border.width: root.chosen || root.visualFocus ? 2 : 1
        border.color: root.chosen || root.visualFocus ? Theme.accent : Theme.line
    }
}
