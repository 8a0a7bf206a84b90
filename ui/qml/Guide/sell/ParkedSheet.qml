pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Carts that were put aside; a tap brings one back.
Sheet {
    id: root

    required property CheckoutVm vm
    readonly property DraftsVm drafts: vm.drafts as DraftsVm

    visible: true
    wide: 520
    title: Words.t("cart.parked")
    closeName: Words.t("common.close")

    Item {
        width: parent.width
        height: Math.max(240, Math.min(list.contentHeight, 440))

        ListView {
            id: list
            anchors.fill: parent
            clip: true
            spacing: 8
            boundsBehavior: Flickable.StopAtBounds
            model: root.drafts.parked
            delegate: ListRow {
                required property string slot
                required property string title
                required property string amount
                required detail

                width: list.width
                text: title
                figure: amount
                glyph: "chevron-right"
                onClicked: {
                    root.vm.recall(slot);
                    root.close();
                }
            }
        }
        EmptyState {
            anchors.centerIn: parent
            width: parent.width - 40
            visible: list.count === 0
            glyph: "layers"
            title: Words.t("cart.parked_none")
        }
    }
}
