pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Who is credited for a line: one guide, or several whose parts sum to the whole.
Sheet {
    id: root

    required property CreditVm vm

    visible: true
    wide: 620
    title: Words.t("credit.title")
    subtitle: Words.t("credit.hint")
    closeName: Words.t("common.close")

    Item {
        width: parent.width
        height: grid.height + 14 + keep.height

        GridView {
            id: grid
            width: parent.width + 10
            height: Math.min(Math.ceil(count / 2) * cellHeight, Theme.compact ? 300 : 400)
            cellWidth: width / 2
            cellHeight: 74
            clip: true
            boundsBehavior: Flickable.StopAtBounds
            model: root.vm.guides
            delegate: Item {
                id: cell

                required property string personId
                required property string name
                required property string letters
                required property int seed
                required property bool chosen
                required property string part

                width: grid.cellWidth
                height: grid.cellHeight

                ListRow {
                    width: parent.width - 10
                    height: 64
                    text: cell.name
                    detail: cell.part
                    chosen: cell.chosen
                    glyph: cell.chosen ? "circle-check" : ""
                    leading: Avatar { size: 40; text: cell.letters; seed: cell.seed }
                    onClicked: root.vm.toggle(cell.personId)
                }
                Row {
                    anchors { right: parent.right; rightMargin: 46; verticalCenter: parent.verticalCenter }
                    anchors.verticalCenterOffset: -5
                    visible: cell.chosen && root.vm.several

                    IconButton {
                        framed: false
                        width: 44
                        glyph: "minus"
                        text: Words.t("credit.fewer")
                        onClicked: root.vm.fewer(cell.personId)
                    }
                    IconButton {
                        framed: false
                        width: 44
                        glyph: "plus"
                        text: Words.t("credit.more")
                        onClicked: root.vm.more(cell.personId)
                    }
                }
            }
        }
        Button {
            id: keep
            anchors.bottom: parent.bottom
            width: parent.width
            height: 54
            kind: "primary"
            glyph: "check"
            text: Words.t("credit.keep")
            enabled: root.vm.canKeep
            onClicked: {
                root.vm.keep();
                root.close();
            }
        }
    }
}
