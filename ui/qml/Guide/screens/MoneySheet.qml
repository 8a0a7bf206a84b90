pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Money that waits for a person, each with what it was for and what to do now.
Sheet {
    id: root

    required property MoneyVm vm

    visible: true
    wide: 720
    title: Words.t("money.title")
    subtitle: vm.any ? vm.headline : ""
    closeName: Words.t("common.close")
    onClosed: vm.close()

    Item {
        width: parent.width
        height: Math.min(list.contentHeight + how.height + 14, (root.parent?.height ?? 700) - 190)

        ListView {
            id: list
            width: parent.width
            height: parent.height - how.height - 14
            clip: true
            spacing: 10
            boundsBehavior: Flickable.StopAtBounds
            model: root.vm.rows
            Accessible.role: Accessible.List
            Accessible.name: root.title
            delegate: MoneyRow {
                required property string key
                required title
                required amount
                required detail
                required hint
                required glyph
                required kind
                required canDeliver

                width: list.width
                busy: root.vm.busy
                onDelivered: root.vm.deliver(key)
                onAsked: root.vm.ask(key)
            }
        }
        Label {
            id: how
            anchors.bottom: parent.bottom
            width: parent.width
            visible: root.vm.any
            text: Words.t("money.refund_how")
            color: Theme.ink2
            wrapMode: Text.Wrap
        }
        EmptyState {
            anchors.centerIn: parent
            width: parent.width - 40
            visible: !root.vm.any
            glyph: "circle-check"
            title: Words.t("money.none")
            hint: Words.t("money.none_hint")
        }
    }
}
