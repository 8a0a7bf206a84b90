pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Colour × size: here big, elsewhere small and dated, broken runs plain to see. One tap adds.
Sheet {
    id: root

    required property MatrixVm vm
    required property CheckoutVm cart
    readonly property int sideWidth: Theme.compact ? 208 : 248
    readonly property int headWidth: Theme.compact ? 122 : 148
    readonly property int cellHeight: Theme.compact ? 74 : 86
    readonly property int cellWidth: Math.floor(
        (availableWidth - sideWidth - 20 - headWidth) / Math.max(1, sizes.count))

    visible: true
    wide: 1080
    title: vm.name
    subtitle: vm.detail
    closeName: Words.t("common.close")

    Item {
        width: parent.width
        height: Math.max(frame.height, Theme.compact ? 300 : 340) + foot.height + 14

        Flickable {
            id: frame
            width: root.headWidth + sizes.count * root.cellWidth
            height: Math.min(contentHeight, (root.parent?.height ?? 700) - 240)
            contentHeight: table.height
            clip: true
            boundsBehavior: Flickable.StopAtBounds

            Item {
                id: table
                width: parent.width
                height: 34 + colours.count * root.cellHeight

                Row {
                    x: root.headWidth

                    Repeater {
                        id: sizes
                        model: root.vm.sizes

                        Label {
                            required property string name
                            width: root.cellWidth
                            height: 30
                            horizontalAlignment: Text.AlignHCenter
                            text: name
                            strong: true
                            color: Theme.ink2
                        }
                    }
                }
                Column {
                    y: 34

                    Repeater {
                        id: colours
                        model: root.vm.colours

                        ColourHead {
                            width: root.headWidth
                            height: root.cellHeight
                        }
                    }
                }
                Grid {
                    x: root.headWidth
                    y: 34
                    columns: Math.max(1, sizes.count)

                    Repeater {
                        model: root.vm.cells

                        MatrixCell {
                            width: root.cellWidth
                            height: root.cellHeight
                            onClicked: root.vm.add(skuId)
                            onHeld: root.vm.ask(skuId)
                        }
                    }
                }
            }
        }

        OtherStores {
            anchors { right: parent.right; top: parent.top; bottom: foot.top; bottomMargin: 14 }
            width: root.sideWidth
            vm: root.vm
        }

        Item {
            id: foot
            width: parent.width
            height: Theme.touch
            anchors.bottom: parent.bottom

            Column {
                anchors.verticalCenter: parent.verticalCenter
                spacing: 3

                Label { text: Words.t("matrix.hint"); size: 13; color: Theme.ink2 }
                Label { text: root.vm.age; size: 13; color: Theme.ink3 }
            }
            Button {
                anchors.right: parent.right
                kind: "primary"
                glyph: root.cart.isEmpty ? "x" : "shopping-bag"
                text: root.cart.isEmpty ? Words.t("common.close") : root.cart.units
                trailing: root.cart.isEmpty ? "" : root.cart.total
                width: root.cart.isEmpty ? implicitWidth : Math.max(250, implicitWidth + 130)
                onClicked: root.close()
            }
        }
    }

    component ColourHead: Item {
        id: head

        required property string name
        required property string cloth
        required property string picture
        required property bool broken

        GarmentImage {
            anchors.verticalCenter: parent.verticalCenter
            width: Theme.compact ? 40 : 64
            height: width
            inset: 3
            source: head.picture
            cloth: head.cloth
        }
        Column {
            x: Theme.compact ? 48 : 74
            width: parent.width - x - 6
            anchors.verticalCenter: parent.verticalCenter
            spacing: 3

            Label {
                width: parent.width
                text: head.name
                strong: true
            }
            Label {
                width: parent.width
                visible: head.broken
                text: head.broken ? Words.t("matrix.broken") : ""
                size: Theme.textS
                strong: true
                color: Theme.warn
            }
        }
    }
}
