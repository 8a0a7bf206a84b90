import QtQuick
import Guide
import Guide.Model

// Who is to be erased, what goes, what stays, and the one button that does it.
Column {
    id: root

    required property MembersVm vm

    spacing: 16

    Row {
        width: parent.width
        spacing: 14

        Avatar { id: face; size: 48; text: root.vm.leavingLetters; seed: root.vm.leavingSeed }
        Column {
            width: parent.width - face.width - parent.spacing
            anchors.verticalCenter: parent.verticalCenter
            spacing: 2

            Label { width: parent.width; text: root.vm.leavingName; size: 17; strong: true }
            Label { width: parent.width; text: root.vm.leavingDetail; size: 13; color: Theme.ink2 }
        }
    }
    Rectangle {
        width: parent.width
        height: words.implicitHeight + 28
        radius: Theme.radiusSmall
        color: Theme.dangerSoft

        Column {
            id: words
            anchors { left: parent.left; right: parent.right; top: parent.top; margins: 14 }
            spacing: 8

            Label {
                width: parent.width
                text: Words.t("member.erase_what")
                strong: true
                size: 15
                wrapMode: Text.Wrap
                color: Theme.danger
            }
            Label {
                width: parent.width
                text: Words.t("member.erase_stays")
                size: 14
                wrapMode: Text.Wrap
            }
            Label {
                width: parent.width
                text: Words.t("member.erase_when")
                size: 14
                wrapMode: Text.Wrap
            }
        }
    }
    Row {
        width: parent.width
        spacing: 12

        Button {
            id: back
            text: Words.t("common.back")
            onClicked: root.vm.keepMember()
        }
        Button {
            width: parent.width - back.width - parent.spacing
            kind: "danger"
            glyph: "trash-2"
            busy: root.vm.busy
            text: Words.t("member.erase_do")
            onClicked: root.vm.erase()
        }
    }
}
