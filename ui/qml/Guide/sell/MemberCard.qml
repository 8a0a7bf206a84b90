pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide
import Guide.Model

// Who the customer is, or an invitation to say so.
T.AbstractButton {
    id: root

    required property CustomerVm vm
    signal attachAsked
    signal detachAsked

    implicitHeight: Theme.compact ? 50 : 56
    focusPolicy: Qt.TabFocus
    text: vm.known ? vm.name : Words.t("cart.member")
    Accessible.name: text
    Accessible.role: Accessible.Button
    onClicked: attachAsked()

    background: Rectangle {
        radius: Theme.radiusSmall
        color: root.down ? Theme.pressed : Theme.surface2
        border.width: root.visualFocus ? 2 : 1
        border.color: root.visualFocus ? Theme.accent : Theme.line
    }
    contentItem: Item {
        Avatar {
            x: 9
            anchors.verticalCenter: parent.verticalCenter
            visible: root.vm.known
            size: 38
            text: root.vm.letters
            seed: root.vm.seed
        }
        Rectangle {
            x: 9
            anchors.verticalCenter: parent.verticalCenter
            visible: !root.vm.known
            width: 38
            height: 38
            radius: 19
            color: Theme.accentSoft

            Icon {
                anchors.centerIn: parent
                name: "user-plus"
                size: 19
                colour: Theme.accentText
            }
        }
        Column {
            x: 58
            width: parent.width - x - 50
            anchors.verticalCenter: parent.verticalCenter
            spacing: 1

            Label {
                width: parent.width
                text: root.vm.known ? root.text + " · " + root.vm.tier : root.text
                size: 15
                strong: true
            }
            Label {
                width: parent.width
                text: root.vm.known ? root.vm.detail : Words.t("cart.member_hint")
                size: Theme.textS
                color: Theme.ink2
            }
        }
        IconButton {
            anchors { right: parent.right; rightMargin: 2; verticalCenter: parent.verticalCenter }
            visible: root.vm.known
            framed: false
            glyph: "x"
            glyphSize: 17
            tint: Theme.ink2
            text: Words.t("cart.member_off")
            onClicked: root.detachAsked()
        }
        Icon {
            anchors { right: parent.right; rightMargin: 14; verticalCenter: parent.verticalCenter }
            visible: !root.vm.known
            name: "chevron-right"
            size: 18
            colour: Theme.ink3
        }
    }
}
