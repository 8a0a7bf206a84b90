pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// The sale is on record: how it was paid, the receipt, and the next customer under Enter.
FocusScope {
    id: root

    required property DoneVm vm

    focus: true
    Keys.onPressed: event => {
        if (event.key === Qt.Key_Return || event.key === Qt.Key_Enter || event.key === Qt.Key_Escape)
            root.vm.next();
        else if (event.key === Qt.Key_P)
            root.vm.print();
        else
            return;
        event.accepted = true;
    }

    Rectangle {
        anchors.fill: parent
        color: Theme.bg

        MouseArea {
            anchors.fill: parent
            Accessible.ignored: true
        }
    }
    Row {
        id: halves
        anchors.centerIn: parent
        width: Math.min(980, root.width - 48)
        height: Math.min(660, root.height - 40)
        spacing: Theme.compact ? 24 : 40

        Item {
            width: parent.width - paper.width - parent.spacing
            height: parent.height

            Column {
                anchors { left: parent.left; right: parent.right; top: parent.top }
                anchors.topMargin: Theme.compact ? 8 : 36
                spacing: Theme.compact ? 8 : 12

                Rectangle {
                    width: Theme.compact ? 92 : 116
                    height: width
                    radius: width / 2
                    color: Theme.accent

                    Icon {
                        anchors.centerIn: parent
                        name: "check"
                        size: Math.round(parent.width * 0.62)
                        colour: Theme.accentInk
                    }
                }
                Item { width: 1; height: 4 }
                Label {
                    width: parent.width
                    text: Words.t("done.title")
                    size: 26
                    font.weight: Font.Bold
                    Accessible.role: Accessible.Heading
                    Accessible.name: text
                }
                Money {
                    horizontalAlignment: Text.AlignLeft
                    text: root.vm.amount
                    size: Theme.compact ? 48 : 60
                    font.weight: Font.Bold
                    color: Theme.accentText
                }
                Label {
                    width: parent.width
                    text: root.vm.how
                    size: 17
                    strong: true
                    font.features: Theme.tabular
                }
                Label {
                    width: parent.width
                    text: root.vm.receiptNo
                    size: 15
                    color: Theme.ink2
                    font.features: Theme.tabular
                }
                Rectangle {
                    width: parent.width
                    height: 72
                    radius: Theme.radius
                    visible: root.vm.changeLine !== ""
                    color: Theme.warnSoft

                    Icon {
                        x: 18
                        anchors.verticalCenter: parent.verticalCenter
                        name: "hand-coins"
                        size: 28
                        colour: Theme.warn
                    }
                    Label {
                        x: 62
                        anchors.verticalCenter: parent.verticalCenter
                        width: parent.width - x - 14
                        text: root.vm.changeLine
                        size: 26
                        font.weight: Font.Bold
                        color: Theme.warn
                        font.features: Theme.tabular
                    }
                }
            }
            Row {
                id: ways
                anchors { left: parent.left; right: parent.right; bottom: parent.bottom }
                anchors.bottomMargin: Theme.compact ? 0 : 10
                spacing: 12

                Button {
                    id: printing
                    height: next.height
                    big: true
                    enabled: !root.vm.busy
                    busy: root.vm.busy
                    glyph: "printer"
                    text: root.vm.printLabel
                    onClicked: root.vm.print()
                }
                Button {
                    id: next
                    width: ways.width - printing.width - ways.spacing
                    kind: "primary"
                    big: true
                    focus: true
                    glyph: "arrow-right"
                    text: Words.t("done.next")
                    onClicked: root.vm.next()
                }
            }
        }
        ReceiptPaper {
            id: paper
            width: Math.min(340, Math.floor(halves.width * 0.4))
            height: parent.height
            picture: root.vm.previewUrl
            storeName: root.vm.storeName
            receiptNo: root.vm.receiptNo
            parts: root.vm.parts
        }
    }
}
