import QtQuick
import QtQuick.Window
import Guide
import Guide.Model

// Shown while a file of an older version is prepared, before the till's own window.
Window {
    id: root

    required property StartVm vm

    width: 640
    height: 360
    title: vm.title
    color: Theme.bg

    Binding { target: Theme; property: "dark"; value: root.vm.dark }

    Column {
        anchors.centerIn: parent
        width: parent.width - 96
        spacing: 14

        Icon {
            anchors.horizontalCenter: parent.horizontalCenter
            name: "database"
            size: 40
            colour: Theme.accentText
        }
        Label {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: root.vm.title
            size: 22
            strong: true
            wrapMode: Text.Wrap
        }
        Label {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: root.vm.titleToo
            size: 15
            color: Theme.ink2
            wrapMode: Text.Wrap
        }
        ProgressLine {
            width: parent.width
            height: 6
            part: root.vm.part
            unknown: root.vm.isUnknown
        }
        Label {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: root.vm.stage
            size: 15
        }
        Label {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: root.vm.hint
            size: 14
            lineHeight: 1.3
            color: Theme.ink2
            wrapMode: Text.Wrap
        }
    }
}
