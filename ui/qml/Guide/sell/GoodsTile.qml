pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// One style: the garment on its ground, what it costs, whether it is here, how many are in the cart.
T.AbstractButton {
    id: root

    required property string styleNo
    required property string name
    required property string price
    required property string stock
    required property string stockKind
    required property bool broken
    required property string picture
    required property string cloth
    required property list<string> dots
    required property string moreDots
    required property string inCart

    readonly property bool taken: inCart !== ""

    focusPolicy: Qt.TabFocus
    Accessible.name: name
    Accessible.description: price + ", " + stock
    Accessible.role: Accessible.Button
    Keys.onReturnPressed: click()

    background: Rectangle {
        radius: Theme.radius
        color: root.down ? Theme.pressed : Theme.surface
        border.width: root.taken || root.visualFocus ? 2 : 1
        border.color: root.taken || root.visualFocus ? Theme.accent : Theme.line
    }
    contentItem: Item {
        GarmentImage {
            id: picture
            x: 7
            y: 7
            width: parent.width - 14
            height: parent.height - 14 - 62
            source: root.picture
            cloth: root.cloth
            opacity: root.stockKind === "out" ? 0.55 : 1
        }
        Row {
            anchors { left: picture.left; bottom: picture.bottom; margins: 8 }
            spacing: 4

            // As many as there can be, made once: a search changes every tile at every key.
            Repeater {
                model: 5

                Rectangle {
                    required property int index
                    readonly property bool used: index < root.dots.length
                    visible: used
                    width: 12
                    height: 12
                    radius: 6
                    color: used ? root.dots[index] : "transparent"
                    border.width: 1
                    border.color: Theme.dark ? "#66FFFFFF" : "#40000000"
                }
            }
            Label {
                visible: text !== ""
                text: root.moreDots
                size: 11
                color: Theme.ink2
            }
        }
        Badge {
            anchors { left: picture.left; top: picture.top; margins: 7 }
            visible: root.broken
            kind: "warn"
            text: visible ? Words.t("sell.broken") : ""
        }
        Rectangle {
            anchors { right: picture.right; top: picture.top; margins: 6 }
            visible: root.taken
            width: Math.max(28, count.implicitWidth + 16)
            height: 28
            radius: 14
            color: Theme.accent

            Label {
                id: count
                anchors.centerIn: parent
                text: root.inCart
                size: 15
                font.weight: Font.Bold
                color: Theme.accentInk
            }
        }
        Label {
            x: 14
            width: parent.width - 28
            anchors.bottom: foot.top
            height: 24
            text: root.name
            size: 15
            strong: true
        }
        Item {
            id: foot
            x: 14
            width: parent.width - 28
            height: 24
            anchors { bottom: parent.bottom; bottomMargin: 11 }

            Money {
                height: parent.height
                text: root.price
                size: Theme.textL
                font.weight: Font.Bold
                color: Theme.accentText
            }
            Label {
                anchors.right: parent.right
                height: parent.height
                text: root.stock
                size: Theme.textS
                color: root.stockKind === "out" ? Theme.danger
                    : root.stockKind === "low" ? Theme.warn : Theme.ink3
            }
        }
    }
}
