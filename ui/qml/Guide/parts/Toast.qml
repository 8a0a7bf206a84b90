pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// What just happened, for a few seconds, with at most one thing to do about it.
Item {
    id: root

    property string text: ""
    property string kind: "info"
    property string action: ""
    property int serial: 0
    signal acted

    readonly property bool bad: kind === "problem"

    visible: opacity > 0
    opacity: 0
    implicitWidth: row.implicitWidth + 36
    implicitHeight: Theme.touch + 4

    onSerialChanged: if (text !== "") show.restart()

    SequentialAnimation {
        id: show
        NumberAnimation { target: root; property: "opacity"; to: 1; duration: Theme.fast }
        PauseAnimation { duration: root.bad ? 4500 : 2600 }
        NumberAnimation { target: root; property: "opacity"; to: 0; duration: Theme.slow }
    }

    Rectangle {
        anchors.fill: parent
        radius: Theme.radius
        color: root.bad ? Theme.dangerFill : Theme.dark ? "#EDF1EE" : "#1B2420"
    }
    Row {
        id: row
        anchors.centerIn: parent
        spacing: 10
        readonly property color tint: root.bad ? Theme.dangerInk : Theme.dark ? "#14211C" : "#FFFFFF"

        Icon {
            anchors.verticalCenter: parent.verticalCenter
            name: root.bad ? "circle-alert" : "circle-check"
            colour: row.tint
        }
        Label {
            anchors.verticalCenter: parent.verticalCenter
            width: Math.min(implicitWidth, 560)
            text: root.text
            size: 15
            strong: true
            color: row.tint
            Accessible.role: Accessible.AlertMessage
            Accessible.name: text
        }
        T.Button {
            id: act
            visible: root.action !== ""
            implicitHeight: Theme.touch
            implicitWidth: word.implicitWidth + 20
            text: root.action
            Accessible.name: text
            contentItem: Label {
                id: word
                horizontalAlignment: Text.AlignHCenter
                text: act.text
                size: 15
                strong: true
                font.underline: true
                color: row.tint
            }
            onClicked: root.acted()
        }
    }
}
