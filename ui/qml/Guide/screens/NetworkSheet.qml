pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// What works now, what is kept and sent later, what runs on older figures, what is blocked, and
// whether the program may be closed. The table is the one that permits.
FocusScope {
    id: root

    required property NetworkVm vm
    readonly property bool upright: width < 900 && height > width

    focus: true
    Component.onCompleted: vm.look()
    Keys.onPressed: event => {
        if (event.key === Qt.Key_Escape)
            root.vm.close();
        else if (event.key === Qt.Key_Return || event.key === Qt.Key_Enter || event.key === Qt.Key_F5)
            root.vm.syncNow();
        else
            return;
        event.accepted = true;
    }

    Rectangle {
        anchors.fill: parent
        color: Theme.scrim

        MouseArea {
            anchors.fill: parent
            hoverEnabled: true
            Accessible.ignored: true
            onClicked: root.vm.close()
        }
    }
    Card {
        id: sheet
        anchors.centerIn: parent
        width: Math.min(880, root.width - 32)
        height: Math.min((root.upright ? 1000 : 676) + (band.visible ? 90 : 0), root.height - 24)
        corner: 24
        raised: true

        MouseArea {
            anchors.fill: parent
            Accessible.ignored: true
        }
        Rectangle {
            id: mark
            x: 24
            y: 20
            width: 56
            height: 56
            radius: 18
            color: root.vm.isOnline ? Theme.accentSoft : Theme.warnSoft

            Icon {
                anchors.centerIn: parent
                name: root.vm.isRevoked ? "lock" : root.vm.isOnline ? "wifi" : "wifi-off"
                size: 27
                colour: root.vm.isOnline ? Theme.accentText : Theme.warn
            }
        }
        Column {
            anchors { left: mark.right; leftMargin: 16; verticalCenter: mark.verticalCenter }
            width: parent.width - x - 84
            spacing: 3

            Label {
                width: parent.width
                text: root.vm.headline
                size: Theme.textXL
                font.weight: Font.Bold
                Accessible.role: Accessible.Heading
                Accessible.name: text
            }
            Label {
                width: parent.width
                text: root.vm.explanation
                color: Theme.ink2
                wrapMode: Text.Wrap
                maximumLineCount: 2
            }
        }
        IconButton {
            anchors { right: parent.right; rightMargin: 18; verticalCenter: mark.verticalCenter }
            text: Words.t("common.close")
            glyph: "x"
            framed: false
            tint: Theme.ink2
            onClicked: root.vm.close()
        }

        FillingBand {
            id: band
            anchors { left: parent.left; right: parent.right; top: mark.bottom }
            anchors { leftMargin: 24; rightMargin: 24; topMargin: visible ? 14 : 0 }
            height: visible ? implicitHeight : 0
            vm: root.vm.filling as FillingVm
        }
        GridView {
            id: grid
            anchors { top: band.bottom; topMargin: band.visible ? 12 : 16; bottom: foot.top; bottomMargin: 12 }
            x: 24
            width: parent.width - 2 * x + 10
            cellWidth: Math.floor(width / (root.upright ? 1 : 2))
            cellHeight: Theme.compact ? 64 : 77
            clip: true
            boundsBehavior: Flickable.StopAtBounds
            model: root.vm.operations
            Accessible.role: Accessible.List
            Accessible.name: Words.t("network.title")
            delegate: OperationRow {
                required property string key
                required name
                required standing
                required kind
                required glyph
                required detail

                width: grid.cellWidth - 10
                height: grid.cellHeight - 8
            }
        }
        Item {
            id: foot
            anchors { left: parent.left; right: parent.right; bottom: parent.bottom; margins: 24 }
            anchors.bottomMargin: 20
            height: root.vm.copyLine ? 92 : 64

            Column {
                anchors.verticalCenter: parent.verticalCenter
                width: parent.width - sync.width - 20
                spacing: 6

                Remark {
                    glyph: root.vm.hasUnsent ? "cloud-upload" : "circle-check"
                    tint: root.vm.hasUnsent ? Theme.info : Theme.accentText
                    text: root.vm.unsentLine
                }
                Remark {
                    glyph: root.vm.isSafeToClose ? "power" : "triangle-alert"
                    tint: root.vm.isSafeToClose ? Theme.accentText : Theme.danger
                    text: root.vm.closeLine
                }
                Remark {
                    visible: root.vm.copyLine !== ""
                    glyph: "triangle-alert"
                    tint: Theme.danger
                    text: root.vm.copyLine
                }
            }
            Button {
                id: sync
                anchors { right: parent.right; verticalCenter: parent.verticalCenter }
                kind: "primary"
                big: true
                enabled: !root.vm.busy
                busy: root.vm.busy
                glyph: "refresh-cw"
                text: root.vm.syncLabel
                onClicked: root.vm.syncNow()
            }
        }
    }

    component Remark: Item {
        id: remark

        property string glyph: ""
        property string text: ""
        property color tint: Theme.ink2

        width: parent?.width ?? 0
        height: 22
        Accessible.role: Accessible.StaticText
        Accessible.name: text

        Icon {
            anchors.verticalCenter: parent.verticalCenter
            name: remark.glyph
            size: 18
            colour: remark.tint
        }
        Label {
            x: 27
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width - x
            text: remark.text
            strong: true
        }
    }
}
