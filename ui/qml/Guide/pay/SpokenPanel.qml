pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// The code a customer reads out: eight digits, the tries that are left, and what was wrong.
Item {
    id: root

    required property ProofVm vm
    readonly property int keyWidth: Math.floor((column.width - 20) / 3)

    Column {
        id: column
        anchors.centerIn: parent
        width: Math.min(parent.width - 48, 356)
        spacing: Theme.compact ? 8 : 12

        Label {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: Words.t("pay.spoken_title")
            size: 18
            strong: true
        }
        Rectangle {
            width: parent.width
            height: 64
            radius: Theme.radius
            color: Theme.surface
            border.width: 1
            border.color: root.vm.problem ? Theme.danger : Theme.line

            Label {
                anchors.centerIn: parent
                text: root.vm.typed
                size: 32
                font.weight: Font.Bold
                font.features: Theme.tabular
                font.letterSpacing: 2
                Accessible.role: Accessible.StaticText
                Accessible.name: Words.t("pay.spoken_title") + " " + text
            }
        }
        Label {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: root.vm.problem || root.vm.triesLeft
            strong: root.vm.problem !== ""
            color: root.vm.problem ? Theme.danger : Theme.ink2
            wrapMode: Text.Wrap
            Accessible.role: Accessible.AlertMessage
            Accessible.name: text
        }
        Keypad {
            enabled: !root.vm.busy
            keyWidth: root.keyWidth
            keyHeight: Theme.compact ? 48 : 56
            eraseName: Words.t("common.erase")
            enterName: Words.t("pay.spoken_check")
            enterEnabled: root.vm.canCheck
            onDigit: figure => root.vm.key(figure)
            onErased: root.vm.erase()
            onEntered: root.vm.check()
        }
        Label {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: Words.t("pay.spoken_less")
            size: Theme.textS
            color: Theme.ink2
            wrapMode: Text.Wrap
        }
    }
}
