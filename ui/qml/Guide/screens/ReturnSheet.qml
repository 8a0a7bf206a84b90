pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Goods come back: how many of each line, why, and which way the money goes. Then: what was done, or what is
// waited for.
Sheet {
    id: root

    required property ReturnVm vm

    visible: true
    wide: 720
    title: Words.t("return.title")
    subtitle: vm.subtitle
    closeName: Words.t("common.close")
    closePolicy: vm.busy ? Sheet.NoAutoClose : Sheet.CloseOnEscape
    onClosed: vm.close()

    Item {
        width: parent.width
        height: root.vm.isDone || root.vm.isHeld ? 330 : form.height
        focus: true
        Keys.onPressed: event => {
            if (event.key === Qt.Key_Return || event.key === Qt.Key_Enter)
                root.vm.confirm();
            else if (event.key === Qt.Key_P && root.vm.isDone)
                root.vm.print();
            else
                return;
            event.accepted = true;
        }

        Column {
            id: form
            width: parent.width
            visible: !root.vm.isDone && !root.vm.isHeld
            spacing: 12

            ListView {
                id: list
                width: parent.width
                height: Math.min(contentHeight,
                    (root.parent?.height ?? 700) - (root.vm.mayBeWallet ? 480 : 390))
                clip: true
                spacing: 8
                boundsBehavior: Flickable.StopAtBounds
                model: root.vm.lines
                Accessible.role: Accessible.List
                Accessible.name: root.title
                delegate: ReturnRow {
                    required property string lineNo
                    required name
                    required detail
                    required picked
                    required amount
                    required canMore
                    required canFewer

                    width: list.width
                    onMore: root.vm.more(lineNo)
                    onFewer: root.vm.fewer(lineNo)
                }
            }
            Item {
                width: parent.width
                height: everything.height

                Label {
                    anchors.verticalCenter: parent.verticalCenter
                    text: Words.t("return.reason")
                    color: Theme.ink2
                }
                Button {
                    id: everything
                    anchors.right: parent.right
                    kind: "quiet"
                    text: Words.t("return.all")
                    onClicked: root.vm.all()
                }
            }
            Flow {
                width: parent.width
                spacing: 8

                Repeater {
                    model: root.vm.reasons

                    Chip {
                        required property string code
                        required property string name

                        text: name
                        chosen: root.vm.reason === code
                        onClicked: root.vm.because(code)
                    }
                }
            }
            Column {
                width: parent.width
                visible: root.vm.mayBeWallet
                spacing: 8

                Label { text: Words.t("return.in_cash"); color: Theme.ink2 }
                Flow {
                    width: parent.width
                    spacing: 8

                    Repeater {
                        model: root.vm.cashReasons

                        Chip {
                            required property string code
                            required property string name

                            text: name
                            chosen: root.vm.cashReason === code
                            onClicked: root.vm.inCash(code)
                        }
                    }
                }
            }
            Label {
                width: parent.width
                text: root.vm.hint
                color: Theme.ink2
                wrapMode: Text.Wrap
            }
            Button {
                width: parent.width
                kind: "primary"
                big: true
                enabled: root.vm.canGive
                busy: root.vm.busy
                glyph: "undo-2"
                text: Words.t(root.vm.busy ? (root.vm.byWallet ? "return.asking" : "return.recording")
                    : root.vm.byWallet ? "return.give_wallet" : "return.give")
                trailing: root.vm.total
                onClicked: root.vm.give()
            }
        }

        Item {
            anchors.fill: parent
            visible: root.vm.isHeld

            Column {
                anchors { left: parent.left; right: parent.right; top: parent.top; topMargin: 8 }
                spacing: 10

                Rectangle {
                    anchors.horizontalCenter: parent.horizontalCenter
                    width: 76
                    height: 76
                    radius: 38
                    color: Theme.warnSoft

                    Icon { anchors.centerIn: parent; name: "hourglass"; size: 40; colour: Theme.warn }
                }
                Money {
                    anchors.horizontalCenter: parent.horizontalCenter
                    text: root.vm.total
                    size: 36
                    font.weight: Font.Bold
                }
                Label {
                    width: parent.width
                    horizontalAlignment: Text.AlignHCenter
                    text: Words.t("return.held")
                    size: Theme.textL
                    strong: true
                    Accessible.role: Accessible.StaticText
                    Accessible.name: text
                }
                Label {
                    width: parent.width
                    horizontalAlignment: Text.AlignHCenter
                    text: Words.t("return.held_hint")
                    color: Theme.ink2
                    wrapMode: Text.Wrap
                }
            }
            Row {
                id: meanwhile
                anchors.bottom: parent.bottom
                width: parent.width
                spacing: 10

                Button {
                    id: leave
                    big: true
                    enabled: !root.vm.busy
                    text: Words.t("return.leave")
                    onClicked: root.vm.close()
                }
                Button {
                    width: meanwhile.width - leave.width - meanwhile.spacing
                    kind: "primary"
                    big: true
                    enabled: !root.vm.busy
                    busy: root.vm.busy
                    glyph: "refresh-cw"
                    text: Words.t(root.vm.busy ? "return.asking" : "return.ask")
                    onClicked: root.vm.ask()
                }
            }
        }

        Item {
            anchors.fill: parent
            visible: root.vm.isDone

            Column {
                anchors { left: parent.left; right: parent.right; top: parent.top; topMargin: 8 }
                spacing: 10

                Rectangle {
                    anchors.horizontalCenter: parent.horizontalCenter
                    width: 76
                    height: 76
                    radius: 38
                    color: Theme.accent

                    Icon { anchors.centerIn: parent; name: root.vm.isCash ? "hand-coins" : "undo-2"; size: 40; colour: Theme.accentInk }
                }
                Money {
                    anchors.horizontalCenter: parent.horizontalCenter
                    text: root.vm.total
                    size: 44
                    font.weight: Font.Bold
                    color: Theme.accentText
                    Accessible.role: Accessible.StaticText
                    Accessible.name: text
                }
                Label {
                    width: parent.width
                    horizontalAlignment: Text.AlignHCenter
                    text: root.vm.doneTitle
                    wrapMode: Text.Wrap
                    size: Theme.textL
                    strong: true
                    Accessible.role: Accessible.StaticText
                    Accessible.name: text
                }
                Label {
                    width: parent.width
                    horizontalAlignment: Text.AlignHCenter
                    text: root.vm.doneLine
                    color: Theme.ink2
                    font.features: Theme.tabular
                }
            }
            Row {
                id: after
                anchors.bottom: parent.bottom
                width: parent.width
                spacing: 10

                Button {
                    id: paper
                    big: true
                    enabled: !root.vm.busy
                    busy: root.vm.busy
                    glyph: "printer"
                    text: Words.t("return.print")
                    onClicked: root.vm.print()
                }
                Button {
                    width: after.width - paper.width - after.spacing
                    kind: "primary"
                    big: true
                    glyph: "check"
                    text: Words.t("return.finish")
                    onClicked: root.vm.close()
                }
            }
        }
    }
}
