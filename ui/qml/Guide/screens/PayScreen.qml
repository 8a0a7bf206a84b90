pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Taking the payment. At the left the amount, the ways to pay, what is known and what is safe; at the
// right the QR or the cash keys. Enter does the main thing, Esc goes back where that is safe.
FocusScope {
    id: root

    required property PaymentVm vm
    readonly property PhonePayVm phone: vm.phone as PhonePayVm
    readonly property CashPayVm cash: vm.cash as CashPayVm
    readonly property ProofVm proof: vm.proof as ProofVm
    readonly property WalletVm wallet: vm.wallet as WalletVm
    readonly property bool upright: width < 900 && height > width
    readonly property bool tight: Theme.compact && !upright

    focus: true
    Keys.onPressed: event => {
        if (event.key === Qt.Key_Return || event.key === Qt.Key_Enter || event.key === Qt.Key_F8)
            root.vm.confirm();
        else if (event.key === Qt.Key_Escape)
            root.vm.escape();
        else if (event.key === Qt.Key_F9)
            root.vm.useCash();
        else if (event.key === Qt.Key_Backspace && root.proof.isTyping)
            root.proof.erase();
        else if (event.key === Qt.Key_Backspace)
            root.cash.erase();
        else if (root.proof.isTyping && "0123456789".includes(event.text) && event.text !== "")
            root.proof.key(event.text);
        else if (root.vm.isCash && "0123456789.".includes(event.text) && event.text !== "")
            root.cash.key(event.text);
        else
            return;
        event.accepted = true;
    }

    Rectangle {
        anchors.fill: parent
        color: Theme.scrim

        // Nothing under the sheet can be touched while money is involved.
        MouseArea {
            anchors.fill: parent
            hoverEnabled: true
            Accessible.ignored: true
        }
    }

    Card {
        id: sheet
        anchors.centerIn: parent
        width: Math.min(960, root.width - 32)
        height: Math.min(root.upright ? 1120 : Theme.compact ? 572 : 640, root.height - 24)
        corner: 24
        raised: true

        Rectangle {
            id: panel
            anchors { right: parent.right; bottom: parent.bottom; margins: 1 }
            width: root.upright ? parent.width - 2 : Math.floor(parent.width * 0.44)
            height: root.upright ? Math.floor(parent.height * 0.5) : parent.height - 2
            radius: 23
            color: Theme.surface2

            // Square where it meets the other half.
            Rectangle {
                width: root.upright ? parent.width : 24
                height: root.upright ? 24 : parent.height
                color: parent.color
            }
            Rectangle {
                width: root.upright ? parent.width : 1
                height: root.upright ? 1 : parent.height
                color: Theme.line
            }
            QrPanel {
                anchors.fill: parent
                visible: root.vm.isPhone && !root.proof.isTyping
                vm: root.phone
                wallet: root.wallet
            }
            SpokenPanel {
                anchors.fill: parent
                visible: root.vm.isPhone && root.proof.isTyping
                vm: root.proof
            }
            CashPanel {
                anchors.fill: parent
                visible: root.vm.isCash
                vm: root.cash
            }
        }

        Item {
            id: left
            x: Theme.compact ? 26 : 34
            y: Theme.compact ? 22 : 32
            width: parent.width - 2 * x - (root.upright ? 0 : panel.width)
            height: parent.height - 2 * y - (root.upright ? panel.height : 0)

            Column {
                id: facts
                width: parent.width
                spacing: Theme.compact ? 10 : 14

                Label {
                    id: heading
                    width: parent.width
                    text: Words.t("pay.title")
                    size: Theme.title
                    font.weight: Font.Bold
                }
                Row {
                    id: sum
                    spacing: 12

                    Money {
                        id: due
                        text: root.vm.amount
                        size: Theme.compact ? 40 : 48
                        font.weight: Font.Bold
                        Accessible.role: Accessible.StaticText
                        Accessible.name: Words.t("pay.due") + " " + text
                    }
                    Label {
                        anchors.baseline: due.baseline
                        text: Words.t("pay.due") + " · " + root.vm.units
                        size: 15
                        color: Theme.ink2
                    }
                }
                Row {
                    id: tiles
                    // Where a proof is asked for neither way can be changed; what is known needs the room.
                    visible: !root.tight || !root.phone.canProve || root.vm.isCash
                    width: parent.width
                    spacing: 12

                    MethodTile {
                        width: (tiles.width - 12) / 2
                        glyph: "smartphone"
                        text: Words.t("pay.method.phone")
                        detail: root.vm.phoneHint
                        chosen: root.vm.isPhone
                        enabled: root.vm.phoneEnabled
                        onClicked: root.vm.usePhone()
                    }
                    MethodTile {
                        width: (tiles.width - 12) / 2
                        glyph: "banknote"
                        text: Words.t("pay.method.cash")
                        detail: Words.t("pay.method.cash_hint")
                        chosen: root.vm.isCash
                        enabled: root.vm.cashEnabled
                        onClicked: root.vm.useCash()
                    }
                }
                OrderStrip {
                    id: strip

                    // Good to see, and the first to go: what is known and what is safe need the room.
                    readonly property real others: heading.height + sum.height + tiles.height
                        + (root.vm.isCash ? hand.height : known.height) + safe.height

                    width: parent.width
                    visible: !root.tight && left.height - others >= height + 5 * facts.spacing
                    lines: root.vm.lines
                }
                StatusBox {
                    id: known
                    width: parent.width
                    visible: root.vm.isPhone
                    tone: root.phone.tone
                    glyph: root.phone.glyph
                    status: root.phone.status
                    hint: root.wallet.problem
                        || (root.proof.problem && !root.proof.isTyping ? root.proof.problem : root.phone.hint)
                    elapsed: root.phone.elapsed
                    turning: root.phone.isPreparing
                }
                StatusBox {
                    id: hand
                    width: parent.width
                    visible: root.vm.isCash
                    tone: root.cash.problem ? "bad" : root.wallet.problem ? "wait" : "calm"
                    glyph: root.cash.problem || root.wallet.problem ? "circle-alert" : "hand-coins"
                    status: root.cash.problem || root.wallet.problem || Words.t("pay.cash_hint")
                }
            }

            PayButtons {
                id: safe
                anchors.bottom: parent.bottom
                width: parent.width
                vm: root.vm
            }
        }

        Loader {
            anchors.fill: parent
            active: root.vm.isPaid
            sourceComponent: PaidBanner {
                amount: root.vm.amount
                line: root.vm.paidLine
                hint: root.vm.paidHint
                onCarriedOn: root.vm.next()
            }
        }
    }
}
