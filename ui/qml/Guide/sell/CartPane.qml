pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// The cart: what the customer takes, why it costs what it costs, and the one big button.
Rectangle {
    id: root

    required property CheckoutVm vm
    required property RootVm shell
    readonly property DraftsVm drafts: vm.drafts as DraftsVm
    readonly property int edge: Theme.compact ? 12 : 20
    signal payAsked

    color: Theme.surface

    Rectangle { width: 1; height: parent.height; color: Theme.line }

    Item {
        id: head
        x: root.edge
        width: parent.width - 2 * root.edge
        y: Theme.compact ? 12 : 18
        height: 50

        Column {
            anchors.verticalCenter: parent.verticalCenter
            spacing: 2

            Label { text: Words.t("cart.title"); size: Theme.title; font.weight: Font.Bold }
            Label { text: root.vm.units; size: 13; color: Theme.ink2 }
        }
        Row {
            anchors { right: parent.right; rightMargin: Theme.compact ? -4 : 0 }
            anchors.verticalCenter: parent.verticalCenter
            spacing: Theme.compact ? 0 : 8

            IconButton {
                framed: !Theme.compact
                glyph: "undo-2"
                text: Words.t("cart.undo")
                enabled: root.vm.canUndo
                onClicked: root.vm.undo()
            }
            IconButton {
                framed: !Theme.compact
                glyph: root.vm.isEmpty && root.drafts.any ? "layers" : "pause"
                text: Words.t(root.vm.isEmpty && root.drafts.any ? "cart.parked" : "cart.park")
                enabled: !root.vm.isEmpty || root.drafts.any
                onClicked: root.vm.isEmpty ? root.shell.open("parked") : root.vm.park()
            }
            IconButton {
                framed: !Theme.compact
                glyph: "trash-2"
                text: Words.t("cart.clear")
                enabled: !root.vm.isEmpty
                tint: Theme.danger
                onClicked: root.vm.clear()
            }
        }
    }

    MemberCard {
        id: member
        x: root.edge
        width: parent.width - 2 * root.edge
        anchors { top: head.bottom; topMargin: Theme.compact ? 8 : 12 }
        vm: root.vm.customer as CustomerVm
        onDetachAsked: root.vm.detach()
        onAttachAsked: {
            (root.shell.members as MembersVm).open();
            root.shell.open("member");
        }
    }

    ListView {
        id: lines
        anchors { top: member.bottom; topMargin: 6; bottom: foot.top }
        width: parent.width
        clip: true
        cacheBuffer: 0 // see GoodsPane
        boundsBehavior: Flickable.StopAtBounds
        model: root.vm.lines
        onHeightChanged: reveal()

        // Scroll to the selected line and return it.
        function reveal(): CartLine {
            if (root.vm.selectedRow < 0)
                return null;
            positionViewAtIndex(root.vm.selectedRow, ListView.Contain);
            return itemAtIndex(root.vm.selectedRow) as CartLine;
        }

        delegate: CartLine {
            width: lines.width
            edge: root.edge
            chosen: root.vm.selected === lineNo
            onClicked: root.vm.select(lineNo)
            onFewer: root.vm.fewer(lineNo)
            onMore: root.vm.more(lineNo)
            onRemoved: root.vm.remove(lineNo)
            onDiscountAsked: {
                root.vm.openDiscount(lineNo);
                root.shell.open("discount");
            }
            onGuideAsked: {
                root.vm.openCredit(lineNo);
                root.shell.open("credit");
            }
        }

        Connections {
            target: root.vm
            function onLanded(): void {
                lines.reveal()?.flash();
            }
        }
    }
    Rectangle {
        anchors { top: lines.top; left: parent.left; right: parent.right }
        visible: !lines.atYBeginning
        height: 1
        color: Theme.line
    }
    EmptyState {
        anchors.centerIn: lines
        width: parent.width - 80
        visible: root.vm.isEmpty
        glyph: "scan-barcode"
        title: Words.t("cart.empty")
        hint: Words.t("cart.empty_hint")
        action: root.drafts.any ? Words.t("cart.parked") : ""
        onActed: root.shell.open("parked")
    }

    CartFoot {
        id: foot
        x: root.edge
        width: parent.width - 2 * root.edge
        anchors { bottom: parent.bottom; bottomMargin: Theme.compact ? 12 : 20 }
        vm: root.vm
        onPayAsked: root.payAsked()
        onDiscountAsked: {
            root.vm.openDiscount("");
            root.shell.open("discount");
        }
    }
}
