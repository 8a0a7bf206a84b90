pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// The PIN of one person: dots, digits, and what went wrong. Shakes its head at a wrong one.
Card {
    id: root

    required property SessionVm vm

    width: 392
    height: column.implicitHeight + (Theme.compact ? 36 : 56)
    corner: 24
    raised: true

    Connections {
        target: root.vm
        function onRefused(): void {
            if (!Theme.reduceMotion)
                shake.restart();
        }
    }
    SequentialAnimation {
        id: shake
        NumberAnimation { target: dots; property: "nudge"; to: -10; duration: 45 }
        NumberAnimation { target: dots; property: "nudge"; to: 10; duration: 70 }
        NumberAnimation { target: dots; property: "nudge"; to: -6; duration: 60 }
        NumberAnimation { target: dots; property: "nudge"; to: 0; duration: 45 }
    }

    Column {
        id: column
        anchors.centerIn: parent
        width: parent.width - 56
        spacing: Theme.compact ? 8 : 14

        Row {
            anchors.horizontalCenter: parent.horizontalCenter
            spacing: 12

            Avatar {
                size: 48
                text: root.vm.chosenLetters
                seed: root.vm.chosenSeed
            }
            Label {
                anchors.verticalCenter: parent.verticalCenter
                text: root.vm.chosenName
                size: 22
                font.weight: Font.Bold
            }
        }
        Item {
            id: dots
            property real nudge: 0
            width: parent.width
            height: 26
            Accessible.role: Accessible.StaticText
            Accessible.name: Words.t("signin.pin") + " " + root.vm.typed

            Row {
                x: (parent.width - width) / 2 + dots.nudge
                anchors.verticalCenter: parent.verticalCenter
                spacing: 13

                Repeater {
                    model: Math.max(4, root.vm.typed)

                    Rectangle {
                        required property int index
                        readonly property bool typed: index < root.vm.typed
                        width: 14
                        height: 14
                        radius: 7
                        color: typed ? Theme.accent : "transparent"
                        border.width: 2
                        border.color: root.vm.isProblem ? Theme.danger
                            : typed ? Theme.accent : Theme.lineStrong
                    }
                }
            }
        }
        Label {
            width: parent.width
            height: 22
            horizontalAlignment: Text.AlignHCenter
            text: root.vm.busy ? Words.t("signin.checking") : root.vm.message
            size: 15
            strong: root.vm.isProblem
            color: root.vm.isProblem ? Theme.danger : Theme.ink2
            font.features: Theme.tabular
            Accessible.role: Accessible.AlertMessage
            Accessible.name: text
        }
        Keypad {
            anchors.horizontalCenter: parent.horizontalCenter
            enabled: !root.vm.locked && !root.vm.busy
            opacity: enabled ? 1 : 0.45
            keyWidth: 100
            keyHeight: Theme.compact ? 52 : 62
            eraseName: Words.t("common.erase")
            enterName: Words.t("signin.enter")
            enterGlyph: "arrow-right"
            enterEnabled: root.vm.canSubmit
            onDigit: figure => root.vm.digit(figure)
            onErased: root.vm.erase()
            onEntered: root.vm.submit()
        }
        Button {
            anchors.horizontalCenter: parent.horizontalCenter
            kind: "quiet"
            glyph: "users"
            text: Words.t("signin.other")
            onClicked: root.vm.back()
        }
    }
}
