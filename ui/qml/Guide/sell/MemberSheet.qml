pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Find a member by anything one remembers, or let the customer join on the spot. A manager may erase one.
Sheet {
    id: root

    required property MembersVm vm

    visible: true
    wide: 560
    readonly property bool searching: !vm.joining && !vm.erasing

    title: Words.t(vm.joining ? "member.join" : vm.erasing ? "member.erase_title" : "member.title")
    closeName: Words.t("common.close")
    onOpened: search.forceActiveFocus()

    Item {
        width: parent.width
        height: root.vm.joining ? form.implicitHeight
            : root.vm.erasing ? farewell.implicitHeight : Theme.compact ? 400 : 460

        SearchField {
            id: search
            focus: true // from the first frame: people type while the sheet still comes in
            width: parent.width
            visible: root.searching
            placeholderText: Words.t("member.search")
            clearName: Words.t("sell.search_clear")
            onTextChanged: root.vm.search(text)
            Keys.onReturnPressed: if (list.count > 0) (list.itemAtIndex(0) as ListRow).click()
        }
        ListView {
            id: list
            anchors { top: search.bottom; topMargin: 12; bottom: join.top; bottomMargin: 12 }
            width: parent.width
            visible: root.searching
            clip: true
            spacing: 8
            cacheBuffer: 0 // see GoodsPane
            boundsBehavior: Flickable.StopAtBounds
            model: root.vm.found
            delegate: ListRow {
                id: row

                required property string memberRef
                required property string name
                required property string tier
                required property string letters
                required property int seed
                required detail

                width: list.width
                text: name
                figure: tier
                glyph: "chevron-right"
                rightPadding: root.vm.mayErase ? Theme.touch + 8 : 12
                leading: Avatar { size: 42; text: row.letters; seed: row.seed }
                onClicked: root.vm.pick(memberRef)

                IconButton {
                    anchors { right: parent.right; rightMargin: 4; verticalCenter: parent.verticalCenter }
                    visible: root.vm.mayErase
                    framed: false
                    glyph: "trash-2"
                    glyphSize: 18
                    tint: Theme.ink2
                    text: Words.t("member.erase") + " " + row.name
                    onClicked: root.vm.askErase(row.memberRef)
                }
            }
        }
        EmptyState {
            anchors.centerIn: list
            width: parent.width - 60
            visible: root.searching && list.count === 0
            glyph: root.vm.nothingFound ? "user-round" : "search"
            title: Words.t(root.vm.nothingFound ? "member.none" : "member.start")
            hint: Words.t(root.vm.nothingFound ? "member.none_hint" : "member.start_hint")
        }
        Button {
            id: join
            anchors.bottom: parent.bottom
            width: parent.width
            visible: root.searching
            kind: root.vm.nothingFound ? "primary" : "secondary"
            glyph: "user-plus"
            text: Words.t("member.join")
            onClicked: {
                root.vm.showForm(true);
                nameField.text = root.vm.typedName;
                phoneField.text = root.vm.typedPhone;
                (nameField.text ? phoneField : nameField).forceActiveFocus();
            }
        }

        Column {
            id: form
            width: parent.width
            visible: root.vm.joining
            spacing: 30

            Field {
                id: nameField
                width: parent.width
                glyph: "user-round"
                placeholderText: Words.t("member.name")
                problem: root.vm.nameProblem
                Keys.onReturnPressed: phoneField.forceActiveFocus()
            }
            Field {
                id: phoneField
                width: parent.width
                glyph: "smartphone"
                placeholderText: Words.t("member.phone")
                problem: root.vm.phoneProblem
                inputMethodHints: Qt.ImhDialableCharactersOnly
                Keys.onReturnPressed: root.vm.join(nameField.text, phoneField.text)
            }
            Row {
                width: parent.width
                spacing: 12

                Button {
                    id: back
                    text: Words.t("common.back")
                    onClicked: {
                        if (phoneField.text)
                            search.text = phoneField.text;
                        root.vm.showForm(false);
                        search.forceActiveFocus();
                    }
                }
                Button {
                    width: parent.width - back.width - parent.spacing
                    kind: "primary"
                    glyph: "user-plus"
                    busy: root.vm.busy
                    text: Words.t("member.keep")
                    onClicked: root.vm.join(nameField.text, phoneField.text)
                }
            }
        }
        EraseMember {
            id: farewell
            width: parent.width
            visible: root.vm.erasing
            vm: root.vm
        }
    }
}
