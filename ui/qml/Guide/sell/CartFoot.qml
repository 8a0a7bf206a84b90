pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Subtotal, what was taken off and why, the total, and paying it.
Item {
    id: root

    required property CheckoutVm vm
    signal payAsked
    signal discountAsked

    implicitHeight: column.implicitHeight + 10

    Column {
        id: column
        anchors.bottom: parent.bottom
        width: parent.width
        spacing: Theme.compact ? 5 : 8

        Line {
            visible: root.vm.hasReasons
            label: Words.t("cart.subtotal")
            amount: root.vm.subtotal
        }
        ListView {
            width: parent.width
            height: Math.min(count, Theme.compact ? 2 : 3) * 24
            visible: count > 0
            clip: true
            boundsBehavior: Flickable.StopAtBounds
            model: root.vm.reasons
            delegate: Line {
                required property string name
                required property string taken

                height: 24
                label: name
                amount: taken
                tint: Theme.warn
            }
        }
        Item {
            width: parent.width
            height: Theme.compact ? 34 : 42

            Label {
                anchors.verticalCenter: parent.verticalCenter
                text: Words.t("cart.total")
                size: 18
                font.weight: Font.Bold
            }
            Money {
                anchors { right: parent.right; verticalCenter: parent.verticalCenter }
                text: root.vm.total
                size: Theme.compact ? 26 : 32
                font.weight: Font.Bold
                Accessible.name: text
            }
        }
        Row {
            width: parent.width
            spacing: 10

            IconButton {
                width: height
                height: pay.height
                glyph: "badge-percent"
                glyphSize: 24
                text: Words.t("cart.order_discount")
                enabled: !root.vm.isEmpty
                onClicked: root.discountAsked()
            }
            Button {
                id: pay
                width: parent.width - height - parent.spacing
                kind: "primary"
                big: true
                glyph: "wallet"
                text: Words.t("cart.pay")
                trailing: root.vm.total
                enabled: root.vm.canPay
                onClicked: root.payAsked()
            }
        }
    }

    component Line: Item {
        id: line

        property string label: ""
        property string amount: ""
        property color tint: Theme.ink

        width: parent?.width ?? root.width
        height: 22

        Label {
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width - figure.width - 12
            text: line.label
            color: Theme.ink2
        }
        Money {
            id: figure
            anchors { right: parent.right; verticalCenter: parent.verticalCenter }
            text: line.amount
            size: 15
            color: line.tint
        }
    }
}
