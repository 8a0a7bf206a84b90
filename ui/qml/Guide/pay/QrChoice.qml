pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide
import Guide.Model

// Which QR is shown: our page's with the whole order, or a provider's own. One row, swept when too long.
ListView {
    id: root

    required property WalletVm vm

    implicitWidth: contentWidth
    implicitHeight: 48
    orientation: ListView.Horizontal
    spacing: 6
    clip: true
    boundsBehavior: Flickable.StopAtBounds
    model: root.vm.codes
    Accessible.role: Accessible.List
    Accessible.name: Words.t("pay.own_which")

    delegate: T.Button {
        id: sort

        required property string key
        required property string title
        required property bool chosen
        required property bool cheapest

        implicitWidth: Math.max(72, words.implicitWidth + (cheapest ? mark.width + 6 : 0) + 28)
        implicitHeight: 48
        focusPolicy: Qt.TabFocus
        Accessible.name: title
        Accessible.description: cheapest ? Words.t("pay.cheapest_mark") : ""
        Accessible.role: Accessible.RadioButton
        Accessible.checkable: true
        Accessible.checked: chosen
        onClicked: root.vm.choose(sort.key)

        contentItem: Item {
            // What costs the shop least is only marked: the customer chooses.
            Icon {
                id: mark
                x: 14
                anchors.verticalCenter: parent.verticalCenter
                visible: sort.cheapest
                name: "coins"
                size: 16
                colour: words.color
            }
            Label {
                id: words
                anchors {
                    centerIn: parent
                    horizontalCenterOffset: sort.cheapest ? (mark.width + 6) / 2 : 0
                }
                text: sort.title
                size: 15
                strong: sort.chosen
                color: sort.chosen ? Theme.accentText : Theme.ink2
            }
        }
        background: Rectangle {
            radius: 24
            color: sort.chosen ? Theme.accentSoft : sort.down ? Theme.pressed : "transparent"
            border.width: sort.chosen || sort.visualFocus ? 2 : 1
            border.color: sort.chosen || sort.visualFocus ? Theme.accent : Theme.line
        }
    }
}
