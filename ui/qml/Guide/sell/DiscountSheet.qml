pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// How much, why, and what it comes to, before it is given.
Sheet {
    id: root

    required property DiscountVm vm

    visible: true
    wide: 760
    title: Words.t(vm.onLine ? "discount.title_line" : "discount.title_order")
    closeName: Words.t("common.close")

    Connections {
        target: root.vm
        function onDone(): void {
            root.close();
        }
    }

    Item {
        width: parent.width
        height: Math.max(left.implicitHeight, right.implicitHeight)
        focus: true
        Keys.onPressed: event => {
            if (event.key === Qt.Key_Backspace)
                root.vm.erase();
            else if (event.key === Qt.Key_Return || event.key === Qt.Key_Enter)
                root.vm.give();
            else if (/^[0-9.]$/.test(event.text))
                root.vm.digit(event.text);
            else
                return;
            event.accepted = true;
        }

        Column {
            id: left
            width: parent.width - right.width - 28
            spacing: Theme.compact ? 10 : 14

            Row {
                spacing: 8

                Kind { name: "percent_off"; text: Words.t("discount.percent") }
                Kind { name: "amount_off"; text: Words.t("discount.amount") }
                Kind { name: "price"; text: Words.t("discount.price"); visible: root.vm.onLine }
            }
            Flow {
                width: parent.width
                spacing: 8
                visible: root.vm.kind === "percent_off"

                Repeater {
                    model: root.vm.quick

                    Chip {
                        required property string offBp
                        required property string name
                        text: name
                        chosen: root.vm.figure === name
                        onClicked: root.vm.useRate(offBp)
                    }
                }
            }
            Label { text: Words.t("discount.reason"); size: 13; color: Theme.ink2 }
            Flow {
                width: parent.width
                spacing: 8

                Repeater {
                    model: root.vm.reasons

                    Chip {
                        required property string code
                        required property string name
                        required property string limit
                        text: name
                        count: limit
                        chosen: root.vm.reason === code
                        onClicked: root.vm.because(code)
                    }
                }
            }
        }
        Column {
            id: right
            anchors.right: parent.right
            width: 272
            spacing: Theme.compact ? 8 : 12

            Rectangle {
                width: parent.width
                height: Theme.compact ? 74 : 88
                radius: Theme.radius
                color: Theme.surface2
                border.width: 1
                border.color: Theme.line

                Label {
                    x: 16
                    y: 9
                    text: root.vm.unit
                    color: Theme.ink2
                }
                Label {
                    anchors { right: parent.right; rightMargin: 16; top: parent.top; topMargin: 5 }
                    text: root.vm.figure
                    size: 28
                    font.weight: Font.Bold
                    font.features: Theme.tabular
                }
                Row {
                    anchors { right: parent.right; rightMargin: 16; bottom: parent.bottom; bottomMargin: 9 }
                    spacing: 8

                    Money { text: root.vm.before; size: 15; strong: false; font.strikeout: true; color: Theme.ink3 }
                    Icon { name: "arrow-right"; size: 16; colour: Theme.ink3 }
                    Money { text: root.vm.after; size: 17; color: Theme.accentText }
                }
            }
            Keypad {
                keyWidth: (parent.width - 20) / 3
                keyHeight: Theme.compact ? 48 : 54
                eraseName: Words.t("common.erase")
                extra: "."
                onDigit: figure => root.vm.digit(figure)
                onErased: root.vm.erase()
            }
            Label {
                width: parent.width
                visible: text !== ""
                text: root.vm.problem
                color: Theme.danger
                strong: true
                wrapMode: Text.Wrap
                Accessible.role: Accessible.AlertMessage
                Accessible.name: text
            }
            Row {
                width: parent.width
                spacing: 10

                IconButton {
                    id: off
                    visible: root.vm.hasDiscount
                    height: give.height
                    glyph: "trash-2"
                    tint: Theme.danger
                    text: Words.t("discount.take_off")
                    onClicked: root.vm.takeOff()
                }
                Button {
                    id: give
                    width: parent.width - (off.visible ? off.width + parent.spacing : 0)
                    height: 54
                    kind: "primary"
                    text: Words.t("discount.give")
                    enabled: root.vm.canGive
                    onClicked: root.vm.give()
                }
            }
        }
    }

    component Kind: Chip {
        required property string name
        chosen: root.vm.kind === name
        onClicked: root.vm.useKind(name)
    }
}
