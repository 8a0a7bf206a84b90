pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// What the camera sees, where to hold a code, and what became of the last one. Closing lets go of it.
Sheet {
    id: root

    required property CameraVm vm
    readonly property int room: (parent?.height ?? 700) - 210

    visible: true
    wide: Math.max(360, Math.min(720, Math.round(room * 16 / 9)))
    title: Words.t("camera.title")
    subtitle: Words.t("camera.hint")
    closeName: Words.t("common.close")
    onClosed: vm.close()

    Item {
        width: parent.width
        height: stage.height + foot.height + 14

        Rectangle {
            id: stage
            width: parent.width
            height: Math.min(root.room, Math.max(240, Math.round(width * 9 / 16)))
            radius: Theme.radiusSmall
            color: root.vm.state === "problem" ? Theme.surface2 : "#15191A"

            Image {
                anchors { fill: parent; margins: 1 }
                visible: root.vm.state === "looking"
                source: root.vm.picture
                cache: false
                asynchronous: false
                fillMode: Image.PreserveAspectCrop
                clip: true
                Accessible.role: Accessible.Graphic
                Accessible.name: Words.t("camera.preview")
            }
            // Rounds the picture's corners, which no renderer without graphics could cut off.
            Rectangle {
                anchors { fill: parent; margins: -8 }
                radius: Theme.radiusSmall + 8
                color: "transparent"
                border { width: 9; color: Theme.surface }
            }
            AimMarks {
                anchors.centerIn: parent
                width: Math.round(parent.width * 2 / 3)
                height: Math.round(parent.height * 2 / 3)
                visible: root.vm.state === "looking"
                tint: root.vm.saidKind === "good" ? "#5AD6A9" : "white"
            }
            Label {
                anchors.centerIn: parent
                visible: root.vm.state === "starting"
                text: Words.t("camera.starting")
                size: Theme.textL
                color: "#E6EAE7"
                Accessible.role: Accessible.StaticText
                Accessible.name: text
            }
            EmptyState {
                anchors.centerIn: parent
                width: Math.min(420, parent.width - 40)
                visible: root.vm.state === "problem"
                glyph: "camera"
                title: root.vm.problem
                Accessible.role: Accessible.AlertMessage
                Accessible.name: title
                action: Words.t("camera.retry")
                onActed: root.vm.retry()
            }
        }
        Item {
            id: foot
            anchors { top: stage.bottom; topMargin: 14 }
            width: parent.width
            height: Theme.touch

            Row {
                id: told

                readonly property bool good: root.vm.saidKind === "good"
                readonly property bool bad: root.vm.saidKind === "problem"
                readonly property color tint: bad ? Theme.danger : good ? Theme.accentText : Theme.ink2

                anchors.verticalCenter: parent.verticalCenter
                visible: root.vm.state !== "problem"
                spacing: 10

                Icon {
                    anchors.verticalCenter: parent.verticalCenter
                    name: told.bad ? "circle-alert" : told.good ? "circle-check" : "scan-line"
                    size: 22
                    colour: told.tint
                }
                Label {
                    anchors.verticalCenter: parent.verticalCenter
                    width: foot.width - 32 - (other.visible ? other.width + 16 : 0)
                    text: root.vm.said || Words.t("camera.waiting")
                    size: 15
                    strong: root.vm.said !== ""
                    color: told.tint
                    maximumLineCount: 2
                    wrapMode: Text.Wrap
                    Accessible.role: Accessible.AlertMessage
                    Accessible.name: text
                }
            }
            Button {
                id: other
                anchors { right: parent.right; verticalCenter: parent.verticalCenter }
                visible: root.vm.canSwitch
                glyph: "refresh-cw"
                text: Words.t("camera.other")
                onClicked: root.vm.switchCamera()
            }
        }
    }
}
