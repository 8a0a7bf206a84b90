pragma ComponentBehavior: Bound
import QtQuick
import Guide

// One row of a document in words: a heading, a line, why its price, the total, a tender, a commission.
Item {
    id: root

    property string kind: "line"
    property string text: ""
    property string detail: ""
    property string amount: ""
    property color ink: Theme.ink
    property color faint: Theme.ink2
    property color off: Theme.warn
    property color rule: Theme.line

    readonly property bool head: kind === "head"
    readonly property bool total: kind === "total"
    readonly property bool reason: kind === "reason"

    implicitHeight: words.implicitHeight + (head ? 22 : total ? 28 : reason ? 4 : 14)
    Accessible.role: Accessible.StaticText
    Accessible.name: root.text + " " + root.amount
    Accessible.description: root.detail

    Rectangle {
        y: 10
        width: parent.width
        height: 1
        visible: root.total
        color: root.rule
    }
    Column {
        id: words
        x: root.reason ? 14 : 0
        width: parent.width - x - (sum.visible ? sum.width + 12 : 0)
        anchors.bottom: parent.bottom
        anchors.bottomMargin: root.reason ? 0 : 5
        spacing: 2

        Label {
            width: parent.width
            text: root.text
            size: root.head || root.reason ? 13 : root.total ? 17 : 15
            strong: root.head || root.total || root.kind === "line"
            color: root.head || root.reason ? root.faint : root.ink
            wrapMode: Text.Wrap
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: root.detail
            size: 13
            color: root.faint
            wrapMode: Text.Wrap
            font.features: Theme.tabular
        }
    }
    Money {
        id: sum
        anchors { right: parent.right; top: words.top }
        visible: text !== ""
        text: root.amount
        size: root.total ? 20 : root.reason ? 13 : 15
        strong: !root.reason
        color: root.reason ? root.off : root.ink
    }
}
