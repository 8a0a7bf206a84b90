pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// The QR on white with its time, or what stands in its place while there is none.
Item {
    id: root

    required property PhonePayVm vm
    required property WalletVm wallet
    // The quiet zone is part of the picture; the paper only rounds its corners.
    readonly property int side: Theme.compact ? 372 : 392

    Label {
        id: title
        anchors.horizontalCenter: parent.horizontalCenter
        y: Theme.compact ? 22 : 34
        visible: root.vm.showsQr && !choice.visible
        text: Words.t("pay.scan_title")
        size: 18
        strong: true
    }
    QrChoice {
        id: choice
        anchors.horizontalCenter: parent.horizontalCenter
        y: Theme.compact ? 8 : 22
        width: Math.min(implicitWidth, parent.width - 32)
        visible: root.vm.showsQr && root.wallet.hasChoice
        vm: root.wallet
    }
    Rectangle {
        id: paper
        anchors.horizontalCenter: parent.horizontalCenter
        y: choice.visible ? choice.y + choice.height + 8 : title.y + title.height + 16
        width: Math.max(280, code.implicitWidth + 14)
        height: width
        radius: 14
        color: "#FFFFFF"
        border.width: 1
        border.color: Theme.line
        visible: root.vm.showsQr
        Accessible.role: Accessible.Graphic
        Accessible.name: Words.t("pay.qr_name")

        // Whole pixels per module: drawn at its own size, never scaled.
        Image {
            id: code
            anchors.centerIn: parent
            source: root.vm.qrUrl
            sourceSize: Qt.size(root.side, root.side)
            fillMode: Image.Pad
            smooth: false
            cache: false
        }
    }
    Rectangle {
        id: time
        anchors.horizontalCenter: parent.horizontalCenter
        y: paper.y + paper.height + 14
        width: left.implicitWidth + 56
        height: 40
        radius: 20
        color: Theme.surface
        border.width: 1
        border.color: Theme.line
        visible: root.vm.showsQr && root.vm.timeLeft !== ""

        Icon {
            x: 14
            anchors.verticalCenter: parent.verticalCenter
            name: "timer"
            size: 18
            colour: Theme.ink2
        }
        Label {
            id: left
            x: 40
            anchors.verticalCenter: parent.verticalCenter
            text: root.vm.timeLeft
            size: 15
            strong: true
            font.features: Theme.tabular
        }
    }

    Label {
        anchors.horizontalCenter: parent.horizontalCenter
        y: time.y + (time.visible ? time.height + 12 : 0)
        width: parent.width - 32
        visible: root.vm.showsQr && text !== ""
        horizontalAlignment: Text.AlignHCenter
        wrapMode: Text.Wrap
        maximumLineCount: 2
        text: root.wallet.saving
        size: 13
        color: Theme.ink2
        font.features: Theme.tabular
    }
    Column {
        anchors.centerIn: parent
        width: parent.width - 64
        visible: !root.vm.showsQr
        spacing: 18

        Rectangle {
            anchors.horizontalCenter: parent.horizontalCenter
            width: 164
            height: width
            radius: width / 2
            color: shadow.color
            border.width: 1
            border.color: Theme.line

            Icon {
                anchors.centerIn: parent
                name: root.vm.glyph
                size: 72
                colour: shadow.tint
            }
        }
        ProgressLine {
            anchors.horizontalCenter: parent.horizontalCenter
            width: 160
            visible: root.vm.isPreparing
            unknown: true
        }
    }
    // The colours of the tone, in one place.
    StatusBox {
        id: shadow
        visible: false
        tone: root.vm.tone
    }
}
