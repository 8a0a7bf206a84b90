pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// What waits for a person of the store, each with what it is, what to do now, and who is at it.
Sheet {
    id: root

    required property InboxVm vm

    visible: true
    wide: 760
    title: Words.t("inbox.title")
    subtitle: vm.headline
    closeName: Words.t("common.close")
    onClosed: vm.close()

    Item {
        id: paper

        readonly property int below: foot.visible ? foot.height + 14 : 0

        width: parent.width
        height: Math.min(Math.max(list.contentHeight, 200) + list.y + below,
            (root.parent?.height ?? 700) - 150)

        Badge {
            id: offline
            width: parent.width
            height: visible ? 34 : 0
            visible: !root.vm.isOnline && !root.vm.isEmpty
            kind: "warn"
            glyph: "cloud-off"
            text: Words.t("inbox.offline")
        }
        ListView {
            id: list
            y: offline.height + (offline.visible ? 10 : 0)
            width: parent.width
            height: paper.height - y - paper.below
            clip: true
            spacing: 10
            boundsBehavior: Flickable.StopAtBounds
            model: root.vm.rows
            section.property: "group"
            section.delegate: Label {
                required property string section

                width: list.width
                height: 30
                text: section
                strong: true
                color: Theme.ink2
                Accessible.role: Accessible.Heading
                Accessible.name: section
            }
            Accessible.role: Accessible.List
            Accessible.name: root.title
            delegate: InboxRow {
                required property string key
                required title
                required amount
                required detail
                required hint
                required holder
                required isTaken
                required glyph
                required kind
                required canDeliver
                required deliverText
                required shortage
                required canGiveBack
                required canAsk
                required canClaim
                required word
                required wordText
                required other
                required otherText

                width: list.width
                busy: root.vm.busy
                onDelivered: root.vm.deliver(key)
                onGivenBack: root.vm.giveBack(key)
                onAsked: root.vm.ask(key)
                onClaimed: root.vm.claim(key)
                onSettled: said => root.vm.settle(key, said)
            }
        }
        Label {
            id: foot
            anchors.bottom: parent.bottom
            width: parent.width
            visible: text !== ""
            text: root.vm.note
            color: Theme.ink2
            wrapMode: Text.Wrap
        }
        EmptyState {
            anchors.centerIn: parent
            width: parent.width - 40
            visible: root.vm.isEmpty
            glyph: "circle-check"
            title: Words.t("inbox.none")
            hint: Words.t("inbox.none_hint")
        }
    }
}
