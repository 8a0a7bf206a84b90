pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Only what is safe now: the main thing over the whole width, the way out under it.
Column {
    id: root

    required property PaymentVm vm
    readonly property PhonePayVm phone: vm.phone as PhonePayVm
    readonly property CashPayVm cash: vm.cash as CashPayVm
    readonly property ProofVm proof: vm.proof as ProofVm
    readonly property WalletVm wallet: vm.wallet as WalletVm
    readonly property bool provable: vm.isPhone && phone.canProve

    spacing: 10

    Button {
        width: root.width
        visible: root.vm.isCash
        enabled: root.cash.canTake
        kind: "primary"
        big: true
        busy: root.cash.busy
        glyph: "banknote"
        text: Words.t(root.cash.busy ? "pay.cash_recording" : "pay.cash_take")
        trailing: root.vm.amount
        onClicked: root.cash.take()
    }
    Button {
        width: root.width
        visible: root.vm.mainIsCash
        kind: "primary"
        big: true
        glyph: "banknote"
        text: Words.t("pay.cash_instead")
        onClicked: root.vm.useCash()
    }
    Button {
        width: root.width
        visible: root.vm.canNewQr
        kind: root.vm.mainIsCash ? "secondary" : "primary"
        big: true
        glyph: "qr-code"
        text: Words.t("pay.new_qr")
        onClicked: root.vm.usePhone()
    }
    Button {
        width: root.width
        visible: root.vm.isPhone && root.phone.canAsk
        enabled: !root.phone.busy
        kind: "primary"
        big: true
        busy: root.phone.busy
        glyph: "refresh-cw"
        text: Words.t("pay.ask_now")
        onClicked: root.phone.ask()
    }
    ScannerReady {
        anchors.horizontalCenter: parent.horizontalCenter
        visible: root.provable && !root.proof.isTyping && !root.proof.hasCamera
        text: Words.t(root.proof.busy ? "pay.spoken_checking" : "pay.proof_scan")
    }
    ScannerReady {
        anchors.horizontalCenter: parent.horizontalCenter
        visible: root.vm.isPhone && root.wallet.canScan && !root.wallet.hasCamera
        text: Words.t("pay.code_or")
    }
    Button {
        width: root.width
        visible: root.vm.isPhone && root.wallet.canVouch
        enabled: !root.wallet.busy
        kind: root.wallet.isSure ? "danger" : "secondary"
        glyph: "badge-check"
        text: root.wallet.vouchText
        onClicked: root.wallet.vouch()
    }
    Button {
        width: root.width
        visible: root.vm.isPhone && root.wallet.canScan && root.wallet.hasCamera
        enabled: !root.wallet.busy
        glyph: "camera"
        text: Words.t("pay.code_scan")
        onClicked: root.wallet.look()
    }
    Row {
        width: root.width
        visible: root.provable
        spacing: 10

        Button {
            id: scanProof
            width: parent.width * 0.52
            visible: !root.proof.isTyping && root.proof.hasCamera
            enabled: !root.proof.busy
            kind: root.phone.canAsk ? "secondary" : "primary"
            glyph: "camera"
            text: Words.t("pay.proof_scan")
            onClicked: root.proof.look()
        }
        Button {
            width: scanProof.visible ? parent.width - scanProof.width - parent.spacing : parent.width
            enabled: !root.proof.busy
            glyph: root.proof.isTyping ? "qr-code" : "keyboard"
            text: Words.t(root.proof.isTyping ? "pay.spoken_back" : "pay.spoken_type")
            onClicked: root.proof.isTyping ? root.proof.back() : root.proof.type()
        }
    }
    Button {
        width: root.width
        visible: root.vm.isPhone && root.phone.canDeliver
        enabled: !root.phone.busy
        kind: "primary"
        big: true
        busy: root.phone.busy
        glyph: "package-check"
        text: Words.t("pay.deliver")
        onClicked: root.phone.deliver()
    }
    Row {
        id: ways
        width: parent.width
        spacing: 10

        readonly property int shown: (leave.visible ? 1 : 0) + (stop.visible ? 1 : 0)
            + (aside.visible ? 1 : 0)
        readonly property real each: (width - spacing * Math.max(shown - 1, 0)) / Math.max(shown, 1)

        Button {
            id: leave
            width: ways.each
            visible: root.vm.canLeave
            glyph: "undo-2"
            text: Words.t("pay.back_to_cart")
            onClicked: root.vm.leave()
        }
        Button {
            id: stop
            width: ways.each
            visible: root.vm.isPhone && root.phone.canStop
            glyph: "x"
            text: Words.t("pay.stop")
            onClicked: root.vm.stop()
        }
        Button {
            id: aside
            width: ways.each
            visible: root.vm.canSetAside
            glyph: "user-plus"
            text: Words.t("pay.set_aside")
            onClicked: root.vm.setAside()
        }
    }
}
