pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Which other stores hold one colour and size, and how old each figure is.
Rectangle {
    id: root

    required property MatrixVm vm

    radius: Theme.radius
    color: Theme.surface2
    border.width: 1
    border.color: Theme.line

    Label {
        id: title
        x: 16
        y: 14
        width: parent.width - 32
        text: Words.t("matrix.others_title")
        size: 15
        strong: true
    }
    Label {
        id: which
        anchors { top: title.bottom; topMargin: 2 }
        x: 16
        width: parent.width - 32
        text: root.vm.asked
        size: 13
        color: Theme.accentText
    }
    ListView {
        id: list
        anchors { top: which.bottom; topMargin: 8; bottom: parent.bottom; bottomMargin: 6 }
        x: 16
        width: parent.width - 32
        clip: true
        cacheBuffer: 0 // see GoodsPane
            boundsBehavior: Flickable.StopAtBounds
        model: root.vm.stores
        delegate: Item {
            id: row

            required property string name
            required property string quantity
            required property string age

            width: list.width
            height: 50
            Accessible.role: Accessible.ListItem
            Accessible.name: name + " " + quantity + " " + age

            Column {
                anchors.verticalCenter: parent.verticalCenter
                width: parent.width - pieces.width - 8
                spacing: 1

                Label { width: parent.width; text: row.name; strong: true }
                Label { width: parent.width; text: row.age; size: Theme.textS; color: Theme.ink3 }
            }
            Money {
                id: pieces
                anchors { right: parent.right; verticalCenter: parent.verticalCenter }
                text: row.quantity
                size: 20
            }
            Rectangle {
                anchors.bottom: parent.bottom
                width: parent.width
                height: 1
                color: Theme.line
            }
        }
    }
    Column {
        anchors.centerIn: parent
        width: parent.width - 36
        visible: list.count === 0
        spacing: 8

        Icon {
            anchors.horizontalCenter: parent.horizontalCenter
            name: "store"
            size: 30
            colour: Theme.ink3
        }
        Label {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            wrapMode: Text.Wrap
            text: Words.t(root.vm.askedNowhere ? "matrix.nowhere" : "matrix.choose_cell")
            size: 13
            lineHeight: 1.25
            color: Theme.ink2
        }
    }
}
