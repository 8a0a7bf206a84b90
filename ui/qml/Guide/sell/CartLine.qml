pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// One line of the cart. Swipe to remove; everything else has a button.
T.SwipeDelegate {
    id: root

    required property string lineNo
    required property string name
    required property string detail
    required property string picture
    required property string cloth
    required property string quantity
    required property string net
    required property string gross
    required property string reasons
    required property string guides
    property bool chosen: false
    property int edge: 20
    signal fewer
    signal more
    signal removed
    signal discountAsked
    signal guideAsked

    implicitHeight: Theme.compact ? 96 : 104
    focusPolicy: Qt.NoFocus
    Accessible.name: name + ", " + detail
    Accessible.description: quantity + " · " + net
    Accessible.role: Accessible.ListItem
    swipe.onCompleted: removed()

    function flash(): void {
        glow.restart();
    }

    swipe.right: Rectangle {
        anchors.right: parent?.right
        width: root.width
        height: root.height
        color: Theme.dangerFill

        Row {
            anchors { right: parent.right; rightMargin: 24; verticalCenter: parent.verticalCenter }
            spacing: 8

            Icon { anchors.verticalCenter: parent.verticalCenter; name: "trash-2"; colour: Theme.dangerInk }
            Label { text: Words.t("cart.remove"); size: 15; strong: true; color: Theme.dangerInk }
        }
    }

    background: Rectangle {
        color: root.chosen ? Theme.surface2 : Theme.surface

        Rectangle {
            visible: root.chosen
            width: 3
            height: parent.height
            color: Theme.accent
        }
        Rectangle {
            id: light
            anchors.fill: parent
            color: Theme.accentSoft
            opacity: 0

            NumberAnimation on opacity {
                id: glow
                running: false
                from: Theme.reduceMotion ? 0 : 1
                to: 0
                duration: 420
            }
        }
        Rectangle {
            x: root.edge
            anchors.bottom: parent.bottom
            width: parent.width - 2 * root.edge
            height: 1
            color: Theme.line
        }
    }
    contentItem: Item {
        GarmentImage {
            id: garment
            x: root.edge
            anchors.verticalCenter: parent.verticalCenter
            width: Theme.compact ? 50 : 58
            height: root.height - 24
            inset: 4
            source: root.picture
            cloth: root.cloth
        }
        Item {
            id: words
            anchors { left: garment.right; leftMargin: 12; right: parent.right; rightMargin: root.edge }
            y: Theme.compact ? 8 : 11
            height: 40

            Label {
                width: parent.width - Math.max(price.width, old.width) - 10
                text: root.name
                size: 15
                strong: true
            }
            Label {
                id: variant
                y: 21
                width: Math.min(implicitWidth, parent.width - old.width - 10)
                text: root.detail
                size: 13
                color: Theme.ink2
            }
            Label {
                x: variant.width + 8
                y: 21
                width: Math.max(0, parent.width - x - old.width - 10)
                text: root.reasons
                size: 13
                color: Theme.warn
            }
            Money {
                id: price
                anchors.right: parent.right
                text: root.net
                size: Theme.textL
            }
            Money {
                id: old
                anchors.right: parent.right
                y: 21
                text: root.gross
                size: 13
                strong: false
                font.strikeout: true
                color: Theme.ink3
            }
        }
        Row {
            anchors { left: words.left; leftMargin: -4; bottom: parent.bottom; bottomMargin: 2 }

            LineChip {
                width: Math.min(implicitWidth, words.width - stepper.width - 44)
                glyph: "user-round"
                text: root.guides
                name: Words.t("cart.line_guide")
                onClicked: root.guideAsked()
            }
            LineChip {
                glyph: "tag"
                text: ""
                name: Words.t("cart.line_discount")
                tint: root.reasons ? Theme.warn : Theme.ink2
                onClicked: root.discountAsked()
            }
        }
        Stepper {
            id: stepper
            anchors { right: words.right; rightMargin: -7; bottom: parent.bottom; bottomMargin: 2 }
            quantity: root.quantity
            fewerName: Words.t(last ? "cart.remove" : "cart.fewer")
            moreName: Words.t("cart.more")
            onFewer: root.fewer()
            onMore: root.more()
        }
    }

    component LineChip: T.Button {
        id: chip

        property string glyph: ""
        property string name: ""
        property color tint: Theme.ink2

        implicitHeight: Theme.touch
        implicitWidth: text ? chipWord.implicitWidth + 42 : 44
        leftPadding: 11
        rightPadding: 11
        topInset: 8
        bottomInset: 8
        leftInset: 3
        rightInset: 3
        focusPolicy: Qt.TabFocus
        Accessible.name: name
        Accessible.description: text
        Accessible.role: Accessible.Button

        background: Rectangle {
            radius: height / 2
            color: chip.down ? Theme.pressed : Theme.surface
            border.width: chip.visualFocus ? 2 : 1
            border.color: chip.visualFocus ? Theme.accent : Theme.line
        }
        contentItem: Item {
            Row {
                id: chipRow
                anchors.verticalCenter: parent.verticalCenter
                spacing: 5

                Icon {
                    anchors.verticalCenter: parent.verticalCenter
                    name: chip.glyph
                    size: 14
                    colour: chip.tint
                }
                Label {
                    id: chipWord
                    visible: text !== ""
                    width: Math.min(implicitWidth, chip.width - 42)
                    anchors.verticalCenter: parent.verticalCenter
                    text: chip.text
                    size: 13
                    color: Theme.ink2
                }
            }
        }
    }
}
