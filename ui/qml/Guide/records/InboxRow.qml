pragma ComponentBehavior: Bound
import QtQuick
import Guide

// One thing to see: what it is, what it was for, who is at it, what to do, and the buttons that do it.
Rectangle {
    id: root

    property string title: ""
    property string amount: ""
    property string detail: ""
    property string hint: ""
    property string holder: ""
    property bool isTaken: false
    property string glyph: ""
    property string kind: "warn"
    property bool canDeliver: false
    property string deliverText: ""
    property string shortage: ""
    property bool canGiveBack: false
    property bool canAsk: false
    property bool canClaim: false
    property string word: ""
    property string wordText: ""
    property string other: ""
    property string otherText: ""
    property bool busy: false
    signal delivered
    signal givenBack
    signal asked
    signal claimed
    signal settled(said: string)

    readonly property color tint: kind === "danger" ? Theme.danger : kind === "info" ? Theme.info
        : kind === "good" ? Theme.accentText : kind === "quiet" ? Theme.ink2 : Theme.warn
    readonly property color ground: kind === "danger" ? Theme.dangerSoft
        : kind === "info" ? Theme.infoSoft : kind === "good" ? Theme.accentSoft
        : kind === "quiet" ? Theme.pressed : Theme.warnSoft
    readonly property bool hasButtons: canDeliver || canGiveBack || canAsk || canClaim || word !== "" || other !== ""

    implicitHeight: words.height + (hasButtons ? buttons.height + 14 : 0) + 28
    radius: Theme.radius
    color: Theme.surface2
    border.width: 1
    border.color: Theme.line
    Accessible.role: Accessible.ListItem
    Accessible.name: title + " " + amount
    Accessible.description: detail + ". " + hint + " " + shortage + " " + holder

    Rectangle {
        x: 14
        y: 14
        width: 44
        height: 44
        radius: 14
        color: root.ground

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
            height: Math.max(name.implicitHeight, sum.height)

            Label {
                id: name
                width: parent.width - sum.width - 12
                height: parent.height
                text: root.title
                size: Theme.textL
                strong: true
                wrapMode: Text.Wrap
                color: root.tint
            }
            Money {
                id: sum
                anchors.right: parent.right
                text: root.amount
                size: root.hint === "" ? Theme.textL : Theme.textXL
            }
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: root.detail
            size: 13
            wrapMode: Text.Wrap
            color: Theme.ink2
            font.features: Theme.tabular
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: root.hint
            wrapMode: Text.Wrap
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: root.shortage
            color: Theme.danger
            wrapMode: Text.Wrap
        }
        Badge {
            visible: root.holder !== ""
            kind: root.isTaken ? "warn" : "good"
            glyph: "hand"
            text: root.holder
        }
    }
    Flow {
        id: buttons
        anchors { left: parent.left; right: parent.right; bottom: parent.bottom; margins: 14 }
        visible: root.hasButtons
        layoutDirection: Qt.RightToLeft
        spacing: 10

        Button {
            visible: root.canDeliver
            enabled: !root.busy
            kind: root.shortage === "" ? "primary" : "secondary"
            glyph: "package-check"
            text: root.deliverText
            onClicked: root.delivered()
        }
        Button {
            visible: root.canGiveBack
            enabled: !root.busy
            kind: root.canDeliver && root.shortage === "" ? "secondary" : "primary"
            glyph: "undo-2"
            text: Words.t("money.give_back")
            onClicked: root.givenBack()
        }
        Button {
            visible: root.word !== ""
            enabled: !root.busy
            kind: root.canDeliver || root.canGiveBack || root.canClaim || root.canAsk ? "secondary" : "primary"
            glyph: "check"
            text: root.wordText
            onClicked: root.settled(root.word)
        }
        Button {
            visible: root.other !== ""
            enabled: !root.busy
            text: root.otherText
            onClicked: root.settled(root.other)
        }
        Button {
            visible: root.canClaim
            enabled: !root.busy
            kind: root.canDeliver || root.canGiveBack ? "secondary" : "primary"
            glyph: "hand"
            text: Words.t("inbox.claim")
            onClicked: root.claimed()
        }
        Button {
            visible: root.canAsk
            enabled: !root.busy
            kind: root.canDeliver || root.canGiveBack || root.canClaim ? "secondary" : "primary"
            glyph: "refresh-cw"
            text: Words.t("money.ask")
            onClicked: root.asked()
        }
    }
}
