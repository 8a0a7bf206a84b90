pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// One colour in one size. A gap in the run is a hole with an edge, not an empty place.
T.AbstractButton {
    id: root

    required property string skuId
    required property bool made
    required property string own
    required property string others
    required property string age
    required property string state_
    required property string inCart
    required property string name
    signal held

    enabled: made
    padding: 3
    focusPolicy: Qt.TabFocus
    Accessible.name: name
    Accessible.description: Words.t("matrix.own") + " " + own + " " + others + " " + age
    Accessible.role: Accessible.Button
    Keys.onReturnPressed: click()
    onPressAndHold: held()

    TapHandler {
        acceptedButtons: Qt.RightButton
        onTapped: root.held()
    }

    contentItem: Rectangle {
        radius: Theme.radiusSmall
        visible: root.made
        color: root.down ? Theme.pressed : root.state_ === "out" ? Theme.dangerSoft
            : root.state_ === "low" ? Theme.warnSoft : Theme.surface2
        border.width: root.inCart || root.visualFocus ? 2 : 1
        border.color: root.inCart || root.visualFocus ? Theme.accent
            : root.state_ === "out" ? Theme.danger : root.state_ === "low" ? Theme.warn : Theme.line

        Label {
            anchors { horizontalCenter: parent.horizontalCenter; top: parent.top; topMargin: root.others ? 3 : parent.height / 2 - 17 }
            text: root.own
            size: 24
            font.weight: Font.Bold
            font.features: Theme.tabular
            color: root.state_ === "out" ? Theme.danger : root.state_ === "low" ? Theme.warn : Theme.ink
        }
        Label {
            anchors { horizontalCenter: parent.horizontalCenter; bottom: when.top }
            width: Math.min(implicitWidth, parent.width - 6)
            visible: root.others !== ""
            text: root.others
            size: Theme.textS
            color: Theme.ink2
        }
        Label {
            id: when
            anchors { horizontalCenter: parent.horizontalCenter; bottom: parent.bottom; bottomMargin: 5 }
            width: Math.min(implicitWidth, parent.width - 6)
            text: root.age
            size: 11
            color: Theme.ink2
        }
        Rectangle {
            anchors { right: parent.right; top: parent.top; margins: -4 }
            visible: root.inCart !== ""
            width: Math.max(24, pieces.implicitWidth + 12)
            height: 24
            radius: 12
            color: Theme.accent

            Label {
                id: pieces
                anchors.centerIn: parent
                text: root.inCart
                size: 13
                font.weight: Font.Bold
                color: Theme.accentInk
            }
        }
    }
    background: Rectangle {
        visible: !root.made
        anchors.centerIn: parent
        width: 14
        height: 2
        color: Theme.line
    }
}
