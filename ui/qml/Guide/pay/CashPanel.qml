pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Cash: what was handed over, what goes back, likely notes, and the keys.
Item {
    id: root

    required property CashPayVm vm
    readonly property int keyWidth: Math.floor((column.width - 20) / 3)

    Column {
        id: column
        anchors.centerIn: parent
        width: Math.min(parent.width - 48, 356)
        spacing: Theme.compact ? 10 : 14

        Rectangle {
            width: parent.width
            height: 96
            radius: Theme.radius
            color: Theme.surface
            border.width: 1
            border.color: Theme.line

            Label {
                x: 18
                y: 13
                text: Words.t("pay.cash_given")
                color: Theme.ink2
            }
            Money {
                anchors { right: parent.right; rightMargin: 18 }
                y: 6
                text: root.vm.isEmpty ? "—" : root.vm.given
                size: 26
                color: root.vm.isEmpty ? Theme.ink3 : Theme.ink
                Accessible.role: Accessible.StaticText
                Accessible.name: Words.t("pay.cash_given") + " " + root.vm.given
            }
            Rectangle {
                x: 18
                y: 48
                width: parent.width - 36
                height: 1
                color: Theme.line
            }
            Label {
                x: 18
                y: 62
                text: Words.t(root.vm.isShort ? "pay.cash_short" : "pay.cash_change")
                color: root.vm.isShort ? Theme.ink2 : Theme.accentText
                strong: !root.vm.isShort
            }
            Money {
                anchors { right: parent.right; rightMargin: 18 }
                y: 55
                text: root.vm.isEmpty ? "—" : root.vm.change
                size: 26
                color: root.vm.isEmpty ? Theme.ink3 : root.vm.isShort ? Theme.danger : Theme.accentText
                Accessible.role: Accessible.StaticText
                Accessible.name: root.vm.change
            }
        }
        Row {
            id: notes
            width: parent.width
            spacing: 8

            Repeater {
                id: likely
                model: root.vm.notes

                Button {
                    required property string key
                    required property string amount
                    required property bool exact

                    width: Math.floor((notes.width - 8 * (likely.count - 1)) / Math.max(likely.count, 1))
                    leftPadding: 4
                    rightPadding: 4
                    focusPolicy: Qt.NoFocus
                    text: exact ? Words.t("pay.cash_exact") : amount
                    Accessible.name: amount
                    onClicked: root.vm.hand(key)
                }
            }
        }
        Keypad {
            keyWidth: root.keyWidth
            keyHeight: Theme.compact ? 52 : 62
            eraseName: Words.t("common.erase")
            extra: root.vm.hasDecimals ? "." : "00"
            onDigit: figure => root.vm.key(figure)
            onErased: root.vm.erase()
        }
    }
}
