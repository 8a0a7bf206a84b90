pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// The download that fills the till: which part, how much of it, and a button that stops it for now.
Rectangle {
    id: root

    required property FillingVm vm

    visible: vm.isShown
    implicitHeight: 76
    radius: Theme.radiusSmall
    color: Theme.surface2
    border.width: 1
    border.color: Theme.line
    Accessible.role: Accessible.StaticText
    Accessible.name: vm.headline + " " + vm.figures
    Accessible.description: vm.hint

    Icon {
        x: 14
        anchors.verticalCenter: parent.verticalCenter
        name: root.vm.isPaused ? "pause" : "download"
        size: 22
        colour: root.vm.isPaused ? Theme.warn : Theme.accentText
    }
    Column {
        anchors { left: parent.left; leftMargin: 48; right: stop.left; rightMargin: 16 }
        anchors.verticalCenter: parent.verticalCenter
        spacing: 5

        Item {
            width: parent.width
            height: title.implicitHeight

            Label {
                id: title
                width: parent.width - rows.implicitWidth - 12
                text: root.vm.headline
                size: 15
                strong: true
            }
            Label {
                id: rows
                anchors.right: parent.right
                anchors.baseline: title.baseline
                text: root.vm.figures
                size: Theme.textS
                color: Theme.ink2
                font.features: Theme.tabular
            }
        }
        ProgressLine {
            width: parent.width
            implicitHeight: 6
            part: root.vm.share
            unknown: root.vm.isUnknown
            Accessible.name: root.vm.headline
        }
        Label {
            width: parent.width
            text: root.vm.hint
            size: Theme.textS
            color: Theme.ink2
        }
    }
    Button {
        id: stop
        anchors { right: parent.right; rightMargin: 12; verticalCenter: parent.verticalCenter }
        enabled: !root.vm.busy
        glyph: root.vm.isPaused ? "play" : "pause"
        text: root.vm.buttonText
        onClicked: root.vm.toggle()
    }
}
