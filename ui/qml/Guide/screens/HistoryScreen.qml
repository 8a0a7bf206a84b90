pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Receipts: find one at the left, see it explained at the right, print its copy.
FocusScope {
    id: root

    required property HistoryVm vm
    property InboxVm inbox: null

    focus: true
    Component.onCompleted: vm.load()
    Keys.onPressed: event => {
        if (event.key === Qt.Key_F2)
            search.forceActiveFocus();
        else if (event.key === Qt.Key_P && root.vm.hasChosen)
            root.vm.reprint();
        else if (event.key === Qt.Key_R && root.vm.canReturn)
            root.vm.takeBack();
        else if (event.key === Qt.Key_Escape)
            root.vm.choose("");
        else
            return;
        event.accepted = true;
    }

    Item {
        id: left
        x: Theme.margin
        y: Theme.margin
        width: Math.min(460, Math.floor(root.width * 0.44))
        height: parent.height - 2 * y

        Label {
            id: title
            width: parent.width
            text: Words.t("history.title")
            size: Theme.title
            font.weight: Font.Bold
            Accessible.role: Accessible.Heading
            Accessible.name: text
        }
        Label {
            id: summary
            anchors { top: title.bottom; topMargin: 4 }
            width: parent.width
            height: 18
            text: root.vm.summary
            color: Theme.ink2
            font.features: Theme.tabular
        }
        ListRow {
            id: waiting
            anchors { top: summary.bottom; topMargin: visible ? 12 : 0 }
            width: parent.width
            height: visible ? implicitHeight : 0
            visible: root.inbox?.any ?? false
            text: root.inbox?.headline ?? ""
            detail: Words.t("inbox.open_list")
            glyph: "chevron-right"
            tint: Theme.danger
            leading: Icon { name: "triangle-alert"; size: 24; colour: Theme.danger }
            onClicked: root.inbox.open()
        }
        SearchField {
            id: search
            anchors { top: waiting.bottom; topMargin: 12 }
            width: parent.width
            placeholderText: Words.t("history.search")
            clearName: Words.t("common.clear")
            onTextChanged: root.vm.search(text)
            Keys.onDownPressed: list.forceActiveFocus()
            Keys.onEscapePressed: {
                clear();
                root.forceActiveFocus();
            }
        }
        ListView {
            id: list
            anchors { top: search.bottom; topMargin: 12; bottom: parent.bottom }
            width: parent.width
            clip: true
            spacing: 8
            boundsBehavior: Flickable.StopAtBounds
            keyNavigationEnabled: true
            model: root.vm.documents
            Accessible.role: Accessible.List
            Accessible.name: Words.t("history.title")

            delegate: ReceiptRow {
                id: row

                required property string key
                required receiptNo
                required at
                required detail
                required amount
                required refund
                required sent
                required sentText

                width: list.width
                chosen: root.vm.chosen === key
                onClicked: root.vm.choose(key)
                Keys.onReturnPressed: root.vm.choose(key)
                Keys.onEnterPressed: root.vm.choose(key)
            }
            footer: Item {
                width: list.width
                height: more.visible ? more.height + 8 : 0

                Button {
                    id: more
                    y: 8
                    width: parent.width
                    visible: root.vm.hasMore
                    glyph: "chevron-down"
                    text: Words.t("history.more")
                    onClicked: root.vm.more()
                }
            }
        }
        EmptyState {
            anchors.centerIn: list
            width: parent.width - 40
            visible: root.vm.isEmpty
            glyph: "receipt-text"
            title: root.vm.emptyTitle
            hint: root.vm.emptyHint
        }
    }

    Card {
        anchors { left: left.right; leftMargin: Theme.margin; right: parent.right }
        anchors { rightMargin: Theme.margin; top: parent.top; topMargin: Theme.margin }
        anchors { bottom: parent.bottom; bottomMargin: Theme.margin }
        corner: 20

        EmptyState {
            anchors.centerIn: parent
            width: parent.width - 80
            visible: !root.vm.hasChosen
            glyph: "file-text"
            title: Words.t("history.choose")
            hint: Words.t("history.choose_hint")
        }
        Item {
            id: page
            anchors { fill: parent; margins: Theme.compact ? 18 : 24 }
            visible: root.vm.hasChosen

            Label {
                id: name
                width: parent.width - sent.width - 12
                text: root.vm.title
                size: Theme.textXL
                font.weight: Font.Bold
                font.features: Theme.tabular
            }
            Badge {
                id: sent
                anchors { right: parent.right; verticalCenter: name.verticalCenter }
                kind: root.vm.isSent ? "good" : "warn"
                glyph: root.vm.isSent ? "check" : "cloud-upload"
                text: root.vm.sentText
            }
            Label {
                id: when
                anchors { top: name.bottom; topMargin: 4 }
                width: parent.width
                text: root.vm.subtitle
                color: Theme.ink2
                font.features: Theme.tabular
            }
            ListView {
                id: explained
                anchors { top: when.bottom; topMargin: 6; bottom: again.top; bottomMargin: 12 }
                width: parent.width
                clip: true
                boundsBehavior: Flickable.StopAtBounds
                model: root.vm.parts
                delegate: PartRow {
                    required property string key
                    required kind
                    required text
                    required detail
                    required amount

                    width: explained.width - 4
                }
            }
            Button {
                id: back
                anchors { left: parent.left; bottom: parent.bottom }
                width: (parent.width - 10) / 2
                visible: root.vm.canReturn
                glyph: "undo-2"
                text: Words.t("history.return")
                onClicked: root.vm.takeBack()
            }
            Button {
                id: again
                anchors { right: parent.right; bottom: parent.bottom }
                width: back.visible ? back.width : parent.width
                enabled: !root.vm.busy
                busy: root.vm.busy
                glyph: "printer"
                text: root.vm.printLabel
                onClicked: root.vm.reprint()
            }
        }
    }
}
