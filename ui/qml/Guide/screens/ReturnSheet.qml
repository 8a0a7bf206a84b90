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
    wide: Theme.compact ? 880 : 720 // wide enough for each row of reasons to stay one
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
                // What the sheet itself takes, and all that stands below; a row is seen at the least.
                height: Math.min(contentHeight, Math.max(66, (root.parent?.height ?? 700) - 150
                    - everything.height - reasons.height - (instead.visible ? instead.height + 12 : 0)
                    - how.height - give.height - 4 * form.spacing))
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
                id: reasons
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
                id: instead
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
                id: how

                readonly property bool refused: root.vm.standing === "refused" && root.vm.cashReason === "" && root.vm.canGive

                width: parent.width
                text: root.vm.hint
                color: refused ? Theme.danger : Theme.ink2
                wrapMode: Text.Wrap
            }
            Button {
                id: give
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

        ReturnOutcome {
            anchors.fill: parent
            visible: root.vm.isHeld
            waiting: true
            glyph: "hourglass"
            amount: root.vm.total
            title: Words.t("return.held")
            line: Words.t("return.held_hint")
            quietText: Words.t("return.leave")
            mainGlyph: "refresh-cw"
            mainText: Words.t(root.vm.busy ? "return.asking" : "return.ask")
            mainBusy: root.vm.busy
            onQuiet: root.vm.close()
            onMain: root.vm.ask()
        }
        ReturnOutcome {
            anchors.fill: parent
            visible: root.vm.isDone
            glyph: root.vm.standing === "" ? "hand-coins" : root.vm.standing === "stuck" ? "circle-alert"
                : unfinished ? "hourglass" : "undo-2"
            unfinished: root.vm.standing === "stuck" || root.vm.standing === "pending"
            amount: root.vm.total
            title: root.vm.doneTitle
            line: root.vm.doneLine
            quietGlyph: "printer"
            quietText: Words.t("return.print")
            quietBusy: root.vm.busy
            mainGlyph: "check"
            mainText: Words.t("return.finish")
            onQuiet: root.vm.print()
            onMain: root.vm.close()
        }
    }
}
